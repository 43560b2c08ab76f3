r"""Go templates as far as ``docker ps --format`` is used with them. Pure.

Known are ``{{.Field}}``, ``{{json .}}``, ``{{json .Field}}``, ``upper`` and ``lower``, pipes, the
texts ``\t`` and ``\n``, and ``table `` in front for a head and aligned columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from devloop.errors import UserError

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
FUNCTIONS = {"json": json.dumps, "upper": str.upper, "lower": str.lower}
GAP = 3

Row = Mapping[str, str]


def render(template: str, rows: Iterable[Row], heads: Row) -> list[str]:
    """Give the lines of a table or list; raises ``UserError`` for what is not known."""
    text = template.replace("\\t", "\t").replace("\\n", "\n")
    table = text.startswith("table ")
    text = text.removeprefix("table ")
    lines = [_filled(text, row) for row in rows]
    if not table:
        return lines
    head = ACTION.sub(lambda it: _head(it[1], heads), text)
    return aligned([line.split("\t") for line in (head, *lines)])


def fields(template: str) -> frozenset[str]:
    """Name the fields that a template uses; ``.`` stands for all."""
    return frozenset(
        word.removeprefix(".") or "."
        for action in ACTION.findall(template)
        for word in action.replace("|", " ").split()
        if word.startswith(".")
    )


def aligned(rows: list[list[str]]) -> list[str]:
    """Pad the cells of a table's rows to columns."""
    widths = [
        max(len(row[at]) if at < len(row) else 0 for row in rows) for at in range(_most(rows))
    ]
    return [
        "".join(cell.ljust(widths[at] + GAP) for at, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _most(rows: list[list[str]]) -> int:
    return max((len(row) for row in rows), default=0)


def _filled(text: str, row: Row) -> str:
    found = ACTION.sub(lambda it: _value(it[1], row), text)
    rest = ACTION.sub("", text)
    if "{{" in rest or "}}" in rest:
        raise UserError("--format: a `{{` is not closed", hint="a field is written {{.Names}}")
    return found


def _head(action: str, heads: Row) -> str:
    names = [name for name in fields("{{" + action + "}}") if name in heads]
    return heads[names[0]] if names else action


def _value(action: str, row: Row) -> str:
    value: object = None
    if not action:
        raise _strange(action)
    for part in action.split("|"):
        for word in reversed(part.split()):
            value = _word(word, row, value, action)
    return str(value)


def _word(word: str, row: Row, value: object, action: str) -> object:
    if word == ".":
        return dict(row)
    if word.startswith("."):
        if word[1:] not in row:
            raise UserError(f"--format: there is no field `{word}`", hint=f"there are {_all(row)}")
        return row[word[1:]]
    if word not in FUNCTIONS or value is None:
        raise _strange(action)
    if word != "json" and not isinstance(value, str):
        raise UserError(f"--format: `{word}` takes one field", hint=f"there are {_all(row)}")
    return FUNCTIONS[word](value)  # type: ignore[operator]


def _strange(action: str) -> UserError:
    hint = "known are {{.Field}}, {{json .}}, {{upper .Field}} and {{lower .Field}}"
    return UserError(f"--format: `{{{{{action}}}}}` is not understood", hint=hint)


def _all(row: Row) -> str:
    return ", ".join(f".{name}" for name in row)
