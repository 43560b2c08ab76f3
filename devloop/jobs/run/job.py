"""Runs one job's steps in shells that wait in the container.

The law: a job's steps run one after the other in one shell, each step in the background in a shell
of its own; what such a step leaves behind counts from when it was waited for. A step is ended by
its name, and with it all that it is made of. Nothing is told before it is masked.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devloop import events, threads
from devloop.errors import ConfigError
from devloop.jobs.expressions.evaluate import ExpressionError
from devloop.jobs.run import shell
from devloop.jobs.run.background import BackgroundStep, BackgroundSteps
from devloop.jobs.run.evaluation import Evaluation
from devloop.jobs.run.output import JobLog
from devloop.jobs.run.scope import EndedStep, Scope
from devloop.jobs.run.steps import StepCall, StepResult, StepRunner, StepShell
from devloop.jobs.run.surroundings import ShellLink
from devloop.jobs.run.termination import Termination
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.schedule.graph import JobOutcome
from devloop.jobs.workflow.model import Step

MINUTE = 60.0
PATIENCE = 1.0
"""After so many seconds it is said what a step waits for."""
LONGEST = 360.0
"""After so many minutes a job or a step has taken too long, unless it says otherwise."""


@dataclass
class JobRun:
    """One run of a job; ``stop`` may be called from any thread.

    ``read`` gives the content of a file of the project, None if there is none.
    """

    order: JobOrder
    host: RunnerContext
    open: Callable[[], ShellLink]
    report: Callable[[events.Event], None]
    hash_files: Callable[..., str] = lambda *_patterns: ""
    read: Callable[[str], bytes | None] = lambda _path: None
    cancelled: bool = False
    abandoned: bool = False

    def __post_init__(self) -> None:
        """Choose the run's folder, its tracking ID and the nonce of its shells' lines."""
        tracking_id = secrets.token_hex(6)
        folder = f"/tmp/devloop-{tracking_id}"  # noqa: S108 - in the container, mode 700
        self._scope = Scope()
        self._termination = Termination(tracking_id, self.open)
        self._log = JobLog(self.order.label, self.host.workspace, self.report)
        self._view = Evaluation(
            self.host, self.order, folder, self.hash_files, lambda: self.cancelled
        )
        self._runner = StepRunner(
            self._view, self._log, self._termination, secrets.token_hex(12), self._steps, self.read
        )
        self._background = BackgroundSteps(self._in_background)
        for value in self.host.secrets.values() if self.order.named else ():
            self._log.masks.add(value)

    # the job

    def __call__(self) -> JobOutcome:
        """Run all steps; gives how the job ended."""
        began = time.monotonic()
        step_shell, outputs = self._open_shell(), dict[str, str]()
        try:
            try:
                outputs = self._job(step_shell)
            except (ExpressionError, ValueError) as error:
                self._complain(str(error))
            self._clean(step_shell)
        finally:
            step_shell.link.close()
        return self._outcome(time.monotonic() - began, outputs)

    def _job(self, step_shell: StepShell) -> dict[str, str]:
        """Run the job within its timeout; gives its outputs, less those that hold a secret."""
        order, view, scope = self.order, self._view, self._scope
        timer = self._timer(view.number(scope, order.job.timeout), self._timed_out)
        try:
            for env in (order.workflow.env, order.job.env):
                view.env |= view.filled(scope, env)
            self._steps(step_shell, scope, order.job.steps)
            self._join(scope, self._background.left())
            found = {key: view.fill(scope, value) for key, value in order.job.outputs}
        finally:
            timer.cancel()
        return {key: value for key, value in found.items() if not self._log.masks.within(value)}

    def _clean(self, step_shell: StepShell) -> None:
        """Kill the processes and remove the files that the run has left, and end its shell."""
        end = shell.end(self._view.folder, self._runner.nonce)
        step_shell.link.send(self._termination.last() + end)
        for _ in step_shell.lines:
            pass

    def _open_shell(self) -> StepShell:
        link = self.open()
        link.send(shell.begin(self._view.folder))
        return StepShell(link, link.lines())

    def _outcome(self, duration: float, outputs: Mapping[str, str]) -> JobOutcome:
        outcome = "failure" if self._scope.failed else "success"
        outcome = "cancelled" if self.cancelled else outcome
        conclusion = self._conclusion(self._scope, outcome, self.order.job.continue_on_error)
        return JobOutcome(outcome, conclusion, outputs, duration, tuple(self._runner.not_run))

    def _conclusion(self, scope: Scope, outcome: str, forgiving: bool | str) -> str:
        forgiven = outcome == "failure" and self._view.flag(scope, forgiving)
        return "success" if forgiven else outcome

    # ending

    def stop(self, *, abandon: bool) -> None:
        """End the steps that run; ``abandon``: no other step runs after them."""

        def decide() -> None:
            self.cancelled = True
            self.abandoned = self.abandoned or abandon

        self._termination.stop(decide)

    def _timed_out(self) -> None:
        self._complain("the job timed out")
        self.stop(abandon=False)

    def _complain(self, text: str) -> None:
        self._scope.failed = True
        self._log.complain(text, self.order.job.location)

    def _timer(self, minutes: float, work: Callable[[], object]) -> threading.Timer:
        failed: threads.Failed = lambda error: self._complain(f"it cannot be ended: {error}")  # noqa: E731
        return threads.later((minutes or LONGEST) * MINUTE, work, failed=failed)

    # steps

    def _steps(self, step_shell: StepShell, scope: Scope, steps: tuple[Step, ...]) -> None:
        """Run steps one after the other; background steps are only started."""
        for at, step in enumerate(steps):
            name = f"{scope.prefix}s{at}"
            if self.abandoned or self._termination.over(name):
                return
            if step.background:
                self._background.launch(scope, step, name)
            elif step.parallel:
                parallel = enumerate(step.parallel)
                group = [self._background.launch(scope, one, f"{name}.s{n}") for n, one in parallel]
                self._control(scope, step, group)
            elif step.run or step.uses:
                scope.record(step, self._step(step_shell, scope, step, name))
            else:
                self._control(scope, step, self._background.meant(step))

    def _step(self, step_shell: StepShell, scope: Scope, step: Step, name: str) -> EndedStep:
        """Run a step if its condition holds."""
        began = time.monotonic()
        with self._termination.running(name):
            outcome, outputs = self._attempt(step_shell, scope, step, name)
        ended = EndedStep(
            outcome, self._conclusion(scope, outcome, step.continue_on_error), outputs
        )
        self._tell(scope, step, ended, time.monotonic() - began)
        return ended

    def _attempt(self, step_shell: StepShell, scope: Scope, step: Step, name: str) -> StepResult:
        try:
            env = self._view.filled(scope, step.env)
            if self._view.holds(scope, step.condition, env):
                return self._limited(StepCall(step_shell, scope, step, name, env))
        except ConfigError as error:
            for problem in error.problems:
                self._log.complain(problem.message, problem.location or step.location)
            return "failure", {}
        except (ExpressionError, ValueError) as error:
            if not self.abandoned:
                self._log.complain(str(error), step.location)
            return "failure", {}
        return "skipped", {}

    def _limited(self, call: StepCall) -> StepResult:
        """Perform a step within its timeout."""
        late = threading.Event()

        def expire() -> None:
            late.set()
            self._termination.end(call.name)

        minutes = self._view.number(call.scope, call.step.timeout)
        timer = self._timer(minutes, expire)
        try:
            outcome, outputs = self._runner.perform(call)
        finally:
            timer.cancel()
        if late.is_set():
            self._log.complain(f"timed out after {minutes:g} minutes", call.step.location)
            return "failure", outputs
        return ("cancelled" if self._termination.over(call.name) else outcome), outputs

    def _tell(self, scope: Scope, step: Step, ended: EndedStep, duration: float) -> None:
        title = self._log.masks.hide(f"{scope.title}{self._titled(scope, step)}")
        row = dict(self.order.row) or None
        forgiven = ended.outcome if ended.outcome != ended.conclusion else None
        self.report(
            events.StepFinished(self.order.name, row, title, ended.conclusion, duration, forgiven)
        )

    def _titled(self, scope: Scope, step: Step) -> str:
        """Give a step's title, evaluated; as it is written if it cannot be evaluated."""
        try:
            return self._view.fill(scope, step.title)
        except ExpressionError:
            return step.title

    # steps in the background

    def _in_background(self, one: BackgroundStep) -> EndedStep:
        """Run a background step in a shell of its own, unless it was cancelled before."""
        if self.abandoned or one.cancelled:
            ended = EndedStep("cancelled", "cancelled")
            self._tell(one.scope, one.step, ended, 0.0)
            return ended
        step_shell = self._open_shell()
        try:
            ended = self._step(step_shell, one.scope, one.step, one.name)
            step_shell.link.send(shell.leave())
        finally:
            step_shell.link.close()
        return ended

    def _control(self, scope: Scope, step: Step, meant: list[BackgroundStep]) -> None:
        """Wait for background steps; ends them first if ``step`` is a ``cancel``."""
        began = time.monotonic()
        for one in meant if step.cancel else ():
            one.cancelled = True
            self._termination.end(one.name)
        outcome = "failure" if self._join(scope, meant) else "success"
        ended = EndedStep(outcome, outcome)
        scope.record(step, ended)
        self._tell(scope, step, ended, time.monotonic() - began)

    def _join(self, scope: Scope, meant: list[BackgroundStep]) -> bool:
        """Wait for steps; says whether one failed."""
        waiting = self._background.wait(meant, PATIENCE)
        if waiting and not self.cancelled:
            names = ", ".join(self._titled(scope, one.step) for one in waiting)
            self._runner.say(f"waiting for what runs in the background: {names}")
        return self._background.join(scope, meant)
