"""Which commit and branch a project is at, read from its .git without running git."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from devloop.watch import tree

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Head:
    """A commit's hash and the full name of its branch; each empty where there is none."""

    sha: str = ""
    ref: str = ""


def head(root: str) -> Head:
    """Read what is checked out; a folder that is no repository, or a broken one, gives nothing."""
    folder = _folder(root)
    text = _line(folder, "HEAD")
    if COMMIT.fullmatch(text):
        return Head(text)
    kind, _, ref = text.partition(" ")
    if kind != "ref:" or not ref.startswith("refs/") or ".." in ref:
        return Head()
    shared = os.path.join(folder, _line(folder, "commondir"))
    found = _line(folder, ref) or _line(shared, ref) or _packed(shared, ref)
    return Head(found if COMMIT.fullmatch(found) else "", ref)


def _folder(root: str) -> str:
    """Give the repository's folder: a worktree has a file that names it."""
    named = _line(root, ".git")
    path = named.removeprefix("gitdir: ") if named.startswith("gitdir: ") else ".git"
    return os.path.join(root, path)


def _packed(folder: str, ref: str) -> str:
    for line in _text(folder, "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _line(folder: str, path: str) -> str:
    return _text(folder, path).strip()


def _text(folder: str, path: str) -> str:
    return (tree.read(folder, path) or b"").decode("utf-8", "replace")
