"""Which of the known releases of a language a range allows.

A release is known by its first one (Node) or two (Python) numbers: that is how the official images
are tagged, and a tag means the newest patch of it. So ``3.12`` stands for 3.12.99 in comparisons,
while an exact pin is compared only as far as the tag goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

Release = tuple[int, ...]

NEWEST_PATCH = 99
MAX_SPEC = 200
_TERM = re.compile(
    r"(?P<sign>===|\^|~=|~>|~|>=|<=|==|=|!=|<|>|)\s*v?"
    r"(?P<numbers>\d{1,6}(?:\.\d{1,6}){0,2})(?P<rest>[0-9A-Za-z.*+-]*)"
)
_HYPHEN = re.compile(r"([\w.]+)\s+-\s+([\w.]+)")
_ANY = re.compile(r"\s*[*xX]?\s*")


@dataclass(frozen=True)
class Line:
    """The known releases of a language, as of the date beside each table, and the usual one."""

    known: tuple[Release, ...]
    default: Release
    full_tilde: bool = False  # Python: `<=3.12` is 3.12.0 at most; Node: any 22 is `<=22`

    def text(self, release: Release) -> str:
        """Write a release as the image tags have it."""
        return ".".join(str(number) for number in release)


# As of November 2026; images of old releases stay published.
NODE = Line(
    known=((14,), (16,), (18,), (20,), (22,), (24,), (26,)),
    default=(22,),
)
PYTHON = Line(
    known=((3, 9), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14)),
    default=(3, 13),
    full_tilde=True,
)
GO = Line(known=tuple((1, minor) for minor in range(17, 28)), default=(1, 24))
RUST = Line(known=tuple((1, minor) for minor in range(56, 96)), default=(1, 85))
RUBY = Line(
    known=((2, 7), (3, 0), (3, 1), (3, 2), (3, 3), (3, 4), (4, 0)), default=(3, 3), full_tilde=True
)
PHP = Line(known=((7, 4), (8, 0), (8, 1), (8, 2), (8, 3), (8, 4), (8, 5)), default=(8, 4))
JAVA = Line(known=((8,), (11,), (17,), (21,), (25,)), default=(21,))
DOTNET = Line(known=((6, 0), (7, 0), (8, 0), (9, 0), (10, 0)), default=(9, 0))
ELIXIR = Line(known=tuple((1, minor) for minor in range(12, 20)), default=(1, 18), full_tilde=True)
NODE_CODENAMES = {
    "fermium": "14",
    "gallium": "16",
    "hydrogen": "18",
    "iron": "20",
    "jod": "22",
    "krypton": "24",
}


def numbers(text: str) -> Release:
    """Give the numbers of a version for comparing, empty where it has none."""
    return tuple(int(number) for number in re.findall(r"\d{1,6}", text[:MAX_SPEC]))


def choose(line: Line, specs: Iterable[str]) -> str:
    """Give the release for the first spec that a known release meets, else the default.

    The default is preferred where the spec allows it, else the nearest that it allows: the newest
    is often not yet supported by compiled packages.
    """
    for spec in specs:
        allowed = [release for release in line.known if allows(spec, release, line)]
        if allowed:
            newer = (release for release in allowed if release >= line.default)
            return line.text(min(newer, default=max(allowed)))
    return line.text(line.default)


def allows(spec: str, release: Release, line: Line) -> bool:
    """Say whether the newest patch of a release meets a range of npm's, PEP 440 or Poetry."""
    if len(spec) > MAX_SPEC:
        return False
    alternatives = _HYPHEN.sub(r">=\1 <=\2", spec).split("||")
    return any(_all_met(text, release, line) for text in alternatives)


def _all_met(text: str, release: Release, line: Line) -> bool:
    if _ANY.fullmatch(text):
        return True
    terms = list(_TERM.finditer(text))
    left = _TERM.sub("", text).replace(",", "").strip()
    return bool(terms) and not left and all(_met(term, release, line) for term in terms)


def _met(term: re.Match[str], release: Release, line: Line) -> bool:
    numbers = tuple(int(number) for number in term["numbers"].split("."))
    point = release + (NEWEST_PATCH,) * (3 - len(release))
    sign = term["sign"]
    if sign in {"^", "~", "~>", "~="}:
        return _compatible(sign, numbers, point, len(release))
    if sign in {">", ">=", "<", "<="}:
        return _ordered(sign, numbers, point, full=line.full_tilde)
    same = numbers[: len(release)] == release[: len(numbers)]
    return same if sign != "!=" else not (same and _whole(term, release))


def _whole(term: re.Match[str], release: Release) -> bool:
    """Say whether ``!=`` excludes the whole release (``3.11.*``), not one patch of it."""
    return term["numbers"].count(".") < len(release)


def _compatible(sign: str, numbers: Release, point: Release, precision: int) -> bool:
    if point < numbers[:precision]:
        return False
    fixed = 1 if sign == "^" else _tilde_precision(sign, numbers)
    return point[: min(fixed, precision)] == numbers[: min(fixed, precision)]


def _tilde_precision(sign: str, numbers: Release) -> int:
    """Say how many numbers stay: ``~=3.10`` and ``~3`` fix the first, ``~3.10`` the second too."""
    return max(1, len(numbers) - 1) if sign in {"~=", "~>"} else min(2, len(numbers))


def _ordered(sign: str, numbers: Release, point: Release, *, full: bool) -> bool:
    """Compare; where ``full`` is off a partial number means all that begins with it."""
    seen = point if full else point[: len(numbers)]
    bound = _padded(numbers) if full else numbers
    if sign.endswith("=") and seen == bound:
        return True
    return seen > bound if sign.startswith(">") else seen < bound


def _padded(numbers: Release) -> Release:
    return numbers + (0,) * (3 - len(numbers))
