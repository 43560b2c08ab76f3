"""A team's own templates: `devloop init --template FOLDER`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from devloop.errors import UserError
from devloop.scaffold import plan
from devloop.scaffold.render import Template
from devloop.scaffold.values import parts, values
from devloop.scaffold.write import read_templates, with_own
from tests.e2e.harness import devloop, write
from tests.scaffold.projects import NODE, PROJECTS
from tests.stacks.snapshots import detect

OURS = read_templates()
DOCKERFILE = "node.Dockerfile.j2"
SHOP = {"package.json": '{"dependencies": {"express": "4"}}', "server.js": "1\n"}


def filled(text: str) -> str:
    own = {**OURS, DOCKERFILE: Template(f"own/{DOCKERFILE}", text)}
    return plan.dockerfile(detect(NODE), own)


@pytest.mark.parametrize(
    ("text", "place", "said", "hint"),
    [
        ("FROM x\n{% if %}\n", 2, "does not parse: Expected an expression", "mend it"),
        ("FROM x\n{% for a in b %}\n", 2, "does not parse: Unexpected end of template", "mend it"),
        ("FROM {{ imagee }}\n", 1, "there is no placeholder imagee", "build, cache, develop, env"),
        ("\n\n{{ prod.imagee }}", 3, "no imagee in this placeholder: it has lean, install", ""),
        ("\n{% if imagee %}\n{% endif %}", 2, "there is no placeholder imagee", "knows build"),
        ('\n{% include "team.j2" %}', 2, "there is no template team.j2", "beside it"),
        ("{% for a in range(10**9) %}{% endfor %}", 1, "templates cannot use **", "mend it"),
        ("{% for a in range(1000000000) %}{% endfor %}", 1, "no more than 10000 times", "mend it"),
        (
            "{% for a in range(5000) %}\n{% for b in range(5000) %}{% endfor %}{% endfor %}",
            2,
            "no more than 10000 times",
            "mend it",
        ),
        ("{% macro f() %}\n{{ f() }}{% endmacro %}{{ f() }}", 2, "maximum recursion", "mend it"),
        ("\n{{ ''.__class__.__mro__ }}", 2, "is unsafe", "mend it"),
        ("{{ image.format.__globals__ }}", 1, "is unsafe", "mend it"),
        ("{{ image + 1 }}", 1, "can only concatenate", "mend it"),
        ("{{ 1 / 0 }}", 1, "division by zero", "mend it"),
        ("{{ lipsum() }}", 1, "there is no placeholder lipsum", "knows build"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, place: int, said: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        filled(text)
    assert caught.value.location == f"own/{DOCKERFILE}:{place}"
    assert said in caught.value.message
    assert "\n" not in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_an_error_in_what_is_included_is_placed_there() -> None:
    own = {**OURS, "healthcheck.j2": Template("own/healthcheck.j2", "#\n{{ nothing }}\n")}
    with pytest.raises(UserError) as caught:
        plan.dockerfile(detect(NODE), own)
    assert caught.value.location == "own/healthcheck.j2:2"


def test_the_values_of_a_project_are_no_templates() -> None:
    text = filled("FROM x\nCMD {{ run }}{{ range(3) | list | length }}\n")
    assert text == 'FROM x\nCMD ["node", "server.js"]3\n'
    nasty = {"package.json": {"scripts": {"dev": "x {{ image }}"}}, ".nvmrc": "{{ 7 * 7 }}"}
    assert "49" not in plan.dockerfile(detect(nasty), OURS)


def test_the_placeholders_are_the_documented_ones() -> None:
    page = (Path(__file__).parents[2] / "docs" / "stacks.md").read_text("utf-8")
    rows = page.partition("| Placeholder |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)}
    given = values(parts(detect(PROJECTS["python and node"])))
    prod: Any = given["prod"]
    guests: Any = given["guests"]
    assert named == {*given, *guests[0], *(f"prod.{key}" for key in prod)}


def test_files_of_the_same_names_take_the_place_of_ours(tmp_path: Path) -> None:
    write(tmp_path, {DOCKERFILE: "FROM own\n", "team.j2": "", "README.md": ""})
    found = with_own(OURS, tmp_path)
    assert found[DOCKERFILE] == Template(str(tmp_path / DOCKERFILE), "FROM own\n")
    assert found["go.Dockerfile.j2"] == OURS["go.Dockerfile.j2"]
    assert found.keys() == {*OURS, "team.j2"}


@pytest.mark.parametrize(
    ("files", "said", "hint"),
    [
        ({}, "has no template", "node.Dockerfile.j2"),
        ({"README.md": ""}, "has no template", "node.Dockerfile.j2"),
        ({"nod.Dockerfile.j2": ""}, "nod.Dockerfile.j2 is the template of no stack", "node, p"),
        ({DOCKERFILE: b"FROM x\n# \xff\n"}, "template is no text in UTF-8", "save it as UTF-8"),
        ({f"{DOCKERFILE}/x": ""}, "could not be read: Is a directory", "readable"),
    ],
)
def test_a_folder_that_is_not_what_is_asked_for(
    tmp_path: Path, files: dict[str, str | bytes], said: str, hint: str
) -> None:
    for name, content in files.items():
        target = tmp_path / "own" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "own").mkdir(exist_ok=True)
    with pytest.raises(UserError) as caught:
        with_own(OURS, tmp_path / "own")
    assert said in str(caught.value)
    assert hint in caught.value.hint


def test_bytes_that_are_no_text_are_placed(tmp_path: Path) -> None:
    (tmp_path / DOCKERFILE).write_bytes(b"FROM x\n# \xff\n")
    with pytest.raises(UserError) as caught:
        with_own(OURS, tmp_path)
    assert caught.value.location == f"{tmp_path / DOCKERFILE}:2"


def test_init_writes_by_a_team_s_templates(tmp_path: Path) -> None:
    shop = write(tmp_path / "shop", SHOP)
    own = {DOCKERFILE: "FROM team/{{ image }} AS dev\n", "dockerignore.j2": "own\n"}
    write(tmp_path / "own", own)
    done = devloop("init", str(shop), "--template", str(tmp_path / "own"))
    assert (done.returncode, done.stdout) == (0, "")
    assert (shop / "Dockerfile").read_text() == "FROM team/node:22-slim AS dev\n"
    assert (shop / ".dockerignore").read_text() == "own\n"
    assert (shop / "devloop.yaml").read_text().startswith("# Settings of `devloop up`.")
    again = devloop("init", str(shop), "--template", "own", "--format", "json", cwd=tmp_path)
    assert {one["action"] for one in json.loads(again.stdout)["files"]} == {"same"}


@pytest.mark.parametrize(
    ("folder", "error"),
    [
        ("gone", "there is no folder gone (--template names one with templates in it)"),
        ("own", "own/node.Dockerfile.j2:2: there is no placeholder imagee (this template knows "),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, folder: str, error: str
) -> None:
    shop = write(tmp_path / "shop", SHOP)
    write(tmp_path / "own", {DOCKERFILE: "#\nFROM {{ imagee }}\n"})
    done = devloop("init", "shop", "--template", folder, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"devloop: error: {error}")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in shop.iterdir()) == sorted(SHOP)
