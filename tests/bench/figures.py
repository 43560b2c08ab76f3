"""Figures, their targets, and the table: it says what meets and what misses, and never fails."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``kept`` is None where nothing is promised."""

    what: str
    value: str
    target: str = ""
    kept: bool | None = None

    @property
    def verdict(self) -> str:
        """Say how the value stands to its target."""
        return "" if self.kept is None else ("meets" if self.kept else "misses")


@dataclass(frozen=True)
class Effort:
    """How much to measure: runs of what is quick and of what takes seconds, and how many apps."""

    many: int
    few: int
    idle_s: float
    apps: int
    files: int = 10_000


THOROUGH = Effort(many=15, few=7, idle_s=10.0, apps=2)
QUICK = Effort(many=5, few=3, idle_s=3.0, apps=1)


def median(values: Sequence[float]) -> float:
    """Give the median; of nothing there is none."""
    return statistics.median(values) if values else float("nan")


def ms(seconds: float) -> str:
    """Write a duration in milliseconds, with a digit more where it is short."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"


def spread(values: Sequence[float]) -> str:
    """Write a median with the least and the most beside it."""
    return f"{ms(median(values))} ({ms(min(values))} to {ms(max(values))})"


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(count: int, *works: Callable[[], float]) -> list[list[float]]:
    """Measure several things A B A B …, so that a busy moment of the machine meets all of them."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(count):
        for values, work in zip(found, works, strict=True):
            values.append(work())
    return found


def progress(text: str) -> None:
    """Say on stderr what is being measured."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """Give the table's lines."""
    head = ("what", "measured", "target", "")
    cells = [(one.what, one.value, one.target, one.verdict) for one in figures]
    widths = [max(len(row[column]) for row in (head, *cells)) for column in range(len(head))]
    for row in (head, tuple("-" * width for width in widths), *cells):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
