import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from devloop.cli.init import init
from devloop.errors import ConfigError
from tests.scaffold.projects import NODE, PYTHON
from tests.stacks.snapshots import package, tree


def run(
    root: Path,
    files: Mapping[str, object],
    *,
    output: Literal["plain", "json"] = "plain",
    force: bool = False,
    dry_run: bool = False,
) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    snapshot = tree(files)
    code = init(root, snapshot, force=force, dry_run=dry_run, output=output, stdout=out, stderr=err)
    assert code == 0
    return out.getvalue(), err.getvalue()


def test_it_writes_and_says_what_it_wrote(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("mine\n")
    out, err = run(tmp_path, NODE)
    assert out == ""
    assert err.splitlines() == [
        "found node 22 with npm, express",
        "created: Dockerfile",
        "kept (it is there already; --force overwrites it): .dockerignore",
        "created: devloop.yaml",
    ]
    assert (tmp_path / ".dockerignore").read_text() == "mine\n"
    assert f'name: "{tmp_path.name}"' in (tmp_path / "devloop.yaml").read_text()
    _, err = run(tmp_path, NODE, force=True)
    assert err.splitlines()[1:] == [
        "unchanged: Dockerfile",
        "overwrote: .dockerignore",
        "unchanged: devloop.yaml",
    ]


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"index.html": ""}, "found static 1.26"),
        ({"index.php": ""}, "found php 8.4"),
        ({"Gemfile": 'gem "sinatra"', "app.rb": ""}, "found ruby 3.3 with bundler, sinatra"),
    ],
)
def test_what_it_found(tmp_path: Path, files: dict[str, object], line: str) -> None:
    _, err = run(tmp_path, files, dry_run=True)
    assert err.splitlines()[0] == line


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    _, err = run(tmp_path, NODE, dry_run=True)
    assert "would create: Dockerfile" in err
    assert list(tmp_path.iterdir()) == []


def test_the_document_for_programs(tmp_path: Path) -> None:
    out, err = run(tmp_path, {**PYTHON, **NODE}, output="json")
    assert err == ""
    document = json.loads(out)
    assert document.keys() == {"stacks", "files"}
    assert [stack["name"] for stack in document["stacks"]] == ["python", "node"]
    assert document["stacks"][1] == {
        "name": "node",
        "manager": "npm",
        "framework": "express",
        "version": "22",
        "manifests": ["package.json"],
        "install": "npm install",
        "keep": ["node_modules"],
        "run": ["node", "server.js"],
        "port": 3000,
        "reload": "restart",
    }
    assert [item["action"] for item in document["files"]] == ["create"] * 3
    for item in document["files"]:
        assert item.keys() == {"path", "action", "content"}
        assert (tmp_path / item["path"]).read_text() == item["content"]


def test_a_string_for_the_shell_stays_one(tmp_path: Path) -> None:
    files = {"package.json": package(), "Procfile": "web: a && b\n"}
    out, _ = run(tmp_path, files, output="json", dry_run=True)
    assert json.loads(out)["stacks"][0]["run"] == "a && b"


def test_where_nothing_can_be_started_it_says_what_to_write(tmp_path: Path) -> None:
    _, err = run(tmp_path, {"package.json": package()})
    assert err.splitlines()[0] == "found node 22 with npm"
    assert err.splitlines()[-1].startswith("no start command was found")


def test_manifests_that_do_not_parse_are_all_told_with_their_place(tmp_path: Path) -> None:
    files = {
        "package.json": package(workspaces=["a"]),
        "a/package.json": '{\n"x"',
        "requirements.txt": b"\xff",
    }
    with pytest.raises(ConfigError) as caught:
        run(tmp_path, files)
    assert [problem.location for problem in caught.value.problems] == [
        "a/package.json:2:4",
        "requirements.txt:1:1",
    ]
    assert caught.value.exit_code == 2
    with pytest.raises(ConfigError) as caught:
        run(tmp_path, {"package.json": '{"engines": NaN}'})
    assert caught.value.problems[0].location == "package.json"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_stack_gets_one_to_fill_in(tmp_path: Path) -> None:
    _, err = run(tmp_path, {"README.md": ""})
    first, *files, last = err.splitlines()
    assert first.startswith("found no stack that devloop knows. Looked for: composer.json, ")
    assert files == ["created: Dockerfile", "created: .dockerignore", "created: devloop.yaml"]
    assert last.startswith("fill in the Dockerfile's CMD")
    text = (tmp_path / "Dockerfile").read_text()
    assert "FROM debian:trixie-slim AS dev\nWORKDIR /app\n" in text
    assert "\nCOPY . .\n" in text
    assert "\n# CMD [" in text
