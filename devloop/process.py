"""The door to other programs: the only ``subprocess``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

if sys.platform == "win32":
    APART = subprocess.CREATE_NEW_PROCESS_GROUP
    NO_LINK = 0
    KILL = signal.SIGTERM  # it ends at once there
else:
    APART = 0  # a session of its own is what keeps Ctrl-C, which is the loop's to answer, from it
    NO_LINK = os.O_NOFOLLOW
    KILL = signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """What a program wrote, and its exit code."""

    code: int
    stdout: bytes
    stderr: str


class Command:
    """A program that is given a text and whose output is small; it may be interrupted."""

    def __init__(self, argv: Sequence[str], cwd: str) -> None:
        """Start it; raises ``FileNotFoundError`` if it is not there."""
        self._process = subprocess.Popen(  # noqa: S603 - an argument vector, never a shell
            argv,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=APART,
        )

    def end(self, text: str = "") -> Ended:
        """Give it its input and wait for its end."""
        stdout, stderr = self._process.communicate(text.encode("utf-8", "surrogateescape"))
        return Ended(self._process.returncode, stdout, stderr.decode("utf-8", "replace"))

    def interrupt(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.terminate()


class Program:
    """A program that is fed from a file and whose stderr is read as it comes."""

    def __init__(self, argv: Sequence[str], stdin: IO[bytes]) -> None:
        """Start it; raises ``FileNotFoundError`` if it is not there."""
        self._process = subprocess.Popen(  # noqa: S603 - an argument vector, never a shell
            argv,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=APART,
        )

    def read(self, took: Callable[[bytes], None]) -> int:
        """Hand over stderr piece by piece until the program ends; gives its exit code."""
        stream = self._process.stderr
        if stream is not None:
            with stream:
                while piece := stream.read1(1 << 16):  # type: ignore[attr-defined]
                    took(piece)
        return self._process.wait()

    def interrupt(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.terminate()


def answer(argv: Sequence[str], timeout: float = 20.0) -> tuple[int, str]:
    """Run a program that answers at once; gives exit code and output, 127 if it is not there."""
    try:
        done = subprocess.run(  # noqa: S603 - an argument vector, never a shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 127, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


class Background:
    """A program without a terminal that outlives us; its output goes to a file."""

    def __init__(self, argv: Sequence[str], log: str) -> None:
        """Start it; the file is made anew, for the user alone."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | NO_LINK
        output = os.open(log, flags, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - an argument vector, never a shell
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                creationflags=APART,
            )
        finally:
            os.close(output)
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        """Say whether it has not ended."""
        return self._process.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; gives its exit code."""
        return self._process.wait()

    def within(self, seconds: float) -> int | None:
        """Wait so long for its end; gives its exit code, None if it runs on."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def ask_to_end(pid: int) -> None:
    """Have a process end in its own way; Windows knows only the other one. It may have gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def end(pid: int) -> None:
    """End a process at once; it may have gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, KILL)
