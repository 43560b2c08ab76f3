"""Random operations on a tree: what was told, put together, is the tree that they left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devloop.config.settings import Watch
from tests.watch.watching import NOW, Eye, content, watching

NAMES = ["a", "a", "a", "b", "b", "c", "node_modules", "x~"]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
Operation: TypeAlias = Callable[[Path, Path, str, str, str], None]


def write(root: Path, _: Path, path: str, __: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def append(root: Path, _: Path, path: str, __: str, text: str) -> None:
    with (root / path).open("a") as stream:
        stream.write(text)


def make_folder(root: Path, _: Path, path: str, __: str, ___: str) -> None:
    (root / path).mkdir(parents=True)


def remove(root: Path, _: Path, path: str, __: str, ___: str) -> None:
    if (root / path).is_dir() and not (root / path).is_symlink():
        shutil.rmtree(root / path)
    else:
        (root / path).unlink()


def rename(root: Path, _: Path, path: str, other: str, __: str) -> None:
    os.rename(root / path, root / other)


def move_out(root: Path, outside: Path, path: str, _: str, text: str) -> None:
    os.rename(root / path, outside / text)


def move_in(root: Path, outside: Path, path: str, _: str, text: str) -> None:
    os.rename(outside / text, root / path)


def copy(root: Path, _: Path, path: str, other: str, __: str) -> None:
    if (root / path).is_dir() and not other.startswith(path):
        shutil.copytree(root / path, root / other, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(root / path, root / other)


def link(root: Path, _: Path, path: str, other: str, __: str) -> None:
    os.symlink(other, root / path)


def replace(root: Path, outside: Path, path: str, _: str, text: str) -> None:
    source = outside / "atomic"
    source.write_text(text)
    os.rename(source, root / path)


OPERATIONS: list[Operation] = [
    write,
    write,
    append,
    make_folder,
    remove,
    rename,
    move_out,
    move_in,
    copy,
    link,
    replace,
]
TAKES = (append, remove, rename, move_out, copy)
"""They need something that is there: a path of that order in the tree."""
Step: TypeAlias = tuple[Operation, int, str, str, str]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS),
        st.integers(0, 20),
        PATHS,
        PATHS,
        st.sampled_from(["1", "22", "33"]),
    ),
    min_size=5,
    max_size=30,
)


def play(steps: list[Step], root: Path, outside: Path) -> None:
    for operation, number, path, other, text in steps:
        there = sorted(str(one.relative_to(root)) for one in root.rglob("*"))
        there = [one for one in there if not one.startswith((".devloop", "zz-"))]
        chosen = there[number % len(there)] if there and operation in TAKES else path
        try:
            operation(root, outside, chosen, other, text)
        except (OSError, shutil.Error):
            continue  # what cannot be done is no operation


def tree_of(root: Path) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in ("node_modules", ".devloop")]
        for name in [*names, *(name for name in links if name in folders or name != ".devloop")]:
            if not name.endswith("~") and "node_modules" not in name:
                path = here / name
                found[path.relative_to(root).as_posix()] = content(path)
    return {path: text for path, text in found.items() if not path.startswith("zz-")}


def told(eye: Eye) -> dict[str, bytes | None]:
    eye.seen()
    return {path: eye.contents.get(path) for path in eye.known if not path.startswith("zz-")}


@pytest.mark.parametrize(
    "how", [NOW, Watch(quiet=0.002, max_wait=0.02)], ids=["at once", "batched"]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=STEPS, steps=STEPS)
def test_what_is_told_adds_up_to_the_tree(
    how: Watch,
    before: list[Step],
    steps: list[Step],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("model", numbered=True)
    root, outside = folder / "project", folder / "outside"
    root.mkdir()
    outside.mkdir()
    play(before, root, outside)
    start = tree_of(root)
    with watching(root, how) as eye:
        eye.known = set(start)
        eye.contents.update(start)
        play(steps, root, outside)
        assert told(eye) == tree_of(root)
        for path, text in sorted(tree_of(root).items()):
            if text is not None and not (root / path).is_symlink():
                (root / path).write_text(f"last edit of {path}")
        assert told(eye) == tree_of(root)
    shutil.rmtree(folder)
