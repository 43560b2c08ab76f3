"""A container's output as lines; the supervisor's own lines are taken out and told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from devloop.model import Part

MAX_LINE = 1 << 16


class Lines:
    """Cuts one stream into lines; a line without an end for 64 KiB is cut there."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the lines that this piece completes."""
        whole = self._rest + piece
        *lines, self._rest = whole.split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
        while len(self._rest) > MAX_LINE:
            head, self._rest = self._rest[:MAX_LINE], self._rest[MAX_LINE:]
            yield Part(head.decode("utf-8", "replace"))

    def close(self) -> Iterator[str]:
        """Yield what is left at the end of the stream."""
        if self._rest:
            yield self._rest.decode("utf-8", "replace")
        self._rest = b""


def split(
    pieces: Iterator[tuple[bytes | None, bytes | None]],
    nonce: str,
    line: Callable[[str, str], None],
    mark: Callable[[str, int], None],
) -> None:
    """Read a container's output to its end.

    ``line(stream, text)`` gets each line of the app, ``mark(word, number)`` each report of the
    supervisor: ``started`` with a count, ``exited`` with an exit code.
    """
    streams = {"stdout": Lines(), "stderr": Lines()}
    report = re.compile(rf"{re.escape(nonce)} (started|exited) ([0-9]+)$") if nonce else None
    for stdout, stderr in pieces:
        for name, piece in (("stdout", stdout), ("stderr", stderr)):
            for text in streams[name].feed(piece) if piece else ():
                found = report.search(text) if report else None
                if not found:
                    line(name, text)
                    continue
                if text[: found.start()]:  # the app's own line had not ended yet
                    line(name, text[: found.start()])
                mark(found[1], int(found[2]))
    for name, lines in streams.items():
        for text in lines.close():
            line(name, text)
