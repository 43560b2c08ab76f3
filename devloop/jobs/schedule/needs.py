"""The graph of ``needs``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def problems(needs: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Yield (job, what is wrong with its needs): a job that is not there, a cycle."""
    for job, names in needs.items():
        for name in names:
            if name not in needs:
                yield job, f"the job {job} needs `{name}`, which is no job"
        if job in ancestors(needs, job):
            yield job, f"the job {job} needs itself, by way of {', '.join(names)}"


def ancestors(needs: Mapping[str, tuple[str, ...]], job: str) -> frozenset[str]:
    """List all that a job needs, and what those need."""
    found: set[str] = set()
    todo = list(needs.get(job, ()))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return frozenset(found)
