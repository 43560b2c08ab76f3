import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devloop.config.load import load
from devloop.errors import UserError
from devloop.image import dockerfile as parser
from devloop.image import ignorefile
from devloop.model import Command
from devloop.scaffold import plan
from devloop.scaffold.render import UNKNOWN, template_of
from devloop.scaffold.write import read_templates
from devloop.stacks.registry import STACKS
from tests.scaffold.projects import NODE, PROJECTS
from tests.stacks.snapshots import detect, package

TEMPLATES = read_templates()
HADOLINT = Path(sys.executable).with_name("hadolint")
COVERED_BY_INSTRUCTION = r"^(FROM|ENV|WORKDIR|COPY|RUN|EXPOSE|CMD|USER|HEALTHCHECK|#| {4}|$)"


def written(files: dict[str, object]) -> str:
    return plan.dockerfile(detect(files), TEMPLATES)


def keywords(text: str) -> list[str]:
    """Give the instructions as Docker sees them: continued lines are joined."""
    joined = re.sub(r"\\\n", "", text)
    lines = (line for line in joined.split("\n") if line.strip() and not line.startswith("#"))
    return [line.split()[0] for line in lines]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX: hadolint is not installed")
@pytest.mark.parametrize("name", PROJECTS)
def test_hadolint_has_nothing_to_say(name: str) -> None:
    program = shutil.which("hadolint") or str(HADOLINT)
    text = written(PROJECTS[name])
    lint = subprocess.run(
        [program, "-"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", ""), text


@pytest.mark.parametrize("name", PROJECTS)
def test_the_shape_of_a_dockerfile(name: str) -> None:
    text = written(PROJECTS[name])
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert all(re.match(COVERED_BY_INSTRUCTION, line) for line in text.split("\n"))
    stages = {stage.name: stage for stage in parser.parse(text).stages}
    assert {"base", "deps", "dev", "build", "prod"} <= stages.keys()
    last = stages["dev"].instructions[-1]
    assert (last.keyword, last.args) == ("COPY", ". .")
    assert "RUN" not in {one.keyword for one in stages["dev"].instructions}
    (user,) = (one.args for one in stages["prod"].instructions if one.keyword == "USER")
    assert user.isdigit()
    assert "syntax=" not in text


@pytest.mark.parametrize("name", PROJECTS)
def test_settings_are_what_was_detected(name: str) -> None:
    found = detect(PROJECTS[name])
    config = load(plan.settings('my "shop"\n: é', found, TEMPLATES).encode())
    app = config.app
    assert config.name == 'my "shop"\n: é'
    assert app.run == (found[0].run or None)
    assert app.keep == tuple(dict.fromkeys(path for item in found for path in item.keep))
    assert app.reload is not None
    assert app.reload.kind == found[0].reload
    ports = [port.container for port in app.ports or ()]
    assert ports == ([found[0].port] if found[0].port else [])


@pytest.mark.parametrize("name", PROJECTS)
def test_no_manifest_is_ignored(name: str) -> None:
    found = detect(PROJECTS[name])
    ignore = ignorefile.parse(plan.dockerignore(found, TEMPLATES))
    secrets = {path for item in found for path in item.secrets}
    for path in {path for item in found for path in item.manifests}:
        assert ignore.matches(path) is (path in secrets), path


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (".git/config", True),
        (".devloop/Dockerfile", True),
        (".env", True),
        ("apps/web/.env.local", True),
        (".env.example", False),
        ("a/.env.example", False),
        ("node_modules/x/index.js", True),
        ("packages/a/node_modules/x", True),
        ("a/__pycache__/x.pyc", True),
        (".venv/bin/python", True),
        ("bin/www", False),
        ("package-lock.json", False),
        ("src/coverage/x.js", False),
    ],
)
def test_what_the_ignore_file_ignores(path: str, ignored: bool) -> None:
    text = plan.dockerignore(detect(PROJECTS["python and node"]), TEMPLATES)
    assert ignorefile.parse(text).matches(path) is ignored


def test_each_stack_has_its_template() -> None:
    own = {name for name in TEMPLATES if name.endswith(".Dockerfile.j2")}
    assert own == {*map(template_of, STACKS), UNKNOWN}


def test_manifests_are_copied_one_line_a_folder() -> None:
    text = written(PROJECTS["workspace"])
    assert "COPY package.json ./\n" in text
    assert "COPY packages/a/package.json packages/a/\n" in text
    assert r'COPY ["packages/\\$(b) c/package.json", "packages/\\$(b) c/"]' in text
    assert "COPY .yarn/cache .yarn/cache/\n" in written(PROJECTS["yarn with a committed cache"])


def test_an_install_that_reads_the_source_gets_it() -> None:
    for name in ("postinstall", "pip -e"):
        assert "AS deps\n" in written(PROJECTS[name])
        deps = written(PROJECTS[name]).split("AS deps\n")[1].split("FROM")[0]
        assert "COPY . .\n" in deps


def test_credentials_are_mounted_and_never_copied() -> None:
    text = written(PROJECTS["private registry"])
    assert "--mount=type=secret,id=npmrc,target=/app/.npmrc \\\n    npm install" in text
    assert not [line for line in text.split("\n") if line.startswith("COPY") and "npmrc" in line]


def test_python_and_node_share_an_image() -> None:
    text = written(PROJECTS["python and node"])
    assert text.index("FROM node:22-slim AS node") < text.index("FROM python:3.13-slim AS base")
    assert 'CMD ["flask"' in text
    assert "PORT=" not in text
    assert "PORT=3000" in written(PROJECTS["node and python"])
    assert 'CMD ["node", "server.js"]' in written(PROJECTS["node and python"])


def test_a_static_site_is_served_from_its_build() -> None:
    text = written(PROJECTS["vite"])
    assert "COPY --from=build /app/dist ./site/\n" in text
    assert text.endswith('CMD ["serve", "-s", "site", "-l", "tcp://0.0.0.0:3000"]\n')


NASTY = [
    "\nRUN touch /pwned",
    "$(touch /pwned)",
    "`x`",
    "${HOME}",
    "'\"; exit 1 #",
    "\\",
    "<<EOF",
    "{{ 7 * 7 }}{% raw %}",
    "\u2028USER root",
    "\ud800",
    "--from=x",
]
VALUE = st.text(max_size=20) | st.sampled_from(NASTY)


@settings(max_examples=60, deadline=None)
@given(
    script=VALUE,
    main=VALUE,
    manager=VALUE | VALUE.map(lambda text: f"pnpm@9.0.0{text}"),
    version=VALUE,
    name=VALUE,
)
def test_nothing_in_a_package_becomes_an_instruction(
    script: str, main: str, manager: str, version: str, name: str
) -> None:
    plain = keywords(written({"package.json": package(scripts={"dev": "x y"}), "server.js": ""}))
    manifest = {
        "name": name,
        "main": main,
        "packageManager": manager,
        "engines": {"node": version, "pnpm": name},
        "scripts": {"dev": f"x {script}", "start": script},
    }
    text = written({"package.json": manifest, "server.js": "", ".nvmrc": version})
    found = keywords(text)
    more = ["RUN"] if "npm install -g" in text else []  # a pinned manager
    assert sorted(set(found)) == sorted(set(plain))
    assert found.count("RUN") <= plain.count("RUN") + len(more)
    assert [one for one in found if one != "RUN"] == [one for one in plain if one != "RUN"]
    assert "touch /pwned" not in re.sub(r"^CMD .*$", "", text, flags=re.MULTILINE)
    assert text.encode("ascii")


@settings(max_examples=60, deadline=None)
@given(included=VALUE, version=VALUE, requirement=VALUE)
def test_nothing_in_requirements_becomes_an_instruction(
    included: str, version: str, requirement: str
) -> None:
    plain = written({"requirements.txt": "-r x.txt", "x.txt": "", "Procfile": "web: x"})
    name = "".join(c for c in included if c not in "\0/") or "x"
    files: dict[str, object] = {
        "requirements.txt": f'-r "{name}"\n{requirement}'.encode("utf-8", "replace"),
        name: "",
        ".python-version": version.encode("utf-8", "replace"),
        "Procfile": f"web: x {included}\n".encode("utf-8", "replace"),
    }
    found = [one for one in keywords(written(files)) if one != "COPY"]
    assert found == [one for one in keywords(plain) if one != "COPY"]


ESCAPED = [r"\nRUN touch /pwned", r"a\u000aUSER root", r"a\\", r"x\n\nRUN touch /pwned\n"]
# One project a stack; @ is where a value of the project's own choosing stands.
VALUES: dict[str, dict[str, str]] = {
    "deno": {"deno.json": '{"tasks": {"dev": "deno run @"}, "importMap": "@"}', "main.ts": "@"},
    "pipenv": {"Pipfile": '[requires]\npython_version = "@"\n["@"]\n"@" = "@"\n'},
    "pdm": {"pyproject.toml": '[project]\nrequires-python = "@"\n[tool.pdm]\n', "pdm.lock": "@"},
    "go": {"go.mod": "module m\ngo @\nreplace x => ./@\n", "main.go": "package main // @"},
    "rust": {
        "Cargo.toml": '[package]\nname = "@"\nrust-version = "@"\nbuild = "@"\n'
        'default-run = "@"\n[lib]\npath = "@"\n[[bin]]\nname = "@"\npath = "@"\n',
        "src/main.rs": "@",
        "rust-toolchain": "@",
    },
    "ruby": {"Gemfile": 'ruby "@"\ngem "@"\n', ".ruby-version": "@", "app.rb": "@"},
    "php": {"composer.json": '{"require": {"php": "@", "ext-@": "*"}}', "public/index.php": "@"},
    "maven": {
        "pom.xml": "<project><properties><java.version>@</java.version></properties>"
        "<modules><module>@</module></modules></project>",
        "src/main/java/App.java": "package @; static void main(",
    },
    "gradle": {"build.gradle": "include '@' id 'application' @", "settings.gradle": "include '@'"},
    "dotnet": {"a.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web@"><X>@</X></Project>'},
    "elixir": {"mix.exs": 'app: :@, elixir: "@"', "config/dev.exs": "port: @"},
    "static": {"Staticfile": "root: @"},
}


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(VALUES)), value=VALUE | st.sampled_from(ESCAPED))
def test_nothing_in_any_manifest_becomes_an_instruction(kind: str, value: str) -> None:
    def filled(text: str) -> dict[str, object]:
        return {path: content.replace("@", text) for path, content in VALUES[kind].items()}

    found = [one for one in keywords(written(filled(value))) if one not in {"COPY", "RUN"}]
    plain = [one for one in keywords(written(filled("x"))) if one not in {"COPY", "RUN"}]
    loose = {"EXPOSE", "HEALTHCHECK", "CMD", "ENV", "WORKDIR"}  # what was found to start
    assert set(found) <= {*plain, *loose}
    assert [one for one in found if one not in loose] == [one for one in plain if one not in loose]
    text = re.sub(r"^CMD .*$", "", written(filled(value)), flags=re.MULTILINE)
    runs = [line for line in text.split("\n") if "touch /pwned" in line]
    assert all(shell_words(line) for line in runs), runs
    assert text.encode("utf-8")


def shell_words(line: str) -> bool:
    """Say whether what would be a command stands in a quoted word."""
    return "touch" not in shlex.split(line.rstrip("\\"))


def test_a_file_name_is_quoted_for_the_shell() -> None:
    text = written({"requirements/test.txt": "", "requirements-dev.txt": "", "main.py": ""})
    assert "pip install -r requirements-dev.txt -r requirements/test.txt\n" in text


@pytest.mark.parametrize(
    ("existing", "force", "actions"),
    [
        ({}, False, ["create", "create", "create"]),
        ({}, True, ["create", "create", "create"]),
        ({"Dockerfile": b"mine"}, False, ["keep", "create", "create"]),
        ({"Dockerfile": b"mine", "devloop.yaml": b""}, True, ["overwrite", "create", "overwrite"]),
    ],
)
def test_what_becomes_of_files(existing: dict[str, bytes], force: bool, actions: list[str]) -> None:
    plans = plan.plan("x", detect(NODE), TEMPLATES, existing, force=force)
    assert [item.path for item in plans] == list(plan.FILES)
    assert [item.action for item in plans] == actions
    assert [item.writes for item in plans] == [action != "keep" for action in actions]
    again = {item.path: item.content.encode() for item in plans}
    second = plan.plan("x", detect(NODE), TEMPLATES, again, force=force)
    assert {item.action for item in second} == {"same"}


def test_without_a_stack_it_says_what_was_looked_for() -> None:
    with pytest.raises(UserError) as caught:
        plan.dockerfile((), TEMPLATES)
    assert "No stack" in caught.value.message
    assert "package.json" in caught.value.hint


def test_the_command_in_the_dockerfile_is_the_one_of_the_settings() -> None:
    for files in PROJECTS.values():
        run: Command = detect(files)[0].run
        line = next((row for row in written(files).split("\n") if row.startswith("CMD ")), "CMD []")
        argv = json.loads(line.removeprefix("CMD "))
        assert argv == (["sh", "-c", run] if isinstance(run, str) else list(run))
