"""The loop's desk: takes what is asked over the control socket, by key or by verb, to its queue."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from devloop.errors import UserError
from devloop.events import Event
from devloop.loop.decide import inputs as on
from devloop.loop.decide.inputs import Stop
from devloop.report.status import View
from devloop.serve.history import History


class Asked(Protocol):
    """What a loop, or several, are asked through."""

    queue: queue.SimpleQueue[object]

    def names(self) -> tuple[str, ...]:
        """List the services that can be asked for something."""

    def kill(self) -> None:
        """Stop at once."""


class Desk:
    """Hears what the loop tells, and asks the loop for what users want; safe for several threads.

    ``root`` is the project's folder, ``loop`` None until there is one.
    """

    def __init__(self) -> None:
        self.root = ""
        self.history = History()
        self.loop: Asked | None = None
        self._view = View()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._view.take(event)
            self.history(event)

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what is asked; raises ``UserError`` for what cannot be."""
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
        """
        loop, now = self.loop, time.monotonic()
        if loop is None:
            raise UserError("the loop is only just starting", hint="ask again in a moment")
        if service and service not in loop.names():
            hint = f"there is {', '.join(loop.names()) or 'none'}"
            raise UserError(f"no service `{service}` is developed here", hint=hint)
        match what:
            case "restart":
                loop.queue.put(on.RestartAsked(now, service))
            case "rebuild":
                loop.queue.put(on.RebuildAsked(now, service))
            case "jobs":
                loop.queue.put(on.JobsAsked(now, names))
            case "stop":
                loop.queue.put(Stop(0))
            case "kill":
                loop.queue.put(Stop(0))
                threading.Thread(target=loop.kill, daemon=True).start()
            case _:
                hint = "is it the same version of devloop?"
                raise UserError(f"a loop cannot be asked for {what!r}", hint=hint)


def _names(found: object) -> tuple[str, ...]:
    return tuple(str(one) for one in found) if isinstance(found, list) else ()
