"""Background steps: started in threads, waited for, their results joined into the job's scope."""

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
    """A background step; ``scope`` is its own, ``before`` what had been written at its start."""

    step: Step
    name: str
    scope: Scope
    before: Written
    ended: EndedStep | None = None
    error: Exception | None = None
    thread: threading.Thread | None = None
    cancelled: bool = False


class BackgroundSteps:
    """The background steps of one job; ``perform`` runs one in a shell of its own."""

    def __init__(self, perform: Callable[[BackgroundStep], EndedStep]) -> None:
        self._perform = perform
        self._slots = threading.Semaphore(MOST)
        self._known: dict[str, BackgroundStep] = {}

    def launch(self, scope: Scope, step: Step, name: str) -> BackgroundStep:
        """Start a step in a thread, with a copy of the scope as it is now."""
        one = BackgroundStep(
            step, name, scope.in_background(step.id or step.title), scope.written.copy()
        )
        self._known[step.id or name] = one

        def failed(error: Exception) -> None:
            one.error = error  # raised where the step is waited for

        one.thread = threads.spawn(self._run, one, name=name, failed=failed)
        return one

    def _run(self, one: BackgroundStep) -> None:
        with self._slots:
            one.ended = self._perform(one)

    def meant(self, step: Step) -> list[BackgroundStep]:
        """List the background steps that a ``wait`` or ``cancel`` step names."""
        if step.wait == ("*",):
            return self.left()
        return [self._known[one] for one in (*step.wait, step.cancel) if one in self._known]

    def left(self) -> list[BackgroundStep]:
        """List the background steps that no step has waited for yet."""
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
        """Wait for steps and join what they wrote into ``scope``; says whether one failed.

        Raises the error by which a step broke off.
        """
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
