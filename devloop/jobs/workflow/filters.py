r"""GitHub's path filters: the whole path must match, and the last pattern that does decides.

``*`` any characters but ``/``, ``**`` any, ``?`` zero or one and ``+`` one or more of the
preceding character, ``[]`` one of a list or range, ``\x`` is x itself, ``!`` in first place
takes back. A pattern that cannot be read matches nothing; ``problems`` says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

RULES_KEPT = 512


@dataclass(frozen=True)
class PathFilter:
    """Patterns in order, where the last match decides; no patterns match nothing."""

    patterns: Sequence[str]

    def matches(self, path: str) -> bool:
        """Say whether a path (relative, with ``/``) ends up included."""
        return any_rule(tuple(self.patterns), path)


def runs(
    files: Iterable[str],
    paths: Sequence[str] | None = None,
    paths_ignore: Sequence[str] | None = None,
) -> bool:
    """Say whether changed files start something that has these filters.

    ``paths`` asks for one file that is included, ``paths_ignore`` for one that is not ignored;
    without filters it always runs, even without files.
    """
    if paths is None and paths_ignore is None:
        return True
    wanted = PathFilter(paths) if paths is not None else None
    unwanted = PathFilter(paths_ignore or ())
    return any(
        (wanted is None or wanted.matches(path)) and not unwanted.matches(path) for path in files
    )


def problems(
    paths: Sequence[str] | None = None, paths_ignore: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Say in sentences what is wrong with the filters of one event; empty if nothing is."""
    found = [_why(pattern) for pattern in (*(paths or ()), *(paths_ignore or ()))]
    if paths is not None and paths_ignore is not None:
        found.append("paths and paths-ignore exclude each other")
    if paths and all(pattern.startswith("!") for pattern in paths):
        found.append("paths has only patterns with !, so nothing can match")
    if any(pattern.startswith("!") for pattern in paths_ignore or ()):
        found.append("paths-ignore takes no patterns with !")
    return tuple(text for text in found if text)


def any_rule(patterns: tuple[str, ...], path: str) -> bool:
    """Say what the last of the patterns that matches decides; False if none does."""
    for regex, included in _rules(patterns):
        if regex.fullmatch(path):
            return included
    return False


@lru_cache(maxsize=RULES_KEPT)
def _rules(patterns: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Join neighbours that decide alike into one expression each, the last ones first."""
    found = []
    signed = ((not one.startswith("!"), one.removeprefix("!")) for one in reversed(patterns))
    for included, group in groupby(signed, key=lambda one: one[0]):
        texts = [f"(?:{text})" for _, one in group if (text := _expression(one)) is not None]
        if texts:
            found.append((re.compile("|".join(texts), re.DOTALL), included))
    return tuple(found)


class _UnreadableError(Exception):
    """A pattern breaks the grammar; the text says where."""


def _why(pattern: str) -> str:
    try:
        _translate(pattern.removeprefix("!"))
    except _UnreadableError as error:
        return f"the pattern {pattern!r} {error}"
    return ""


def _expression(pattern: str) -> str | None:
    try:
        return _translate(pattern)
    except _UnreadableError:
        return None


def _translate(pattern: str) -> str:
    """Give the regular expression of one pattern without its ``!``."""
    if not pattern:
        raise _UnreadableError("is empty")
    out: list[str] = []
    at = 0
    plain = False  # whether a quantifier may follow
    while at < len(pattern):
        if pattern[at] in "?+":
            if not plain:
                raise _UnreadableError(f"has {pattern[at]} without a character before it")
            out.append(pattern[at])
            at, plain = at + 1, False
            continue
        text, at = _atom(pattern, at)
        plain = not text.endswith("*") and not text.endswith(")?")
        out.append(text)
    return "".join(out)


def _atom(pattern: str, at: int) -> tuple[str, int]:
    """Translate what stands at a place; give it and where the next begins."""
    char = pattern[at]
    if char == "*":
        return _stars(pattern, at)
    if char == "[":
        return _range(pattern, at)
    if char != "\\":
        return _literal(char), at + 1
    if at + 1 == len(pattern):
        raise _UnreadableError("ends in a backslash")
    return _literal(pattern[at + 1]), at + 2


def _literal(char: str) -> str:
    return f"\\x{ord(char):02x}" if char in "*?" else re.escape(char)


def _stars(pattern: str, at: int) -> tuple[str, int]:
    end = at
    while pattern.startswith("*", end):
        end += 1
    if end - at == 1:
        return "[^/]*", end
    if pattern.startswith("/", end) and (at == 0 or pattern[at - 1] == "/"):
        return "(?:.*/)?", end + 1  # whole folders, or none at all
    return ".*", end


def _range(pattern: str, at: int) -> tuple[str, int]:
    end = pattern.find("]", at + 1)
    inside = pattern[at + 1 : end]
    if end < 0 or not inside:
        raise _UnreadableError("has [ without a list and ]")
    for first, last in re.findall(r"(?s)(.)-(.)", inside):
        if first > last:
            raise _UnreadableError(f"has the range {first}-{last} backwards")
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
    return f"[{escaped}]", end + 1
