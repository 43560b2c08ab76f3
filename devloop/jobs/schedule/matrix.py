"""``strategy.matrix`` → rows: the product, less ``exclude``, and ``include``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, TypeAlias

from devloop.jobs.expressions.values import Value, equal, is_primitive, to_text

Row: TypeAlias = dict[str, Any]
MOST = 256


def rows(matrix: Mapping[str, Value]) -> list[Row]:
    """Expand a matrix, in key order; raises ``ValueError`` if it is none or too large."""
    for key, values in matrix.items():
        if not isinstance(values, list):
            raise ValueError(f"`{key}` of the matrix is no list")  # noqa: TRY004 - the user's data
    keys = [key for key in matrix if key not in ("include", "exclude")]
    size = 1
    for key in keys:
        size *= len(matrix[key])
    if size > MOST:
        raise ValueError(f"the matrix has more than {MOST} rows")
    product = itertools.product(*(matrix[key] for key in keys)) if keys else ()
    base = [dict(zip(keys, values, strict=True)) for values in product]
    base = [row for row in base if not any(_fits(row, one) for one in _mappings(matrix, "exclude"))]
    found = _included(base, _mappings(matrix, "include"))
    if len(found) > MOST:
        raise ValueError(f"the matrix has more than {MOST} rows")
    return found


def _included(base: list[Row], include: list[Row]) -> list[Row]:
    """Fill rows whose own keys agree; what fits none is a row of its own."""
    found = [dict(row) for row in base]
    more: list[Row] = []
    for one in include:
        fitting = [
            at
            for at, row in enumerate(base)
            if all(_same(row[key], one[key]) for key in row if key in one)
        ]
        for at in fitting:
            found[at].update(one)
        if not fitting:
            more.append(dict(one))
    return found + more


def _mappings(matrix: Mapping[str, Value], key: str) -> list[Row]:
    found = matrix.get(key, [])
    if not all(isinstance(one, Mapping) for one in found):
        raise ValueError(f"{key} of the matrix must list mappings")
    return list(found)


def _fits(row: Row, pattern: Row) -> bool:
    return all(key in row and _same(row[key], value) for key, value in pattern.items())


def _same(left: Value, right: Value) -> bool:
    return bool(left == right) or (is_primitive(left) and equal(left, right))


def label(row: Row) -> str:
    """Name a row by its values: ``ubuntu, 22``."""
    return ", ".join(to_text(value) for value in row.values() if is_primitive(value))
