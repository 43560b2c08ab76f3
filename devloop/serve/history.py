"""What a loop has told: kept for those who attach later, handed on to those who are there.

Logs and other events are kept apart, so that a talkative app never hides where the loop is.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devloop import events
from devloop.events import Event

KEPT_EVENTS, KEPT_LOGS = 500, 500
MOST_BEHIND = 200_000
FAREWELL = 1.0

Told = tuple[float, Event]
"""When it was told, in seconds since the epoch, and what."""


class Listener:
    """What one listener has still to hear; ``None`` ends it."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self.left = threading.Event()

    def __iter__(self) -> Iterator[Told]:
        return iter(self.queue.get, None)

    def end(self) -> None:
        """Let the listener go."""
        self.queue.put(None)


class History:
    """A reporter that remembers; safe to use from several threads, and never waits for anybody."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._events: deque[tuple[int, Told]] = deque(maxlen=KEPT_EVENTS)
        self._logs: deque[tuple[int, Told]] = deque(maxlen=KEPT_LOGS)
        self._listening: list[Listener] = []

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._count += 1
            told = (self._clock(), event)
            kept = self._logs if isinstance(event, events.Log) else self._events
            kept.append((self._count, told))
            for one in tuple(self._listening):
                if one.queue.qsize() > MOST_BEHIND:  # it does not read: let it go
                    self._listening.remove(one)
                    one.end()
                else:
                    one.queue.put(told)

    @contextmanager
    def listen(self, *, recent: bool) -> Iterator[Listener]:
        """Give what is told from now on, with what was told before if ``recent``."""
        one = Listener()
        with self._lock:
            for _, told in sorted((*self._events, *self._logs), key=_number) if recent else ():
                one.queue.put(told)
            self._listening.append(one)
        try:
            yield one
        finally:
            with self._lock:
                if one in self._listening:
                    self._listening.remove(one)
            one.left.set()

    @property
    def listening(self) -> int:
        """Say how many listen."""
        return len(self._listening)

    def close(self) -> None:
        """Nothing comes any more: give those who listen a moment to hear the end."""
        with self._lock:
            listening, self._listening = self._listening, []
        for one in listening:
            one.end()
        for one in listening:
            one.left.wait(FAREWELL)


def _number(kept: tuple[int, Told]) -> int:
    return kept[0]
