"""One loop a project: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from types import TracebackType
from typing import Self

from devloop.errors import HostError, UserError

if sys.platform == "win32":
    import msvcrt

    OPEN = os.O_RDWR
else:
    import fcntl

    OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW

STATE_FOLDER = ".devloop"
IGNORE = ".gitignore"
FAR = 1 << 20
"""Where Windows locks a byte: nobody else can read what is locked, and the holder is to be read."""


class ProjectLock:
    """Holds ``.devloop/lock``, with the holder's process id in it; removed on release."""

    def __init__(self, root: str) -> None:
        self.path = os.path.join(root, STATE_FOLDER, "lock")
        self._fd = -1

    def __enter__(self) -> Self:
        """Take the lock; raises ``UserError`` that names the holder."""
        make_state_folder(os.path.dirname(self.path))
        while self._fd < 0:
            self._try()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back and leave no file."""
        if sys.platform == "win32":  # which removes no file that is open
            os.close(self._fd)
        with suppress(OSError):
            os.unlink(self.path)
        if sys.platform != "win32":
            os.close(self._fd)
        self._fd = -1

    def _try(self) -> None:
        fd = os.open(self.path, OPEN | os.O_CREAT, 0o644)
        if not _take(fd):
            holder = os.read(fd, 32).decode("ascii", "replace").strip()
            os.close(fd)
            raise UserError(
                f"a devloop is running in this project already (process {holder or 'unknown'})",
                hint="end it with Ctrl-C where it runs, or with `devloop down`",
            )
        if not self._is_mine(fd):  # the last holder removed the file in between
            os.close(fd)
            return
        os.ftruncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        self._fd = fd

    def _is_mine(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self.path))
        except FileNotFoundError:
            return False


def holder(root: str) -> int | None:
    """Give the process id of the loop that runs in a project, None if none does."""
    try:
        fd = os.open(os.path.join(root, STATE_FOLDER, "lock"), OPEN)
    except OSError:
        return None
    try:
        if _take(fd):
            return None
        text = os.read(fd, 32).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)


def _take(fd: int) -> bool:
    """Take the lock of an open file, until it is closed; False if somebody has it."""
    if sys.platform == "win32":
        os.lseek(fd, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(fd, 0, os.SEEK_SET)
    else:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def make_state_folder(path: str) -> None:
    """Make ``.devloop`` with a .gitignore of its own; a project may have brought one.

    Raises ``UserError`` if it is a link or no folder, ``HostError`` if it cannot be written.
    """
    refuse_link(path)
    try:
        os.makedirs(path, exist_ok=True)
    except FileExistsError:
        hint = "devloop keeps its state there; rename the file"
        raise UserError(f"{path} is no folder", hint=hint) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    if not os.path.lexists(os.path.join(path, IGNORE)):
        write_state(path, IGNORE, "*\n")


def write_state(folder: str, name: str, text: str) -> None:
    """Write a file of ours into the state folder, whole or not at all, and through no link.

    Raises ``UserError`` if a link stands in its place, ``HostError`` if it cannot be written.
    """
    path = os.path.join(folder, name)
    refuse_link(path)
    try:
        fd, made = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
        try:
            with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as stream:
                stream.write(text)
            os.chmod(made, 0o644)
            os.replace(made, path)
        except OSError:
            with suppress(OSError):
                os.unlink(made)
            raise
    except OSError as error:
        raise _unwritable(path, error) from None


def refuse_link(path: str) -> None:
    """Raise ``UserError`` for a link: what it points to may be anybody's."""
    if os.path.islink(path):
        there = os.readlink(path)
        hint = "devloop writes there, and never outside of the project; remove it"
        raise UserError(f"{path} is a link to {there}", hint=hint)


def _unwritable(path: str, error: OSError) -> HostError:
    what = f"{path} cannot be written: {error.strerror}"
    return HostError(what, hint="is the project folder writable?")
