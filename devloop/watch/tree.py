"""The project's tree: a pruned walk, and the snapshot that stacks read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from devloop.watch.ignore import GITIGNORE, Ignores

MAX_MANIFEST = 32 << 20


def walk(root: str, prune: Callable[[str], bool]) -> list[str]:
    """List all files and links below a folder, relative, with ``/``; pruned folders are skipped.

    Links are listed, never followed. A folder that cannot be read is passed over.
    """
    found: list[str] = []
    todo = [""]
    while todo:
        folder = todo.pop()
        try:
            entries = os.scandir(os.path.join(root, folder))
        except OSError:
            continue
        with entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not prune(path):
                        todo.append(path)
                else:
                    found.append(path)
    return found


def count_folders(root: str, prune: Callable[[str], bool]) -> int:
    """Count the folders that are not pruned, the root among them."""
    found, todo = 0, [""]
    while todo:
        found += 1
        _, folders = _listed(root, todo.pop())
        todo += [path for path in folders if not prune(path)]
    return found


def read(root: str, path: str) -> bytes | None:
    """Read a regular file below the root, None if there is none or it may not be read."""
    full = os.path.join(root, path)
    with suppress(OSError):
        if os.path.isfile(full) and os.path.getsize(full) <= MAX_MANIFEST:
            with open(full, "rb") as stream:
                return stream.read()
    return None


def executable(root: str, path: str) -> bool:
    """Say whether a file has an executable bit."""
    try:
        return bool(os.stat(os.path.join(root, path)).st_mode & 0o111)
    except OSError:
        return False


def read_all(root: str, paths: Iterable[str]) -> dict[str, bytes]:
    """Read those of the files that can be read."""
    found = ((path, read(root, path)) for path in paths)
    return {path: content for path, content in found if content is not None}


def load_ignores(root: str, keep: Iterable[str] = (), always: Iterable[str] = ()) -> Ignores:
    """Read the .gitignore files of all folders that are not ignored themselves."""
    ignores = Ignores(tuple(keep), tuple(always))
    todo = [""]
    while todo:
        folder = todo.pop()
        names, folders = _listed(root, folder)
        if GITIGNORE in names and (text := read(root, join(folder, GITIGNORE))) is not None:
            known = {**ignores.gitignores, folder: text.decode("utf-8", "surrogateescape")}
            ignores = ignores.with_gitignores(known)
        todo += [path for path in folders if not ignores.prunes(path)]
    return ignores


def join(folder: str, name: str) -> str:
    """Give the path of a name in a folder, where the root is empty."""
    return f"{folder}/{name}" if folder else name


def _listed(root: str, folder: str) -> tuple[set[str], list[str]]:
    """List the names of a folder's files and the paths of its folders; empty if unreadable."""
    names: set[str] = set()
    folders: list[str] = []
    with suppress(OSError), os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(join(folder, entry.name))
            else:
                names.add(entry.name)
    return names, folders
