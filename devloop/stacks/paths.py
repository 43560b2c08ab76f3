"""Relative paths of a project: joining them safely and matching workspace patterns."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

MAX_BRACES = 64
_BRACES = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff\u2028\u2029\ufffe\uffff]")


def is_safe(path: str) -> bool:
    """Say whether a path can be written into a Dockerfile: no control characters or backslash.

    Nor bytes that are no UTF-8, which Python shows as lone surrogates.
    """
    return not _UNSAFE.search(path)


def join(folder: str, path: str) -> str | None:
    """Join and normalise; None where the result would be outside the project.

    The project itself is ``.``.
    """
    if path.startswith("/"):
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    return None if joined == ".." or joined.startswith("../") else joined


def folder(path: str) -> str:
    """Give the folder of a path, empty for the project itself."""
    return posixpath.dirname(path)


def name(path: str) -> str:
    """Give the last part of a path."""
    return posixpath.basename(path)


def matching(patterns: Iterable[str], folders: Iterable[str]) -> tuple[str, ...]:
    """Give the folders that workspace patterns name, sorted; ``!pattern`` takes some out again."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for pattern in patterns:
        target = unwanted if pattern.startswith("!") else wanted
        target += _expand(pattern.removeprefix("!"))
    found = {item for item in folders if _any(wanted, item) and not _any(unwanted, item)}
    return tuple(sorted(found))


def _any(patterns: Iterable[str], path: str) -> bool:
    parts = path.split("/")
    return any(_parts_match(pattern.split("/"), parts) for pattern in patterns)


def _expand(pattern: str) -> list[str]:
    """Write out braces and normalise; a pattern with too many is left as it is."""
    done: list[str] = []
    open_ones = [pattern]
    while open_ones and len(open_ones) + len(done) <= MAX_BRACES:
        text = open_ones.pop()
        braces = _BRACES.search(text)
        if braces is None:
            done.append(posixpath.normpath(text))
            continue
        head, tail = text[: braces.start()], text[braces.end() :]
        open_ones += [head + choice + tail for choice in braces[1].split(",")]
    return done


def _parts_match(pattern: list[str], parts: list[str]) -> bool:
    """Match part by part; ``**`` stands for any number of them, none included."""
    reachable = {0}
    for part in pattern:
        if part == "**":
            reachable = set(range(min(reachable), len(parts) + 1))
        else:
            reachable = {
                at + 1 for at in reachable if at < len(parts) and fnmatchcase(parts[at], part)
            }
        if not reachable:
            return False
    return len(parts) in reachable
