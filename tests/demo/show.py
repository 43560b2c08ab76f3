"""What the demo prints: sentences, devloop's own words, and a table at the end."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass

WIDTH = 94


@dataclass(frozen=True)
class Row:
    """One line of the table; None where a figure has no meaning."""

    what: str
    did: str
    seconds: float | None
    silence: float | None = None


def chapter(number: int, text: str) -> None:
    """Begin a step of the tour."""
    print(f"\n{number}. {text}")


def say(text: str) -> None:
    """Say something to the newcomer."""
    print(textwrap.fill(text, WIDTH, initial_indent="   ", subsequent_indent="   "))
    sys.stdout.flush()


def quote(text: str) -> None:
    """Show what devloop itself said."""
    print(textwrap.fill(text, WIDTH, initial_indent="   | ", subsequent_indent="   |   "))
    sys.stdout.flush()


def seconds(value: float | None) -> str:
    """Write a duration as people read it."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def table(rows: list[Row]) -> None:
    """Print all that happened."""
    head = ("what happened", "what devloop did", "it took", "no answer for")
    cells = [(row.what, row.did, seconds(row.seconds), seconds(row.silence)) for row in rows]
    widths = [max(len(one[column]) for one in (head, *cells)) for column in range(len(head))]
    for line in (head, tuple("-" * width for width in widths), *cells):
        left = "  ".join(text.ljust(width) for text, width in zip(line[:2], widths, strict=False))
        right = "  ".join(
            text.rjust(width) for text, width in zip(line[2:], widths[2:], strict=True)
        )
        print(f"{left}  {right}")
    sys.stdout.flush()
