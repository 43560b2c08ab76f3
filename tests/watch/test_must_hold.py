"""The table of what other watchers miss: every file is told when it appears, and every edit after.

Each row makes files in a way that loses some elsewhere, then edits all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from devloop.config.settings import Watch
from tests.watch.watching import Eye, put, watching

MANY = 2000
Make: TypeAlias = Callable[[Path, Path], None]


def numbered(folder: Path, count: int = MANY, text: str = "new") -> None:
    for number in range(count):
        target = folder / f"d{number % 40}" / f"{number}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def nested(root: Path, _: Path) -> None:
    for number in range(200):
        put(root, f"n{number}/b/c/x.py", text="new")


def nested_slowly(root: Path, _: Path) -> None:
    for number in range(100):
        for folder in ("", "/b", "/b/c"):
            (root / f"s{number}{folder}").mkdir()
        put(root, f"s{number}/b/c/x.py", text="new")
        time.sleep(0.01)  # the row's own rhythm, not a wait for something


def copied(root: Path, outside: Path) -> None:
    numbered(outside / "many")
    subprocess.run(["cp", "-r", outside / "many", root / "copy"], check=True)


def moved_in(root: Path, outside: Path) -> None:
    numbered(outside / "many")
    os.rename(outside / "many", root / "moved")


def moved_in_and_renamed(root: Path, outside: Path) -> None:
    moved_in(root, outside)
    os.rename(root / "moved", root / "renamed")


def replaced(root: Path, outside: Path) -> None:
    numbered(outside / "many")
    shutil.rmtree(root / "old")
    subprocess.run(["cp", "-r", outside / "many", root / "old"], check=True)


def renamed_at_once(root: Path, _: Path) -> None:
    for number in range(200):
        put(root, f"tmp{number}/x.py", text="new")
        os.rename(root / f"tmp{number}", root / f"final{number}")


def checked_out(root: Path, _: Path) -> None:
    subprocess.run(["git", "checkout", "-q", "many"], cwd=root, check=True)


def prepare_git(root: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    put(root, "README")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "many")
    numbered(root / "checkout")
    git("add", ".")
    git("commit", "-qm", "two")
    git("checkout", "-q", "main")


def prepare_old(root: Path) -> None:
    numbered(root / "old", text="as it was")


def nothing(_: Path) -> None:
    pass


ROWS: dict[str, tuple[Callable[[Path], None], Make]] = {
    "mkdir -p a/b/c and write, 200 times": (nothing, nested),
    "the same 10 ms apart, 100 times": (nothing, nested_slowly),
    "cp -r of 2,000 files": (nothing, copied),
    "mv a directory in": (nothing, moved_in),
    "then rename it inside": (nothing, moved_in_and_renamed),
    "rm -rf and cp -r at the same path": (prepare_old, replaced),
    "mkdir and file, rename the directory, 200 times": (nothing, renamed_at_once),
    "git checkout of 2,000 files": (prepare_git, checked_out),
}


def files(root: Path) -> dict[str, bytes]:
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder, name)
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return {path: text for path, text in found.items() if not path.startswith(("zz-", ".devloop"))}


def missed(eye: Eye, root: Path) -> dict[str, bytes]:
    """Give the files whose present content was in no batch."""
    eye.seen()
    return {path: text for path, text in files(root).items() if eye.contents.get(path) != text}


@pytest.mark.parametrize("row", ROWS)
def test_nothing_is_missed(row: str, tmp_path: Path) -> None:
    hold(row, Watch(quiet=0.0), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [Watch(quiet=0.0), Watch()], ids=["at once", "default"])
@pytest.mark.parametrize("row", ROWS)
def test_nothing_is_missed_five_times(row: str, settings: Watch, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        hold(row, settings, tmp_path / str(number))


def hold(row: str, settings: Watch, tmp_path: Path) -> None:
    """Make a row's files and edit them all, with nothing missed."""
    prepare, make = ROWS[row]
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    prepare(root)
    before = set(files(root))
    with watching(root, settings) as eye:
        make(root, outside)
        lost = missed(eye, root)
        assert {path for path in lost if path not in before or row.startswith("rm")} == set()
        written = set(files(root)) - before if not row.startswith("rm") else set(files(root))
        assert len(written) >= 100
        for path in written:
            (root / path).write_text(f"edited {path}")
        assert {path for path in missed(eye, root) if path in written} == set()
        for path in written:
            (root / path).unlink()
        eye.seen()
        assert eye.known & written == set()
