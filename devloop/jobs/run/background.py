"""Steps in the background: set going, ended, waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from devloop import threads
from devloop.jobs.run.scope import EndedStep, Scope, Written
from devloop.jobs.workflow.model import Step

MOST = 10
"""How many run at once: as on GitHub."""


@dataclass
class BackgroundStep:
    """A step in the background; ``scope`` is its own, made when ``before`` had been written."""

    step: Step
    name: str
    scope: Scope
    before: Written
    ended: EndedStep | None = None
    error: Exception | None = None
    thread: threading.Thread | None = None
    cancelled: bool = False


class BackgroundSteps:
    """One job's; ``perform`` runs a step in a shell of its own, or says that it was cancelled."""

    def __init__(self, perform: Callable[[BackgroundStep], EndedStep]) -> None:
        self._perform = perform
        self._slots = threading.Semaphore(MOST)
        self._known: dict[str, BackgroundStep] = {}

    def launch(self, scope: Scope, step: Step, name: str) -> BackgroundStep:
        """Set a step going; it sees what there is now."""
        one = BackgroundStep(step, name, scope.aside(step.id or step.title), scope.written.copy())
        self._known[step.id or name] = one

        def failed(error: Exception) -> None:
            one.error = error  # raised where the step is waited for

        one.thread = threads.spawn(self._run, one, name=name, failed=failed)
        return one

    def _run(self, one: BackgroundStep) -> None:
        with self._slots:
            one.ended = self._perform(one)

    def meant(self, step: Step) -> list[BackgroundStep]:
        """List the steps that one waits for, or ends."""
        if step.wait == ("*",):
            return self.left()
        return [self._known[one] for one in (*step.wait, step.cancel) if one in self._known]

    def left(self) -> list[BackgroundStep]:
        """List the steps that nobody has waited for."""
        return [one for one in self._known.values() if one.thread]

    @staticmethod
    def wait(meant: list[BackgroundStep], patience: float) -> list[BackgroundStep]:
        """Wait for steps, but no longer than these seconds; gives those that still run."""
        deadline = time.monotonic() + patience
        for one in meant:
            if one.thread:
                one.thread.join(max(0.0, deadline - time.monotonic()))
        return [one for one in meant if one.thread and one.thread.is_alive()]

    @staticmethod
    def join(scope: Scope, meant: list[BackgroundStep]) -> bool:
        """Wait for steps, and take what they left behind; says whether one failed."""
        failed = False
        for one in [one for one in meant if one.thread]:
            if one.thread:
                one.thread.join()
            one.thread = None
            if one.error:
                raise one.error
            if one.ended:
                scope.written.join(one.scope.written, one.before)
                scope.record(one.step, one.ended)
                failed = failed or one.ended.conclusion == "failure"
        return failed
