"""A job spread over the rows of its matrix: one order a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devloop.jobs.expressions import templates
from devloop.jobs.expressions.values import truthy
from devloop.jobs.schedule import matrix
from devloop.jobs.schedule.contexts import JobOrder
from devloop.jobs.workflow.model import Concurrency, Job, Workflow


def orders(
    number: int,
    label: str,
    what: tuple[Workflow, Job],
    files: tuple[str, ...],
    seen: Mapping[str, Any],
    *,
    named: bool,
) -> tuple[JobOrder, ...]:
    """Give what is to be run; raises ``ExpressionError`` or ``ValueError`` for a bad matrix."""
    flow, job = what
    spread = _spread(job.matrix, seen)
    rows = [{}] if spread is None else matrix.rows(spread)
    most = templates.value(job.max_parallel, seen)
    fast = truthy(templates.value(job.fail_fast, seen))
    found = []
    for at, row in enumerate(rows):
        inner = {**seen, "matrix": row, "strategy": {}, "env": {}, "secrets": {}}
        found.append(
            JobOrder(
                number,
                flow,
                job,
                label,
                f"{label} ({matrix.label(row)})" if row else label,
                row,
                at,
                len(rows),
                fast,
                int(float(most or 0)),
                seen["needs"],
                files,
                named,
                _group(job.concurrency, inner),
                job.concurrency is not None
                and truthy(templates.value(job.concurrency.cancel, inner)),
                _group(flow.concurrency, inner),
            )
        )
    return tuple(found)


def _group(concurrency: Concurrency | None, seen: Mapping[str, Any]) -> str:
    return templates.fill(concurrency.group, seen) if concurrency else ""


def _spread(spread: Any, seen: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ANN401
    """Give a matrix with its expressions evaluated."""
    if spread is None:
        return None
    found = _evaluated(spread, seen)
    if not isinstance(found, Mapping):
        raise ValueError("the matrix is no mapping")  # noqa: TRY004 - the user's data
    return found


def _evaluated(data: Any, seen: Mapping[str, Any]) -> Any:  # noqa: ANN401 - plain data
    if isinstance(data, Mapping):
        return {key: _evaluated(one, seen) for key, one in data.items()}
    if isinstance(data, list):
        return [_evaluated(one, seen) for one in data]
    return templates.value(data, seen)
