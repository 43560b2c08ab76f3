"""What `plan` says is what the loop decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from devloop.cli import project as projects
from devloop.compose.model import parse
from devloop.compose.settings import developed
from devloop.config.settings import Watch
from devloop.loop.decide.foresee import Effect, foresee
from devloop.project import inspect
from devloop.project.inspect import Surroundings
from tests.e2e.harness import write

FILES = {
    "package.json": '{"main": "server.js", "dependencies": {"express": "^4"}}',
    "server.js": "1",
    "README.md": "# shop",
    "Dockerfile": "FROM a\nWORKDIR /app\nCOPY package.json conf ./\nRUN npm i\nCOPY . .\n",
    "conf": "x",
}


def surroundings() -> Surroundings:
    return projects.surroundings()


@pytest.mark.parametrize(
    ("path", "action", "cause"),
    [
        ("server.js", "restart", "the app sees it through the mount"),
        ("README.md", "none", "not a source of the app (watch.paths)"),
        ("Dockerfile", "rebuild or recreate", "it says how the image and container are made"),
        ("conf", "rebuild", "the image is made of its content"),
        ("node_modules/x.js", "none", "it is kept from the mount: the container has its own"),
    ],
)
def test_one_app(tmp_path: Path, path: str, action: str, cause: str) -> None:
    write(tmp_path, FILES)
    found = foresee(inspect.look(str(tmp_path), surroundings()), path)
    assert found == Effect(action, cause)


def test_a_manifest_rebuilds_only_if_a_dependency_moves(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    found = foresee(inspect.look(str(tmp_path), surroundings()), "package.json")
    assert found.action == "rebuild, else restart"
    assert found.cause.startswith("a rebuild if this moves: ")


def test_an_app_that_reloads_itself_or_by_a_signal(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "devloop.yaml": "app: {reload: none}\n"})
    assert foresee(inspect.look(str(tmp_path), surroundings()), "server.js").action == "reload"
    write(tmp_path, {"devloop.yaml": "app: {reload: signal:USR2}\n"})
    found = foresee(inspect.look(str(tmp_path), surroundings()), "server.js")
    assert found == Effect("reload", "reload by signal USR2")


RULES = [
    ("sync", "static/a.css", "none", "synced by the mount (develop.watch)"),
    ("sync+restart", "README.md", "restart", "the app sees it through the mount"),
    ("sync+exec", "server.js", "reload", "reload by exec make"),
]


@pytest.mark.parametrize(("action", "path", "does", "cause"), RULES)
def test_the_rules_of_a_compose_file(
    tmp_path: Path, action: str, path: str, does: str, cause: str
) -> None:
    root = str(write(tmp_path, {**FILES, "static/a.css": "x"}))
    rule = {"path": f"{root}/{path}", "action": action, "exec": {"command": "make"}}
    service = {"build": {"context": root}, "develop": {"watch": [rule]}}
    one = developed(parse({"services": {"web": service}}), root, {}, Watch())["web"]
    around = surroundings()
    around = Surroundings(around.dockerfile, around.dockerignore, config=lambda: one.config)
    assert foresee(inspect.look(root, around), path) == Effect(does, cause)
