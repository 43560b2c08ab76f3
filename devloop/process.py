"""The door to other programs: the only ``subprocess``."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO


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
            start_new_session=True,  # Ctrl-C is the loop's to answer
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
            start_new_session=True,  # Ctrl-C is the loop's to answer
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
