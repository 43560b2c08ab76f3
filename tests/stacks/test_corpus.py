"""Example applications of another detector: provider, manager and install must agree with ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.snapshots import detect

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "apps.json"
MANAGERS = {
    "npm": ("npm i", "npm ci"),
    "pnpm": ("pnpm i",),
    "yarn": ("yarn install",),
    "pip": ("pip install -r", "pip install ."),
    "uv": ("uv sync",),
    "poetry": ("poetry install",),
}
# Found in a subfolder there, because a setting named it; here the user names the folder.
NESTED = {"nested"}


def apps() -> dict[str, dict[str, Any]]:
    if not CORPUS.exists():
        print(f"no corpus at {CORPUS.name}: its tests are skipped")
        return {}
    found: dict[str, dict[str, Any]] = json.loads(CORPUS.read_text("utf-8"))["apps"]
    return found


def manager(app: dict[str, Any]) -> str:
    """Give the manager of the plan's last install line, empty where it is none of ours."""
    lines = (app.get("expected") or {}).get("install") or [""]
    last = lines[-1].split(" && ")[-1]
    fits = (name for name, heads in MANAGERS.items() if last.startswith(heads))
    return next(fits, "")


ROWS = [(name, app) for name, app in sorted(apps().items()) if manager(app)]


@pytest.mark.skipif(not ROWS, reason="the corpus is not beside the repository")
def test_the_corpus_has_apps_of_every_manager() -> None:
    assert {manager(app) for _, app in ROWS} == MANAGERS.keys()
    assert len(ROWS) > 60


@pytest.mark.parametrize(("name", "app"), ROWS, ids=[name for name, _ in ROWS])
def test_an_app_of_the_corpus(name: str, app: dict[str, Any]) -> None:
    contents = app["contents"]
    files = {path: contents.get(path, "") for path in app["files"]}
    found = {item.manager: item for item in detect(files)}
    if name in NESTED:
        assert found == {}
        return
    ours = found[manager(app)]
    line = app["expected"]["install"][-1]
    frozen = any(word in line for word in ("npm ci", "frozen", "check-cache"))
    if ours.manager in {"npm", "pnpm", "yarn"}:
        assert frozen == any(word in ours.install for word in (" ci", "--frozen", "--immutable"))
