"""Somebody who keeps asking the app, so that the figures are what a browser would have seen."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PAUSE = 0.005
PATIENCE = 0.25
"""Seconds after which a request that hangs is given up and made again, as people press reload."""
NOTICED = 0.1
"""Seconds between two answers from which on it is a gap even if no request failed."""


@dataclass(frozen=True)
class Answer:
    """One request: when it was answered or failed (monotonic), and with what, None for failed."""

    at: float
    text: str | None


class Visitor:
    """Asks for the first page a hundred times a second and remembers every answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._answers: list[Answer] = []
        self._told = threading.Condition()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        self._thread.join(15)

    def _visit(self) -> None:
        while not self._leaving.wait(PAUSE):
            answer = self._ask()
            with self._told:
                self._answers.append(answer)
                self._told.notify_all()

    def _ask(self) -> Answer:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            link.request("GET", "/")
            text = link.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return Answer(time.monotonic(), None)
        finally:
            link.close()
        return Answer(time.monotonic(), text)

    def served(self, text: str, since: float, patience: float = 60.0) -> float:
        """Wait for an answer that starts with a text; gives the seconds from ``since`` to it."""
        deadline = time.monotonic() + patience
        with self._told:
            while True:
                for one in reversed(self._answers):
                    if one.at < since:
                        break
                    if one.text is not None and one.text.startswith(text):
                        return self._first(text, since)
                if not self._told.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"nobody answered {text!r} within {patience:.0f} s")

    def _first(self, text: str, since: float) -> float:
        found = (one for one in self._answers if one.at >= since and one.text is not None)
        return next(one.at for one in found if (one.text or "").startswith(text)) - since

    def answers(self, text: str, since: float) -> int:
        """Count the answers with a text since a moment."""
        with self._told:
            return sum(one.at >= since and one.text == text for one in self._answers)

    def silence(self, since: float) -> float:
        """Give the longest gap since a moment: failed requests, or very late answers.

        One more answer is waited for, so that a gap which has not ended yet is counted.
        """
        self.served("", time.monotonic())
        with self._told:
            seen = [one for one in self._answers if one.at >= since]
        longest, last, failed = 0.0, since, False
        for one in seen:
            if one.text is None:
                failed = True
                continue
            gap = one.at - last
            longest = max(longest, gap) if failed or gap > NOTICED else longest
            last, failed = one.at, False
        return longest
