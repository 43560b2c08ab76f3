"""A pseudo-terminal with a program in it, as a user's terminal window would have."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from typing import Self


class Terminal:
    """One program at a terminal of its own."""

    def __init__(self, *arguments: str, columns: int = 80, rows: int = 24) -> None:
        self.output = b""
        self.code: int | None = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            argv = [sys.executable, "-m", "devloop", *arguments]
            os.execv(sys.executable, argv)  # noqa: S606

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            os.kill(self.pid, 9)
            self.wait()
        self.close()

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell leaves it: it echoes, and Ctrl-C interrupts."""
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ISIG)

    def see(self, text: str, timeout: float = 20.0) -> bytes:
        """Wait until the program has written a text since the last one; give what came."""
        deadline = time.monotonic() + timeout
        wanted = text.encode()
        while wanted not in self.output:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.fd], [], [], max(0.0, left))
            assert ready, f"no {text!r} in {self.output!r}"
            try:
                self.output += os.read(self.fd, 65536)
            except OSError:
                raise AssertionError(f"ended without {text!r}: {self.output!r}") from None
        head, found, self.output = self.output.partition(wanted)
        return head + found

    def wait(self, timeout: float = 20.0) -> int:
        """Read to the program's end; give its exit code."""
        deadline = time.monotonic() + timeout
        while self.code is None:
            if self.fd >= 0 and select.select([self.fd], [], [], 0.02)[0]:
                try:
                    self.output += os.read(self.fd, 65536)
                except OSError:
                    time.sleep(0.01)
            elif self.fd < 0:
                time.sleep(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, f"does not end: {self.output!r}"
        return self.code

    def close(self) -> None:
        """Close the terminal's window."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
