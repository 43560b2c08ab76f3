"""Texts with ``${{ expressions }}``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devloop.jobs.expressions.evaluate import STATUS, ExpressionError, Function, evaluate, uses
from devloop.jobs.expressions.values import Value, to_text, truthy

END = re.compile(r"'|\}\}")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into (text, False) and (expression, True); raises ``ExpressionError``."""
    at = 0
    while (start := text.find("${{", at)) >= 0:
        if start > at:
            yield text[at:start], False
        end = _end(text, start + 3)
        yield text[start + 3 : end], True
        at = end + 2
    if at < len(text):
        yield text[at:], False


def _end(text: str, at: int) -> int:
    quoted = False
    for found in END.finditer(text, at):
        if found[0] == "'":
            quoted = not quoted
        elif not quoted:
            return found.start()
    raise ExpressionError("parsing", "${{ without }}")


def fill(
    text: str, contexts: Mapping[str, Value], functions: Mapping[str, Function] | None = None
) -> str:
    """Replace the expressions of a text by their values."""
    if "${{" not in text:
        return text
    return "".join(
        to_text(evaluate(piece, contexts, functions)) if inside else piece
        for piece, inside in pieces(text)
    )


def value(
    text: Value, contexts: Mapping[str, Value], functions: Mapping[str, Function] | None = None
) -> Value:
    """Give the value of a text that is one expression, else the text filled; data as it is."""
    if not isinstance(text, str):
        return text
    found = list(pieces(text.strip()))
    if len(found) == 1 and found[0][1]:
        return evaluate(found[0][0], contexts, functions)
    return fill(text, contexts, functions)


def condition(text: str) -> str:
    """Give the expression of an ``if``, which may stand without ``${{ }}``."""
    found = list(pieces(text.strip()))
    if len(found) == 1 and found[0][1]:
        return found[0][0]
    if any(inside for _, inside in found):
        quoted = [f"'{one.replace(chr(39), chr(39) * 2)}'" for one, inside in found if not inside]
        slots = "".join(f"{{{at}}}" for at in range(len(found)))
        texts = iter(quoted)
        arguments = [one if inside else next(texts) for one, inside in found]
        return f"format('{slots}', {', '.join(arguments)})"
    return text


def holds(text: str, contexts: Mapping[str, Value], functions: Mapping[str, Function]) -> bool:
    """Say whether an ``if`` holds; without a status function it is ``success() && (…)``."""
    expression = condition(text)
    if not expression.strip():
        return truthy(functions["success"]())
    if not uses(expression, *STATUS) and not functions["success"]():
        return False
    return truthy(evaluate(expression, contexts, functions))
