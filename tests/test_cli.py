"""The command line without an engine: words, exit codes, start-up."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devloop import __version__
from devloop.cli import live
from tests.e2e.harness import devloop, write

APP = {
    "package.json": '{"name": "shop", "main": "server.js", "dependencies": {"express": "^4"}}',
    "server.js": "1",
    "README.md": "# shop",
    ".gitignore": "dist\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path, APP)


def test_the_version() -> None:
    for arguments in (("--version",), ("--debug", "--version", "down")):
        assert devloop(*arguments).stdout == f"devloop {__version__}\n"


def test_start_up_imports_only_what_the_verb_needs(shop: Path) -> None:
    heavy = {
        ("--version",): {"typer", "docker", "yaml", "rich", "watchdog", "jinja2"},
        ("--help",): {"docker", "yaml", "rich", "watchdog", "jinja2"},
        ("plan", "-C", str(shop)): {"docker", "watchdog", "rich"},
        ("fingerprint", str(shop)): {"docker", "watchdog", "rich"},
        ("init", str(shop)): {"docker", "watchdog", "rich"},
    }
    for arguments, forbidden in heavy.items():
        code = (
            f"import sys\nfrom devloop.__main__ import main\nsys.argv[1:] = {list(arguments)!r}\n"
        )
        code += "main()\nprint(sorted(sys.modules))\n"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        loaded = set(eval(done.stdout.splitlines()[-1]))  # noqa: S307 - our own list
        assert loaded & forbidden == set(), arguments


def test_plan_says_what_a_change_would_cause(shop: Path) -> None:
    paths = ["server.js", "package.json", "README.md", "devloop.yaml", "node_modules/x/y.js"]
    paths += ["nobody.js", "dist/out.js"]
    done = devloop("plan", "-C", str(shop), *paths, "--format", "json")
    assert done.returncode == 0, done.stderr
    effects = {one["path"]: one["action"] for one in json.loads(done.stdout)["effects"]}
    assert effects == {
        "server.js": "restart",
        "package.json": "rebuild, else restart",
        "README.md": "none",
        "devloop.yaml": "rebuild or recreate",
        "node_modules/x/y.js": "none",
        "nobody.js": "none",
        "dist/out.js": "none",
    }
    causes = {one["path"]: one["cause"] for one in json.loads(done.stdout)["effects"]}
    assert causes["nobody.js"] == "there is no such file"
    assert causes["dist/out.js"] == "it is ignored"
    assert sorted(os.listdir(shop)) == sorted(APP)


def test_plan_in_words(shop: Path) -> None:
    write(shop, {"Dockerfile": "FROM a\nCOPY . .\n"})
    found = devloop("plan", "server.js", cwd=shop).stdout
    assert found == "server.js: rebuild (the image is made of its content)\n"
    overview = devloop("plan", cwd=shop).stdout
    assert "rebuilt when these move: .gitignore, Dockerfile, README.md and 2 more" in overview
    assert "not mounted: the app lives in / of the image" in overview
    assert devloop("plan", "../x", cwd=shop).returncode == 2


def test_the_fingerprint(shop: Path) -> None:
    first = json.loads(devloop("fingerprint", str(shop), "--format", "json").stdout)
    assert [one["path"] for one in first["inputs"]] == ["package.json"]
    assert first["inputs"][0]["fields"]["dependencies"] == {"express": "^4"}
    write(shop, {"README.md": "# other", "server.js": "2"})
    words = devloop("fingerprint", str(shop)).stdout
    assert words.splitlines()[0] == first["fingerprint"]
    assert "  package.json: dependencies, name\n" in words
    assert ".devloop/Dockerfile: for stage dev" in words
    broken = write(shop, {"package.json": "{"})
    assert "(does not parse)" in devloop("fingerprint", str(broken)).stdout


BAD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such verb": (("upp",), 2, "No such command 'upp'"),
    "no such format": (("up", "--format", "xml"), 2, "'xml' is not one of"),
    "no folder": (("plan", "-C", "/nowhere/at/all"), 2, "is no folder"),
    "no stack": (("plan",), 2, "No stack that devloop knows"),
    "a file for a folder": (("fingerprint", "/dev/null"), 2, "is no folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_are_sentences(name: str, tmp_path: Path) -> None:
    arguments, code, words = BAD[name]
    done = devloop(*arguments, cwd=tmp_path)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_all_errors_of_devloop_yaml_at_once(shop: Path) -> None:
    write(shop, {"devloop.yaml": "nme: x\napp: {cpus: no}\n"})
    done = devloop("plan", cwd=shop)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "devloop: error: devloop.yaml:1:1: unknown key `nme` in devloop.yaml "
        "(did you mean `name`?)",
        "devloop: error: devloop.yaml:2:13: a number above 0 is needed here, not `no`",
    ]
    traced = devloop("--debug", "plan", cwd=shop)
    assert "Traceback" in traced.stderr


def test_a_folder_that_cannot_be_written_is_the_environments(shop: Path) -> None:
    (shop / ".devloop").write_text("a file where the state folder goes")
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{shop}/none.sock"}
    assert devloop("down", str(shop), env=nowhere).returncode == 3


def test_watch_prints_batches(shop: Path) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "devloop", "watch", str(shop), "--format", "json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout
    try:
        assert json.loads(watching.stdout.readline())["event"] == "notice"
        write(shop, {"dist/x.js": "ignored", "lib.js": "new"})
        seen = json.loads(watching.stdout.readline())
        assert seen["paths"] == [{"path": "lib.js", "kind": "created"}]
    finally:
        watching.terminate()
        watching.wait(10)
        watching.stdout.close()


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self) -> bool:
        return True


class Latin(Terminal):
    encoding = "ISO-8859-1"


@pytest.mark.parametrize(
    ("environ", "stream", "fits"),
    [
        ({"TERM": "xterm"}, Terminal(), True),
        ({"TERM": "xterm", "NO_COLOR": "1", "CI": "false"}, Terminal(), True),
        ({"TERM": "xterm", "CI": "true"}, Terminal(), False),
        ({"TERM": "xterm", "CI": "1"}, Terminal(), False),
        ({"TERM": "dumb"}, Terminal(), False),
        ({}, Terminal(), False),
        ({"TERM": "xterm"}, Latin(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
    ],
)
def test_when_the_live_view_fits(environ: dict[str, str], stream: io.StringIO, fits: bool) -> None:
    assert live.alive(environ, stream) is fits


def test_a_live_view_without_a_terminal_is_a_mistake(shop: Path) -> None:
    done = devloop("ci", str(shop), "--format", "tui")
    assert (done.returncode, "--format tui needs a terminal" in done.stderr) == (2, True)
