from __future__ import annotations

import json
from pathlib import Path

import pytest

from devloop.check import image_rules, server_rules
from devloop.check.rules import check, mended
from devloop.check.subject import Edit, Finding
from devloop.scaffold import plan, write
from devloop.stacks import registry
from tests.check.subjects import NODE, PYTHON, subject
from tests.stacks.snapshots import tree

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "apps.json"
GOOD = """FROM node:22-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
USER 1000
CMD ["node", "server.js"]
"""


def places(found: list[Finding] | tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    return [(one.rule, one.path, one.line) for one in found]


def fixed(dockerfile: str, finding: Finding) -> str:
    assert finding.edit is not None
    assert finding.edit.path == "Dockerfile"
    return mended(dockerfile, finding.edit)


def test_nothing_is_wrong_with_a_good_one() -> None:
    assert check(subject(GOOD, NODE)) == ()


def test_findings_are_sorted_by_place() -> None:
    text = "FROM node\nCOPY . .\nRUN npm ci\n"
    found = check(subject(text, NODE, "*.json"))
    assert places(found) == [
        ("manifest-ignored", ".dockerignore", 1),
        ("no-workdir", "Dockerfile", 1),
        ("root-user", "Dockerfile", 1),
        ("unpinned-base", "Dockerfile", 1),
        ("source-before-install", "Dockerfile", 2),
    ]


# source-before-install


def test_a_source_before_its_install_is_named_and_swapped() -> None:
    text = 'FROM node:22\nWORKDIR /app\nCOPY . .\n# why\nRUN npm ci \\\n  --no-audit\n\nCMD ["x"]\n'
    (found,) = image_rules.source_before_install(subject(text, NODE))
    assert (found.line, found.level) == (3, "warning")
    assert "line 5" in found.what
    assert fixed(text, found) == (
        "FROM node:22\nWORKDIR /app\nCOPY package-lock.json package.json ./\n"
        'RUN npm ci \\\n  --no-audit\nCOPY . .\n# why\n\nCMD ["x"]\n'
    )
    assert image_rules.source_before_install(subject(fixed(text, found), NODE)) == []


def test_a_source_in_an_earlier_stage_counts_too() -> None:
    text = "FROM node:22 AS a\nWORKDIR /app\nCOPY . .\nFROM a\nRUN npm ci && npm test\n"
    (found,) = image_rules.source_before_install(subject(text, NODE))
    assert (found.line, found.edit) == (3, None)


@pytest.mark.parametrize(
    "text",
    [
        "FROM node:22\nWORKDIR /a\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\n",
        "FROM node:22\nWORKDIR /a\nRUN npm ci\n",
        "FROM node:22 AS a\nCOPY . .\nFROM node:22\nWORKDIR /a\nRUN npm ci\n",
        "FROM node:22\nWORKDIR /a\nRUN --mount=type=bind,target=. npm ci\n",
        "FROM node:22\nWORKDIR /a\nCOPY . .\nRUN npm run build\n",
        "FROM a\nWORKDIR /a\nCOPY p*.json ./\nRUN npm ci\nCOPY . .\nRUN npm ci --omit=dev\n",
        "FROM python:3\nWORKDIR /a\nCOPY . .\nRUN pip install -r requirements.txt\n",
    ],
)
def test_no_source_before_the_install(text: str) -> None:
    assert image_rules.source_before_install(subject(text, NODE)) == []


@pytest.mark.parametrize(
    "middle",
    [
        "COPY . .\nRUN npm ci && npm run build",
        "COPY . .\nENV A=1\nRUN npm ci",
        "COPY . .\nRUN <<E\nnpm ci\nE",
        "COPY --chown=1000 . .\nRUN npm ci",
        "COPY server.js .\nRUN npm ci",
    ],
)
def test_a_swap_that_may_not_be_safe_is_left_to_the_user(middle: str) -> None:
    found = image_rules.source_before_install(subject(f"FROM a\nWORKDIR /a\n{middle}\n", NODE))
    assert [one.edit for one in found] == [None]


def test_an_install_that_needs_the_source_may_have_it() -> None:
    files = {**NODE, "package.json": '{"scripts": {"postinstall": "node server.js"}}'}
    text = "FROM node:22\nWORKDIR /a\nCOPY . .\nRUN npm ci\n"
    assert image_rules.source_before_install(subject(text, files)) == []


# manifest-not-copied


def test_an_include_that_is_not_copied_is_an_error_and_added() -> None:
    text = (
        "FROM python:3\nWORKDIR /a\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    )
    (found,) = image_rules.manifest_not_copied(subject(text, PYTHON))
    assert (found.line, found.level) == (4, "error")
    assert "base.txt is not copied" in found.what
    mendedtext = fixed(text, found)
    assert "COPY base.txt /a/\nRUN pip" in mendedtext
    assert image_rules.manifest_not_copied(subject(mendedtext, PYTHON)) == []


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3\nWORKDIR /a\nCOPY *.txt ./\nRUN pip install -r requirements.txt\n",
        "FROM python:3\nWORKDIR /a\nCOPY . .\nRUN pip install -r requirements.txt\n",
        "FROM python:3\nWORKDIR /a\nRUN --mount=type=bind,target=. pip install -r x\n",
        "FROM python:3\nWORKDIR /a\nCOPY --from=x / .\nCOPY *s.txt .\nRUN pip install -r r\n",
        "FROM python:3\nWORKDIR /a\nRUN pip install -r elsewhere.txt\n",
        "FROM ruby:3\nCOPY requirements.txt .\nRUN bundle install\n",
    ],
)
def test_all_manifests_are_there_or_nothing_is_known(text: str) -> None:
    assert image_rules.manifest_not_copied(subject(text, PYTHON)) == []


def test_where_the_manifests_are_only_bound_nothing_is_added() -> None:
    text = (
        "FROM python:3\nWORKDIR /a\nRUN --mount=type=bind,source=requirements.txt,"
        "target=requirements.txt pip install -r requirements.txt\n"
    )
    (found,) = image_rules.manifest_not_copied(subject(text, PYTHON))
    assert found.edit is None


def test_a_version_file_and_a_secret_need_no_copy() -> None:
    files = {**NODE, ".nvmrc": "22", ".npmrc": "//x/:_authToken=abc"}
    assert image_rules.manifest_not_copied(subject(GOOD, files)) == []


def test_a_version_of_any_stack_needs_no_copy() -> None:
    files = {"go.mod": "module m\n", "go.sum": "", ".go-version": "1.24", "main.go": "package main"}
    text = "FROM golang:1.24\nWORKDIR /a\nCOPY go.mod go.sum ./\nRUN go mod download\n"
    assert image_rules.manifest_not_copied(subject(text, files)) == []


# manifest-ignored


def test_the_line_that_hides_a_manifest_is_named() -> None:
    ignore = "# all\n\n*.md\n*.json\n!package.json\nnode_modules\n"
    (found,) = image_rules.manifest_ignored(subject(GOOD, NODE, ignore))
    assert (found.path, found.line) == (".dockerignore", 4)
    assert "package-lock.json" in found.what
    assert found.edit == Edit(".dockerignore", 7, 7, ("!package-lock.json",))
    after = mended(ignore, found.edit)
    assert image_rules.manifest_ignored(subject(GOOD, NODE, after)) == []


def test_an_ignore_file_that_hides_no_manifest_is_fine() -> None:
    assert image_rules.manifest_ignored(subject(GOOD, NODE, "node_modules\n.git\n")) == []


# no-workdir, root-user, unpinned-base


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("FROM a:1\nCOPY . /x\n", [1]),
        ("FROM a:1\nRUN true\n", []),
        ("FROM a:1 AS x\nWORKDIR /a\nFROM x\nCOPY . .\n", []),
        ("FROM a:1 AS dev\nCOPY . .\nFROM b:1\nADD . .\n", [1, 3]),
        ("FROM scratch\nCOPY x /\n", []),
        ("", []),
    ],
)
def test_no_workdir(text: str, lines: list[int]) -> None:
    assert [one.line for one in image_rules.no_workdir(subject(text, NODE))] == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("FROM a:1\nRUN true\n", [1]),
        ("FROM a:1\nUSER 1000\n", []),
        ("FROM a:1\nUSER app\nUSER root\n", [3]),
        ("FROM a:1\nUSER 0:0\n", [2]),
        ("FROM a:1 AS x\nUSER 5\nFROM x\n", []),
        ("FROM a:1 AS x\nUSER 5\nFROM b:1\n", [3]),
        ("FROM gcr.io/distroless/static:nonroot\n", []),
        ("", []),
    ],
)
def test_root_in_the_last_stage(text: str, lines: list[int]) -> None:
    assert [one.line for one in image_rules.root_user(subject(text, NODE))] == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("FROM node\n", [1]),
        ("FROM node:latest\n", [1]),
        ("FROM host:5000/x/node\n", [1]),
        ("ARG V=latest\nFROM node:${V}\n", [2]),
        ("FROM node@sha256:1\nFROM scratch\nFROM node:22 AS a\nFROM a\n", []),
        ("ARG V\nFROM node:$V\n", [2]),
    ],
)
def test_an_unpinned_base(text: str, lines: list[int]) -> None:
    assert [one.line for one in image_rules.unpinned_base(subject(text, NODE))] == lines


def test_the_mend_names_the_image_that_devloop_would_take() -> None:
    (found,) = image_rules.unpinned_base(subject("FROM node\n", NODE))
    assert "node:22-slim" in found.mend
    (found,) = image_rules.unpinned_base(subject("FROM nginx\n", NODE))
    assert "nginx:<version>" in found.mend


# server-on-localhost


def served(command: str, **files: str) -> list[tuple[str, int, bool]]:
    text = f"FROM a:1\nCMD {command}\n"
    found = server_rules.server_on_localhost(subject(text, {**NODE, **files}))
    return [(one.path, one.line, one.edit is not None) for one in found]


@pytest.mark.parametrize(
    "command",
    [
        '["flask", "run", "--host=127.0.0.1"]',
        "uvicorn app:app --host localhost",
        "gunicorn -b 127.0.0.1:8000 app",
        '["php", "-S", "localhost:8000"]',
        "rails s -b 127.0.0.1",
        "vite --host=localhost",
    ],
)
def test_an_address_that_is_named_is_replaced(command: str) -> None:
    text = f"FROM a:1\nCMD {command}\n"
    (found,) = server_rules.server_on_localhost(subject(text, NODE))
    after = fixed(text, found)
    assert after != text
    assert server_rules.server_on_localhost(subject(after, NODE)) == []


@pytest.mark.parametrize(
    "command",
    [
        '["flask", "--app", "x", "run"]',
        "uvicorn app:app",
        "hypercorn app:app",
        "gunicorn app:app",
        "fastapi dev main.py",
        "python manage.py runserver",
        "vite",
        "npx vite",
        "ng serve",
        "astro dev",
        "bin/rails server",
        "mkdocs serve",
        "hugo server",
        "jekyll serve",
    ],
)
def test_a_server_that_is_told_nothing_listens_on_localhost(command: str) -> None:
    assert served(command) == [("Dockerfile", 2, False)]


@pytest.mark.parametrize(
    "command",
    [
        "flask run --host=0.0.0.0",
        "uvicorn app:app --host 0.0.0.0",
        "gunicorn -b :8000 app",
        "gunicorn -c conf.py app",
        "python manage.py runserver 0.0.0.0:8000 --noreload",
        "python manage.py runserver --noreload 0:8000",
        "vite build",
        "vite --host",
        "node server.js",
        "redis-cli -h 127.0.0.1",
        "npm run nothing",
        "npm",
    ],
)
def test_a_server_that_listens_everywhere(command: str) -> None:
    assert served(command) == []


def test_a_script_of_package_json_is_followed() -> None:
    manifest = '{"name": "x",\n "scripts": {\n  "dev": "vite"\n }\n}'
    assert served("npm run dev", **{"package.json": manifest}) == [("package.json", 3, False)]
    assert served("npm run dev -- --host", **{"package.json": manifest}) == []
    assert served("npm run dev", **{"package.json": "[1]"}) == []
    assert served("npm run dev", **{"package.json": '{"scripts": {"dev": 1}}'}) == []


def test_a_variable_says_where_to_listen() -> None:
    text = "FROM a:1\nENV FLASK_RUN_HOST=0.0.0.0\nCMD flask run\n"
    assert server_rules.server_on_localhost(subject(text, NODE)) == []
    text = "FROM a:1\nENV PORT=1 HOST=127.0.0.1\nCMD node x\n"
    (found,) = server_rules.server_on_localhost(subject(text, NODE))
    assert "ENV PORT=1 HOST=0.0.0.0" in fixed(text, found)


def test_an_address_that_stands_twice_is_left_to_the_user() -> None:
    assert served("x --host localhost --other localhost") == [("Dockerfile", 2, False)]


def test_the_code_of_the_entry_is_read() -> None:
    code = "// .listen(1, 'localhost')\napp.listen(3000, '127.0.0.1')\n"
    assert served("node server.js", **{"server.js": code}) == [("server.js", 2, False)]


def test_the_command_of_devloop_yaml_takes_the_place_of_the_stages() -> None:
    text = "FROM a:1 AS dev\nCMD vite\nFROM a:1\nCMD node x\n"
    found = server_rules.server_on_localhost(subject(text, NODE, run=("flask", "run")))
    assert places(found) == [("server-on-localhost", "devloop.yaml", 3)]
    assert server_rules.server_on_localhost(subject(text, NODE, run="node x")) == []


# ours


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the repository")
def test_no_image_rule_finds_anything_in_what_init_writes() -> None:
    templates = write.read_templates()
    for name, app in json.loads(CORPUS.read_text("utf-8"))["apps"].items():
        contents = app["contents"]
        files = {path: contents.get(path, "") for path in app["files"]}
        found = registry.detect(tree(files))
        if found:
            text = plan.dockerfile(found, templates)
            made = subject(text, files, plan.dockerignore(found, templates))
            wrong = [one for one in check(made) if one.rule != "server-on-localhost"]
            assert wrong == [], name


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_edit_keeps_the_line_ends(end: str) -> None:
    text = f"a{end}b{end}c{end}"
    assert mended(text, Edit("x", 2, 3, ("B",))) == f"a{end}B{end}c{end}"
    assert mended(text, Edit("x", 4, 4, ("d",))) == f"{text}d{end}"
