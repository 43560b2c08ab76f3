"""Text of manifests into plain values: canonical, bounded in depth, errors with their place."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time

from devloop.stacks.base import ManifestError

MAX_DEPTH = 100
"""Deeper than any real manifest, and far from Python's recursion limit."""

_TOML_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decode(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark (PowerShell's redirection writes it).

    Raises ``ManifestError`` with the place of what is no text.
    """
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        name = encoding.removesuffix("-sig").upper()
        raise ManifestError(f"not valid {name}", line, column) from None


def json_object(content: bytes) -> dict[str, object]:
    """Parse a JSON object; the last of duplicate keys counts, as the package managers have it.

    Raises ``ManifestError`` with its place for what is none.
    """
    value = _guarded(_load_json, decode(content))
    if not isinstance(value, dict):
        raise ManifestError("not a JSON object", 1, 1)
    return value


def toml_table(content: bytes) -> dict[str, object]:
    """Parse a TOML file.

    Raises ``ManifestError`` with its place for what is none.
    """
    value = _guarded(tomllib.loads, decode(content).replace("\r\n", "\n"))
    if not isinstance(value, dict):  # pragma: no cover - tomllib only gives tables
        raise ManifestError("not a TOML table")
    return value


def canonical(value: object) -> object:
    """Give the value as strict JSON has it: keys sorted, no dates, NaN or lone surrogates.

    Raises ``ManifestError`` if it is nested deeper than ``MAX_DEPTH``.
    """
    return _canonical(value, MAX_DEPTH)


def table(value: object) -> Mapping[str, object]:
    """Give the value if it is a table, else an empty one."""
    return value if isinstance(value, dict) else {}


def strings(value: object) -> tuple[str, ...]:
    """Give those elements of a list that are strings; of anything else, none."""
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def string(value: object) -> str:
    """Give the value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def reach(value: object, *keys: str) -> object:
    """Go down through tables by these keys; None where one is missing."""
    for key in keys:
        value = table(value).get(key)
    return value


def pick(value: object, keys: Iterable[str]) -> dict[str, object]:
    """Give those dotted keys that the table has, canonical, under their dotted names."""
    found = ((key, reach(value, *key.split("."))) for key in sorted(keys))
    return {key: canonical(item) for key, item in found if item is not None}


def _load_json(text: str) -> object:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> object:
    raise ManifestError(f"{name} is not JSON")


def _guarded(load: Callable[[str], object], text: str) -> object:
    try:
        return load(text)
    except json.JSONDecodeError as error:
        raise ManifestError(f"not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except tomllib.TOMLDecodeError as error:
        raise _toml_error(str(error)) from None
    except RecursionError:
        raise ManifestError("nested too deeply") from None
    except ValueError as error:  # a number with more digits than Python converts
        raise ManifestError(f"a value is out of range: {error}") from None


def _toml_error(message: str) -> ManifestError:
    place = _TOML_PLACE.search(message)
    if place is None:
        return ManifestError(f"not valid TOML: {message}")
    reason = f"not valid TOML: {message[: place.start()]}"
    return ManifestError(reason, int(place[1]), int(place[2]))


def _canonical(value: object, depth: int) -> object:
    if depth == 0:
        raise ManifestError("nested too deeply")
    if isinstance(value, dict):
        items = sorted((_clean(str(key)), item) for key, item in value.items())
        return {key: _canonical(item, depth - 1) for key, item in items}
    if isinstance(value, list):
        return [_canonical(item, depth - 1) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value


def _clean(text: str) -> str:
    """Write out lone surrogates, which JSON can name and UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
