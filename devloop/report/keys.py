"""Single keys of a terminal; the terminal is given back as it was, after a crash as well."""

from __future__ import annotations

import atexit
import os
import select
from collections.abc import Callable
from contextlib import suppress

from devloop import terminal, threads


class Keys:
    """Reads keys until closed; ``pressed`` gets each one, in a thread of its own."""

    def __init__(self, fd: int, pressed: Callable[[str], None]) -> None:
        """Begin; Ctrl-C stays what it is."""
        self._fd = fd
        self._pressed = pressed
        self._ended, self._end = os.pipe()
        self._give_back = terminal.single_keys(fd)
        atexit.register(self.close)
        threads.spawn(self._read, name="keys", failed=threads.shown)

    def close(self) -> None:
        """Restore the terminal's mode."""
        if self._end >= 0:
            self._give_back()
            os.close(self._end)
            self._end = -1
            atexit.unregister(self.close)

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            while self._ended not in select.select([self._fd, self._ended], [], [])[0]:
                typed = os.read(self._fd, 64)
                if not typed:
                    return
                for key in typed.decode("ascii", "ignore"):
                    self._pressed(key.lower())
