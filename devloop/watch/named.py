"""Paths that a project names (a COPY's sources, manifests): they count whatever git ignores.

Patterns are written as in a Dockerfile: ``*`` ``?`` ``[]`` within a name, ``**`` for any number
of folders. A wildcard never stands for a folder that tools fill (``node_modules``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from devloop.stacks.registry import TOOL_FOLDERS


@dataclass(frozen=True)
class Named:
    """One pattern: its parts, and an expression for the whole path."""

    parts: tuple[str, ...]
    regex: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Say whether the pattern names this very path."""
        return self._literal(path) and self.regex.fullmatch(path) is not None

    def leads(self, folder: str) -> bool:
        """Say whether it names this folder or may name something below it.

        A leading ``**`` leads nowhere in particular: else nothing could be pruned any more.
        """
        if not self._literal(folder):
            return False
        here = folder.split("/")
        for at, (wanted, part) in enumerate(zip(self.parts, here, strict=False)):
            if wanted == "**":
                return at > 0 or self.regex.fullmatch(folder) is not None
            if not _segment(wanted).fullmatch(part):
                return False
        return len(self.parts) >= len(here)

    def _literal(self, path: str) -> bool:
        return TOOL_FOLDERS.intersection(path.split("/")) <= set(self.parts)


@lru_cache(maxsize=64)
def read(patterns: tuple[str, ...]) -> tuple[Named, ...]:
    """Read patterns; ``.`` and what leads out of the project name nothing."""
    return tuple(_one(path) for path in sorted(cleaned(patterns)))


@lru_cache(maxsize=64)
def cleaned(paths: tuple[str, ...]) -> frozenset[str]:
    """Give paths without ``./``, double and trailing slashes; none that leads out."""
    found = (posixpath.normpath("./" + path) for path in paths)
    return frozenset(path for path in found if path not in (".", "..") and path[:3] != "../")


def upwards(path: str) -> Iterator[str]:
    """Give a path and the folders above it, the deepest first, without the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _one(path: str) -> Named:
    parts = tuple(path.split("/"))
    whole = "".join(_joined(part, last=at == len(parts)) for at, part in enumerate(parts, 1))
    return Named(parts, re.compile(whole, re.DOTALL))


def _joined(part: str, *, last: bool) -> str:
    if part == "**":
        return ".*" if last else "(?:.*/)?"
    return _segment(part).pattern + ("" if last else "/")


@lru_cache(maxsize=1024)
def _segment(pattern: str) -> re.Pattern[str]:
    """Translate one name's pattern; one that cannot be read matches only itself."""
    tokens = re.findall(r"\\.|\[[!^]?\]?[^\]]*\]|.", pattern, re.DOTALL)
    try:
        return re.compile("".join(map(_token, tokens)), re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


def _token(text: str) -> str:
    if text == "*":
        return "[^/]*"
    if text == "?":
        return "[^/]"
    if text[0] == "[" and len(text) > 1:
        negated = text[1] in "!^"
        inside = re.sub(r"([\\\[\]&~|])", r"\\\1", text[1 + negated : -1])
        return f"[^/{inside}]" if negated else f"[{inside}]"
    return re.escape(text[-1])
