"""The kernel's inotify: one queue of events on folders, read without blocking."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol, TypeAlias

MODIFY, CLOSE_WRITE = 0x2, 0x8
MOVED_FROM, MOVED_TO = 0x40, 0x80
CREATE, DELETE = 0x100, 0x200
DELETE_SELF, MOVE_SELF = 0x400, 0x800
OVERFLOW, IGNORED, ISDIR = 0x4000, 0x8000, 0x40000000
ONLYDIR, DONT_FOLLOW, EXCL_UNLINK = 0x1000000, 0x2000000, 0x4000000

HEADER = struct.Struct("iIII")
BUFFER = 1 << 16
PROBE_WAIT_MS = 1000

if sys.platform == "win32":
    FLAGS = 0
else:
    FLAGS = os.O_NONBLOCK | os.O_CLOEXEC

LIMITS = (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM)

Event: TypeAlias = tuple[int, int, int, str]
"""Watch, mask, cookie (equal for the two halves of a move) and name."""


class ExhaustedError(Exception):
    """The kernel gives no more watches; ``number`` is the errno."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Poll(Protocol):
    """Waits until one of several descriptors can be read."""

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """Give (descriptor, event mask) of those that can; empty after ``timeout`` milliseconds."""


class Kernel:
    """An inotify queue, and a pipe that ends a wait. Raises ``ExhaustedError``."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._call(self._libc.inotify_init1, FLAGS)
        self.closed = False
        self._wake_read, self._wake_write = os.pipe()
        self._poll = _readable(self._fd, self._wake_read)

    def add(self, folder: str, mask: int) -> int:
        """Watch a folder (absolute) and give its watch, that of before if it has one."""
        return self._call(self._libc.inotify_add_watch, self._fd, os.fsencode(folder), mask)

    def remove(self, wd: int) -> None:
        """Give a watch back; one that is gone already does no harm."""
        self._libc.inotify_rm_watch(self._fd, wd)

    def wait(self) -> bool:
        """Block until there is something to read; False if woken by ``wake``."""
        ready = self._poll.poll()
        return all(fd != self._wake_read for fd, _ in ready)

    def wake(self) -> None:
        """End a ``wait``, from any thread."""
        if not self.closed:
            os.write(self._wake_write, b"x")

    def close(self) -> None:
        """Close the queue and the pipe; no thread may be in ``wait``."""
        if not self.closed:
            self.closed = True
            for fd in (self._fd, self._wake_read, self._wake_write):
                os.close(fd)

    def events(self) -> Iterator[Event]:
        """Read once; nothing if the queue is empty."""
        try:
            raw = os.read(self._fd, BUFFER)
        except BlockingIOError:
            return
        at = 0
        while at < len(raw):
            wd, mask, cookie, length = HEADER.unpack_from(raw, at)
            at += HEADER.size
            name = os.fsdecode(raw[at : at + length].rstrip(b"\0")) if length else ""
            at += length
            yield wd, mask, cookie, name

    def probe(self, folder: str) -> bool:
        """Say whether a file written in a folder (absolute) raises an event.

        True as well where nothing can be written: then there is nothing to find out.
        """
        try:
            wd = self.add(folder, CREATE)
            path = os.path.join(folder, f"probe-{os.getpid()}")
            with open(path, "wb"):
                pass
        except OSError:
            return True
        try:
            return self._hears(wd)
        finally:
            self.remove(wd)
            with suppress(OSError):
                os.unlink(path)

    def _call(self, function: Callable[..., int], *arguments: object) -> int:
        result = function(*arguments)
        if result >= 0:
            return result
        number = ctypes.get_errno()
        if number == errno.EINTR:
            return self._call(function, *arguments)
        if number in LIMITS:
            raise ExhaustedError(number)
        raise OSError(number, os.strerror(number))

    def _hears(self, wd: int) -> bool:
        """Say whether a watch has an event in time; others are dropped: a full look follows."""
        poll = _readable(self._fd)
        while poll.poll(PROBE_WAIT_MS):
            if any(one == wd for one, _, _, _ in self.events()):
                return True
        return False


def _readable(*fds: int) -> Poll:
    if sys.platform == "win32":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    found = select.poll()
    for fd in fds:
        found.register(fd, select.POLLIN)
    return found
