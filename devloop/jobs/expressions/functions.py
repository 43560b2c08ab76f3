"""The functions of expressions that need nothing but their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from devloop.jobs.expressions.tokens import ExpressionError
from devloop.jobs.expressions.values import (
    Value,
    equal,
    fold,
    from_json,
    is_list,
    is_primitive,
    to_json,
    to_text,
)

MAX_TEXT = 1 << 20
FORMAT_PART = re.compile(r"\{\{|\}\}|\{(0|[1-9][0-9]{0,2})\}|[{}]")


def checked(value: Value) -> Value:
    """Refuse what is too large to go on with."""
    if isinstance(value, str | list) and len(value) > MAX_TEXT:
        _fail(f"the result is longer than {MAX_TEXT} characters")
    return value


def _fail(message: str) -> NoReturn:
    raise ExpressionError("evaluation", message)


def _contains(where: Value, what: Value) -> bool:
    if is_list(where):
        return any(equal(item, what) for item in where)
    return _both(where, what, lambda text, part: part in text)


def _starts_with(where: Value, what: Value) -> bool:
    return _both(where, what, str.startswith)


def _ends_with(where: Value, what: Value) -> bool:
    return _both(where, what, str.endswith)


def _both(left: Value, right: Value, compare: Callable[[str, str], bool]) -> bool:
    if not is_primitive(left) or not is_primitive(right):
        return False
    return compare(fold(to_text(left)), fold(to_text(right)))


def _join(items: Value, separator: Value = ",") -> str:
    if not is_list(items):
        return to_text(items) if is_primitive(items) else ""
    between = to_text(separator) if is_primitive(separator) else ","
    texts = [to_text(item) for item in items]
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_TEXT:
        _fail(f"the result is longer than {MAX_TEXT} characters")
    return between.join(texts)


def _format(pattern: Value, *values: Value) -> str:
    text = to_text(pattern)
    texts = [to_text(value) for value in values]
    out: list[str] = []
    at = size = 0
    for found in FORMAT_PART.finditer(text):
        out.append(text[at : found.start()])
        out.append(_formatted(text, found, texts))
        size += len(out[-1]) + len(out[-2])
        if size > MAX_TEXT:
            _fail(f"the result is longer than {MAX_TEXT} characters")
        at = found.end()
    return "".join((*out, text[at:]))


def _formatted(text: str, found: re.Match[str], texts: list[str]) -> str:
    if found[1] is None:
        if len(found[0]) == 1:
            _fail(f"`{text[:80]}` is no format: write {{{{ or }}}} for a brace")
        return found[0][0]
    if int(found[1]) >= len(texts):
        _fail(f"the format `{text[:80]}` names more values than there are")
    return texts[int(found[1])]


def _to_json(value: Value) -> str:
    try:
        return to_json(value)
    except (RecursionError, ValueError):
        _fail("the value is nested too deeply for toJSON")


def _from_json(value: Value) -> Value:
    if not is_primitive(value):
        _fail("fromJSON needs a text")
    try:
        return from_json(to_text(value))
    except (ValueError, RecursionError) as error:
        _fail(f"fromJSON cannot read this: {error}")


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "contains": _contains,
    "startsWith": _starts_with,
    "endsWith": _ends_with,
    "join": _join,
    "format": _format,
    "toJSON": _to_json,
    "fromJSON": _from_json,
}
