"""Requests to a loop, by the control socket or a key: answered, or put into its queue."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from devloop import threads
from devloop.errors import UserError
from devloop.events import Event
from devloop.loop.decide import inputs as on
from devloop.report.status import Status
from devloop.serve.history import History


class Askable(Protocol):
    """What requests need of a loop, or of the loops of several services."""

    def post(self, happened: on.AnyInput) -> None:
        """Put an input into the loop's queue."""

    def names(self) -> tuple[str, ...]:
        """List the services that requests may name."""

    def kill(self) -> None:
        """Kill the containers at once, without a grace."""


class Requests:
    """Keeps the loop's events and status, and turns users' requests into inputs; thread-safe.

    ``root`` is the project's folder, ``loop`` None until there is one.
    """

    def __init__(self) -> None:
        self.root = ""
        self.history = History()
        self.loop: Askable | None = None
        self._view = Status()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._view.take(event)
            self.history(event)

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request; raises ``UserError`` for one that is unknown or cannot be done."""
        ask = str(request.get("ask"))
        if ask == "attach":
            return {"pid": os.getpid()}
        if ask == "status":
            with self._lock:
                return {"status": {"root": self.root, "pid": os.getpid(), **self._view.as_json()}}
        self.ask(ask, _names(request.get("names")), str(request.get("service") or ""))
        return {}

    def ask(self, what: str, names: tuple[str, ...] = (), service: str = "") -> None:
        """Have the loop do something: restart, rebuild, jobs, stop, kill.

        ``names`` are those of jobs; ``service`` is the one to restart or rebuild, empty for all.

        Raises ``UserError`` before there is a loop, for an unknown service or wish.
        """
        loop, now = self.loop, time.monotonic()
        if loop is None:
            raise UserError("the loop is only just starting", hint="ask again in a moment")
        if service and service not in loop.names():
            hint = f"there is {', '.join(loop.names()) or 'none'}"
            raise UserError(f"no service `{service}` is developed here", hint=hint)
        meant = service or None
        match what:
            case "restart":
                loop.post(on.RestartAsked(now, meant))
            case "rebuild":
                loop.post(on.RebuildAsked(now, meant))
            case "jobs":
                loop.post(on.JobsAsked(now, names))
            case "stop":
                loop.post(on.StopAsked(now, 0))
            case "kill":
                loop.post(on.StopAsked(now, 0))
                threads.spawn(loop.kill, failed=lambda _error: None)
            case _:
                hint = "is it the same version of devloop?"
                raise UserError(f"a loop cannot be asked for {what!r}", hint=hint)


def _names(found: object) -> tuple[str, ...]:
    return tuple(str(one) for one in found) if isinstance(found, list) else ()
