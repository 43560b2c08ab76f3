"""The app started once, without a watcher: until it is ready, and what became of it since."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Self

from devloop import events
from devloop.engine.client import Engine
from devloop.errors import EngineGoneError, HostError, ProjectError
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.executor import Executor
from devloop.model import Project
from devloop.project.state import Wanted

PATIENCE = 120.0
FIRST = 1


class Trial:
    """One container of the app; at its end it is stopped and nothing is left of it."""

    def __init__(
        self,
        engine: Engine,
        project: Project,
        report: Callable[[events.Event], None],
        port_owner: Callable[[int], str],
    ) -> None:
        self._report = report
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._executor = Executor(engine, project, self._queue.put, report, port_owner)
        self._project = project

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the app and remove its container."""
        self._executor.quit()

    def start(self, wanted: Wanted, patience: float = PATIENCE) -> str:
        """Start the app and wait until it is ready; gives its container.

        Raises ``ProjectError`` if it ends or does not answer in ``patience`` seconds, ``HostError``
        if the environment is at fault.
        """
        image = self._project.image(wanted.fingerprint.digest)
        self._executor.run(do.Swap("", FIRST, image, wanted))
        deadline, container, began = time.monotonic() + patience, "", 0.0
        while True:
            match self._next(deadline):
                case on.Swapped() as it:
                    container, began = it.container, it.now
                    self._report(events.AppStarted(it.container, it.image))
                    self._executor.run(do.Probe("", it.container, FIRST))
                case on.AppReady() as it:
                    self._report(events.AppReady(it.url, it.now - began))
                    return container
                case on.AppSlow() as it:
                    self._report(events.Notice(f"the app does not answer yet: {it.hint}"))

    def look(self) -> None:
        """Raise ``ProjectError`` if the app has ended since it was ready."""
        while not self._queue.empty():
            self._sorted_out(self._queue.get())

    def _next(self, deadline: float) -> object:
        """Wait for what happens next, if it is nothing that fails."""
        try:
            it = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise ProjectError(
                "the app does not answer",
                hint="does it listen on 0.0.0.0 and on the port that is published?",
            ) from None
        return self._sorted_out(it)

    def _sorted_out(self, it: object) -> object:
        match it:
            case on.AppExited():
                self._report(events.AppExited(it.code))
                raise ProjectError(f"the app exited with code {it.code}", hint="see its log")
            case on.SwapFailed():
                kind = ProjectError if it.fatal is None else HostError
                raise kind(it.message, hint=it.hint)
            case on.EngineLost():
                raise EngineGoneError("the engine is gone", hint="start it again")
            case Exception():
                raise it
        return it
