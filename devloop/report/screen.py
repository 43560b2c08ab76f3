"""The terminal under the live view: lines scroll above a panel that stays at the bottom.

The panel is drawn anew by going back over it. Its rows are counted by the width that the terminal
has by then, because terminals wrap what stands there when they are made narrower.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TextIO

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ERASE_BELOW, ERASE_ALL, RESET = "\x1b[J", "\x1b[3J\x1b[2J\x1b[H", "\x1b[0m"
DEFAULT = (80, 24)

Line = tuple[str, int]
"""A line with its colours, and the columns that it takes."""


def terminal_size(stream: TextIO) -> tuple[int, int]:
    """Give a terminal's columns and rows, at least 1 each."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return DEFAULT
    return max(1, columns), max(1, rows)


class Screen:
    """One terminal; not safe for several threads at once. One write a drawing."""

    def __init__(
        self, stream: TextIO, size: Callable[[TextIO], tuple[int, int]] = terminal_size
    ) -> None:
        self._stream = stream
        self._size = size
        self._panel: tuple[int, ...] = ()
        self._open = True

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows as they are now."""
        return self._size(self._stream)

    def draw(self, lines: Sequence[str], panel: Sequence[Line]) -> None:
        """Put lines above the panel, and the panel below them."""
        if not self._open:
            return
        above = "".join(f"{line}{RESET}\n" for line in lines)
        below = "\n".join(text for text, _ in panel)
        # The cursor is away while it moves, and there whatever becomes of us (Ctrl-Z, SIGKILL).
        self._write(HIDE + self._back() + above + below + RESET + SHOW)
        self._panel = tuple(width for _, width in panel)

    def clear(self) -> None:
        """Empty the screen and what has scrolled off it; the panel has to be drawn anew."""
        self._write(ERASE_ALL)
        self._panel = ()

    def close(self, lines: Sequence[str]) -> None:
        """Take the panel away, leave some last lines and the terminal as it was."""
        if self._open:
            self._write(self._back() + "".join(f"{line}{RESET}\n" for line in lines) + SHOW)
            self._open = False

    def _back(self) -> str:
        """Go to where the panel begins and erase it."""
        columns, _ = self.size
        rows = sum(max(1, -(-width // columns)) for width in self._panel)
        return "\r" + (f"\x1b[{rows - 1}A" if rows > 1 else "") + ERASE_BELOW

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal has been closed
            self._stream.write(text)
            self._stream.flush()
