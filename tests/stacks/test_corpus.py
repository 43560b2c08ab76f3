"""Example applications of another detector: stack, manager and install must agree with ours."""

import re
from typing import Any

import pytest

from devloop.stacks import registry
from tests.stacks.corpus import APPS, OURS, REASON, files, stack
from tests.stacks.snapshots import detect

pytestmark = pytest.mark.skipif(not APPS, reason=REASON)

# Why we differ.
DIFFERENT = {
    "nested": "a setting names a subfolder there; here the user names the folder",
    "node-python": "it has no file but that detector's own settings",
}
LINES = {
    "node-bun": "a committed lock is kept to",
    "node-bun-prisma": "a committed lock is kept to",
    "node-bun-web-server": "a committed lock is kept to",
    "node-yarn-berry": "--check-cache is for a cache that others may have written",
    "python-setuptools": "in development the package is installed as a link to its source",
}
HEADS = {
    "npm": r"npm (?:i|ci|install)$",
    "pnpm": r"pnpm i",
    "yarn": r"yarn install",
    "bun": r"bun i",
    "pip": r"pip install",
    "uv": r"uv sync",
    "poetry": r"poetry install",
    "pdm": r"pdm install",
    "pipenv": r"(?:\w+=\S+ )*pipenv install",
    "go": r"go mod",
    "bundler": r"bundle install",
    "composer": r"(?:\w+=\S+ )*composer install",
    "dotnet": r"dotnet restore",
    "mix": r"mix deps\.get",
}
# What is said in two ways, and what is for production alone or does not change what is installed.
SAME = (
    (r"^(?:\w+=\S+ )+", ""),
    (r"\b(npm|pnpm|bun) i\b", r"\1 install"),
    (r"npm ci", "npm install"),
    (r" --(?:no-dev|prod|only prod|dev|deploy|no-root|no-self|no-interaction|no-ansi)\b", ""),
    (r" --(?:ignore-platform-reqs|no-scripts|no-install-project)\b", ""),
    (r" --store-dir \S+", ""),
    (r" --(?:locked|frozen)\b(?!-)", ""),
    (r" && mix deps\.compile", ""),
)


def expected_line(app: dict[str, Any]) -> str:
    """Give the plan's line that installs, empty where it has none."""
    lines = (app.get("expected") or {}).get("install") or []
    parts = [part for line in lines for part in line.split(" && ")]
    fits = [part for part in parts if any(re.match(head, part) for head in HEADS.values())]
    asides = [part for part in fits if re.match(r"pip install (?:\w+==|--upgrade)", part)]
    return next((part for part in fits if part not in asides), "")


def expected_manager(app: dict[str, Any]) -> str:
    line = expected_line(app)
    return next((name for name, head in HEADS.items() if re.match(head, line)), "")


def normalised(line: str) -> str:
    for pattern, text in SAME:
        line = re.sub(pattern, text, line)
    return line.strip()


def test_the_corpus_covers_every_stack() -> None:
    covered = {stack(name, app) for name, app in OURS.items()}
    assert covered == registry.STACKS.keys()
    assert len(APPS) == 152
    assert len(OURS) > 110


def test_stack_and_manager_are_right() -> None:
    wrong = []
    for name, app in OURS.items():
        found = detect(files(app))
        manager = expected_manager(app)
        right = bool(found) and found[0].name == stack(name, app)
        if not right or (manager and found[0].manager != manager):
            wrong.append(name)
    assert wrong == list(DIFFERENT)
    assert len(wrong) / len(OURS) < 0.03


@pytest.mark.parametrize("name", [name for name in OURS if expected_line(OURS[name])])
def test_the_install_command_agrees(name: str) -> None:
    if name in DIFFERENT:
        assert detect(files(OURS[name])) == ()
        return
    ours = normalised(detect(files(OURS[name]))[0].install)
    assert (ours == normalised(expected_line(OURS[name]))) is (name not in LINES), ours


@pytest.mark.parametrize("name", [name for name in APPS if name not in OURS])
def test_what_no_stack_covers_is_not_taken_for_one(name: str) -> None:
    assert detect(files(APPS[name])) == ()


# Files that their name would make manifests and that this app's install does not read.
UNREAD = {
    "node-monorepo": {"packages/client/yarn.lock", "packages/server/yarn.lock"},
}


@pytest.mark.parametrize("name", [name for name in OURS if name not in DIFFERENT])
def test_no_manifest_is_missed(name: str) -> None:
    """Every file that any of the app's stacks knows by its name is one of its manifests."""
    app = OURS[name]
    found = detect(files(app))
    stacks = [registry.STACKS[item.name] for item in found]
    named = {path for path in app["files"] if any(one.is_manifest(path) for one in stacks)}
    missed = named - {path for item in found for path in item.manifests} - UNREAD.get(name, set())
    assert missed == set()
