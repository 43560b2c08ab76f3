"""The events of a loop: kept for clients that attach later, passed on to attached ones.

Logs and other events are kept in queues of their own, so that many log lines push no event out.
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
"""When an event was reported, in seconds since the epoch, and the event."""


class Listener:
    """The events that wait for one client; ``None`` ends them."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self.left = threading.Event()

    def __iter__(self) -> Iterator[Told]:
        return iter(self.queue.get, None)

    def end(self) -> None:
        """End the client's events, after those that wait."""
        self.queue.put(None)


class History:
    """A reporter that keeps events; safe for several threads, and never blocks on a client."""

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
        """Attach a client: it gets all events from now on, with ``recent`` the kept ones first."""
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
        """Count the attached clients."""
        return len(self._listening)

    def close(self) -> None:
        """End the events of all clients; waits up to ``FAREWELL`` seconds for each to read them."""
        with self._lock:
            listening, self._listening = self._listening, []
        for one in listening:
            one.end()
        for one in listening:
            one.left.wait(FAREWELL)


def _number(kept: tuple[int, Told]) -> int:
    return kept[0]
