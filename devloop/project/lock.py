"""One loop a project: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from types import TracebackType
from typing import Self

from devloop.errors import HostError, UserError

STATE_FOLDER = ".devloop"


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
        with suppress(OSError):
            os.unlink(self.path)
        os.close(self._fd)
        self._fd = -1

    def _try(self) -> None:
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip()
            os.close(fd)
            raise UserError(
                f"a devloop is running in this project already (process {holder or 'unknown'})",
                hint="end it with Ctrl-C where it runs, or with `devloop down`",
            ) from None
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
        fd = os.open(os.path.join(root, STATE_FOLDER, "lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(fd, 32).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)
    return None


def make_state_folder(path: str) -> None:
    """Make ``.devloop`` with a .gitignore of its own."""
    try:
        os.makedirs(path, exist_ok=True)
        ignore = os.path.join(path, ".gitignore")
        if not os.path.exists(ignore):
            with open(ignore, "w", encoding="ascii") as stream:
                stream.write("*\n")
    except OSError as error:
        raise HostError(
            f"{path} cannot be written: {error.strerror}", hint="is the project folder writable?"
        ) from None
