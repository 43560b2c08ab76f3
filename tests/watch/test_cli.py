"""`devloop watch`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.watch.watching import put

REPOSITORY = Path(__file__).parents[2]
RUN = """
import sys
from devloop.cli.watch import run
from devloop.config.settings import Watch
from devloop.watch import tree
root, output, paths, ignored = sys.argv[1:]
watch = Watch(paths=tuple(paths.split()) or None, paths_ignore=tuple(ignored.split()))
sys.exit(run(root, watch, tree.load_ignores(root, (), ("always.md",)), output, sys.stdout))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "project", "a.py", "b.md")
    return tmp_path / "project"


@contextmanager
def printed(
    root: Path, output: str, paths: str = "", ignored: str = ""
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", RUN, str(root), output, paths, ignored]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=-1, stderr=-1, text=True) as child:
        assert child.stdout is not None
        assert f"watching {root}" in child.stdout.readline()
        try:
            yield child
        finally:
            child.kill()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def event(child: subprocess.Popen[str]) -> dict[str, Any]:
    return dict(json.loads(line(child)))


def test_one_event_a_batch_with_sorted_paths(root: Path) -> None:
    with printed(root, "json") as child:
        put(root, "z.py", "a.py", "caf\udce9", text="edited")
        (root / "b.md").unlink()
        found = event(child)
        assert (found.pop("v"), found.pop("ts") > 1e9) == (1, True)
        assert found == {
            "event": "change",
            "paths": [
                {"path": "a.py", "kind": "modified"},
                {"path": "b.md", "kind": "deleted"},
                {"path": "caf\udce9", "kind": "created"},
                {"path": "z.py", "kind": "created"},
            ],
        }
        child.send_signal(signal.SIGINT)
        ended = event(child)
        assert (ended["event"], ended["exit_code"]) == ("end", 130)
        assert child.wait(30) == 130
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_lines_for_people(root: Path) -> None:
    with printed(root, "plain") as child:
        put(root, "a.py", "caf\udce9", "new\nline", text="edited")
        assert line(child) == "modified a.py\n"
        assert line(child) == "created  caf\\udce9\n"
        assert line(child) == "created  new\n"
        assert line(child) == "line\n"


def test_the_filters_of_the_project_hold(root: Path) -> None:
    with printed(root, "json", "**.py **.md", "gen/**") as child:
        put(root, "a.txt", "gen/x.py", "always.md", "src/b.py", text="edited")
        found = event(child)
        assert [one["path"] for one in found["paths"]] == ["always.md", "src/b.py"]
        put(root, "c.txt")
        (root / "a.py").unlink()
        assert [one["path"] for one in event(child)["paths"]] == ["a.py"]


def test_a_folder_that_goes_away_is_an_error(root: Path) -> None:
    with printed(root, "json", "*.none") as child:
        shutil.rmtree(root)
        found = event(child)
        assert (found["event"], str(root) in found["message"]) == ("error", True)
        assert event(child)["exit_code"] == 1
        assert child.wait(30) == 1
    put(root, "a.py")
    with printed(root, "plain", "*.none") as child:
        shutil.rmtree(root)
        assert line(child).startswith("devloop: error: ")
        assert child.wait(30) == 1


def test_it_ends_when_nobody_reads(root: Path) -> None:
    with printed(root, "json") as child:
        assert child.stdout is not None
        os.close(os.dup(child.stdout.fileno()))
        child.stdout.close()
        put(root, "a.py", text="edited")
        assert child.wait(30) == 0
