"""What source text tells: the port that it listens on, lines less comments."""

from __future__ import annotations

import re

MAX_PORT = 65535
_PORTS = (
    re.compile(r"""\bPORT['"\])]*\s*(?:\|\||\?\?|,|\?:)\s*['"]?(\d{2,5})\b"""),
    re.compile(r"""["'](?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\])?:(\d{2,5})["']"""),
    re.compile(r"""\(\s*\[?(?:0, ?0, ?0, ?0|127, ?0, ?0, ?1)\]?\s*,\s*(\d{2,5})\s*\)"""),
    re.compile(r"""\b[pP](?:ort|ORT)\b['"]?\s*(?:=|:|=>|,)\s*['"]?(\d{2,5})\b"""),
)


def port(*texts: str) -> int | None:
    """Give the first port that one of the texts names in a usual way."""
    found = (match for text in texts for pattern in _PORTS for match in pattern.finditer(text))
    numbers = (int(match[1]) for match in found)
    return next((number for number in numbers if 0 < number <= MAX_PORT), None)


def lines(text: str, comment: str) -> list[str]:
    """Give the lines less blank ones and those that are a comment, inner blanks squeezed."""
    bare = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in bare if line and not line.startswith(comment)]
