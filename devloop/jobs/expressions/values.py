"""The values of expressions and how they turn into each other.

A value is None, a bool, a number, a string, a list or a dict; numbers are doubles.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Value: TypeAlias = Any

DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,256}")
OCTAL = re.compile(r"0o[0-7]{1,256}")
INFINITE = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
DIGITS = 15


def number_literal(text: str) -> float | None:
    """Read a number as it is written in an expression, None if it is none."""
    if DECIMAL.fullmatch(text):
        return float(text)
    if HEXADECIMAL.fullmatch(text) or OCTAL.fullmatch(text):
        return float(int(text, 0))
    return INFINITE.get(text)


def is_list(value: Value) -> bool:
    """Say whether a value is a list."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def is_primitive(value: Value) -> bool:
    """Say whether a value is neither a list nor a dict."""
    return not is_list(value) and not isinstance(value, Mapping)


def truthy(value: Value) -> bool:
    """Say whether a value counts as true: all but null, false, 0, NaN and ''."""
    if value is None or isinstance(value, bool | str):
        return bool(value)
    if isinstance(value, int | float):
        return value != 0 and not math.isnan(value)
    return True


def to_number(value: Value) -> float:
    """Turn a value into a number; what has none is NaN."""
    if value is None:
        return 0.0
    if isinstance(value, int | float):
        return _double(value)
    if isinstance(value, str):
        text = value.strip()
        found = number_literal(text) if text else 0.0
        return math.nan if found is None else found
    return math.nan


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def to_text(value: Value) -> str:
    """Turn a value into a string, as ``${{ }}`` in a text does."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(_double(value))
    return "Array" if is_list(value) else "Object"


def _number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return "0" if value == 0 else f"{value:.{DIGITS}g}".upper()


def fold(text: str) -> str:
    """Give the form in which strings compare: upper case, character by character."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def _upper(char: str) -> str:
    upper = char.upper()
    return upper if len(upper) == 1 and upper.isascii() == char.isascii() else char


def equal(left: Value, right: Value) -> bool:
    """Compare as ``==`` does."""
    if isinstance(left, str) and isinstance(right, str):
        return fold(left) == fold(right)
    if not is_primitive(left) or not is_primitive(right):
        return left is right
    if left is None and right is None:
        return True
    return to_number(left) == to_number(right)


def less(left: Value, right: Value) -> bool:
    """Compare as ``<`` does."""
    if isinstance(left, str) and isinstance(right, str):
        return fold(left) < fold(right)
    if not is_primitive(left) or not is_primitive(right) or (left is None and right is None):
        return False
    return to_number(left) < to_number(right)


def key_of(mapping: Mapping[str, Value], name: str) -> str | None:
    """Find the key that is meant by a name, in whatever case."""
    if name in mapping:
        return name
    folded = fold(name)
    return next((key for key in mapping if fold(str(key)) == folded), None)


def to_json(value: Value) -> str:
    """Write a value as ``toJSON`` does: indented by two."""
    return json.dumps(_jsonable(value), indent=2, ensure_ascii=False)


def _jsonable(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if is_list(value):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def from_json(text: str) -> Value:
    """Read JSON; raises ``ValueError`` or ``RecursionError``."""
    return json.loads(text, parse_int=_integer, parse_constant=_no_constant)


def _integer(text: str) -> float:
    return int(text) if len(text) <= DIGITS else float(text)


def _no_constant(text: str) -> Value:
    raise ValueError(f"{text} is not JSON")
