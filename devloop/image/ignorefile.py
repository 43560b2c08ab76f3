"""The .dockerignore matcher, by moby's rules (the SDK's own matcher differs from them).

A pattern matches a path or any of its parent folders; the last pattern that matches decides;
``!`` takes back; ``**`` stands for any number of folders.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Ignore:
    """The patterns of an ignore file in order, as (pattern, excluded)."""

    patterns: tuple[tuple[str, bool], ...] = ()

    def matches(self, path: str) -> bool:
        """Say whether the builder leaves this path (relative, ``/``) out of the context."""
        candidates = _with_parents(path)
        ignored = False
        for pattern, excluded in self.patterns:
            if excluded == ignored:
                continue
            if any(segment(pattern).fullmatch(candidate) for candidate in candidates):
                ignored = excluded
        return ignored

    def prunes(self, folder: str) -> bool:
        """Say whether nothing below this folder can be in the context, so that a walk may skip it.

        An exception pattern that may reach below it keeps the folder in the walk.
        """
        if not self.matches(folder):
            return False
        return not any(
            _may_reach(pattern, folder) for pattern, excluded in self.patterns if not excluded
        )


def parse(text: str) -> Ignore:
    """Read an ignore file: ``#`` comments (first column only), ``!``, cleaned paths."""
    found: list[tuple[str, bool]] = []
    for raw in text.removeprefix("\ufeff").splitlines():
        if raw.startswith("#") or not (line := raw.strip()):
            continue
        excluded = not line.startswith("!")
        pattern = line.removeprefix("!").strip() if not excluded else line
        if not pattern:
            continue
        found.append((clean(pattern), excluded))
    return Ignore(tuple(found))


def clean(path: str) -> str:
    """Clean a context path as the builder does: relative to the context's root, no ``..``."""
    return posixpath.normpath("/" + path).lstrip("/") or "."


def _with_parents(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[:end]) for end in range(len(parts), 0, -1))


def _may_reach(pattern: str, folder: str) -> bool:
    """Tell whether a pattern's literal start leads into the folder, or its wildcards may."""
    wanted = folder.split("/")
    for part, here in zip(pattern.split("/"), wanted, strict=False):
        if part == "**":
            return True
        if not segment(part).fullmatch(here):
            return False
    return True


@lru_cache(maxsize=4096)
def segment(pattern: str) -> re.Pattern[str]:
    """Translate one pattern; an unreadable one matches nothing. Without ``/`` it is one name."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
                out.append("(?:.*/)?" if at < len(pattern) else ".*")
            else:
                out.append(".*")
            continue
        at += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and (end := _class_end(pattern, at)) > 0:
            inside = pattern[at : end - 1].replace("[", "\\[")
            out.append(f"[{'^' + inside[1:] if inside[:1] == '!' else inside}]")
            at = end
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(char))
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        return re.compile(r"(?!)")


def _class_end(pattern: str, start: int) -> int:
    """Find the end of ``[…]`` that opened before ``start``; -1 if it never closes."""
    end = pattern.find("]", start + 1)
    return end + 1 if end > 0 else -1
