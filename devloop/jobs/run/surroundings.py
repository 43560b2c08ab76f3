"""What job runs need from outside: shells in a container, and the project's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol


class ShellLink(Protocol):
    """A POSIX shell in the container that reads its commands from us."""

    def send(self, text: str) -> None:
        """Write commands to its stdin."""

    def lines(self) -> Iterator[str]:
        """Yield its output until it ends."""

    def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class JobSurroundings:
    """What runs take from outside: shells in a container, and the project's files.

    ``open_shell`` raises ``DevloopError`` or ``OSError``; ``read`` gives a file's content, None if
    there is none; ``hash_files`` the hash of all files that match patterns.
    """

    open_shell: Callable[[str], ShellLink]
    read: Callable[[str], bytes | None]
    hash_files: Callable[..., str]
