"""A shell that waits in a container for the steps of jobs."""

from __future__ import annotations

from collections.abc import Iterator

from devloop.engine.client import Engine
from devloop.engine.logs import Lines
from devloop.jobs.run.surroundings import JobSurroundings
from devloop.project import inspect
from devloop.watch import tree


class Shell:
    """A shell in a container that reads what it is sent."""

    def __init__(self, engine: Engine, container: str) -> None:
        """Start it; raises ``RefusedError`` or ``EngineGoneError``."""
        self._link = engine.converse(container, ["sh"])

    def send(self, text: str) -> None:
        """Give it commands."""
        self._link.send(text.encode("utf-8", "surrogateescape"))

    def lines(self) -> Iterator[str]:
        """Yield its output until it ends."""
        cut = Lines()
        for piece in self._link.pieces():
            yield from cut.feed(piece)
        yield from cut.close()

    def close(self) -> None:
        """End it."""
        self._link.close()


def surroundings(engine: Engine, root: str) -> JobSurroundings:
    """Give what the jobs of the project in ``root`` take from outside."""
    return JobSurroundings(
        open_shell=lambda container: Shell(engine, container),
        read=lambda path: tree.read(root, path),
        hash_files=lambda *patterns: inspect.hash_files(root, *patterns),
    )
