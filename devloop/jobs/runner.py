"""Runs one job's steps in a shell that waits in the container.

The shell is opened by whoever owns the container. Nothing is told before it is masked.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from devloop import events
from devloop.jobs import commands, contexts, problem_matchers, shell, templates, uses
from devloop.jobs.contexts import Host, Order
from devloop.jobs.expressions import ExpressionError, Function
from devloop.jobs.expressions_values import truthy
from devloop.jobs.graph import Outcome
from devloop.jobs.masks import Masks
from devloop.jobs.workflow import Step

MINUTE = 60.0


class Talk(Protocol):
    """A POSIX shell in the container that reads its commands from us."""

    def send(self, text: str) -> None:
        """Give it commands."""

    def lines(self) -> Iterator[str]:
        """Yield its output until it ends."""

    def close(self) -> None:
        """End the connection."""


@dataclass
class Run:
    """One run of a job; ``stop`` may be called from any thread."""

    order: Order
    host: Host
    open: Callable[[], Talk]
    report: Callable[[events.Event], None]
    hash_files: Callable[..., str] = lambda *_patterns: ""
    cancelled: bool = False
    abandoned: bool = False
    masks: Masks = field(default_factory=Masks)

    def __post_init__(self) -> None:
        """Give the run the name of its folder, and the nonce of its shell's lines."""
        self._track = secrets.token_hex(6)
        self._nonce = secrets.token_hex(12)
        self._folder = f"/tmp/devloop-{self._track}"  # noqa: S108 - in the container, mode 700
        self._groups: set[int] = set()
        self._failed = False
        self._group = ""
        self._env: dict[str, str] = {}
        self._paths: list[str] = []
        self._steps: dict[str, Any] = {}
        self._not_run: list[str] = []
        for value in self.host.secrets.values() if self.order.named else ():
            self.masks.add(value)

    def stop(self, *, abandon: bool) -> None:
        """End the step that runs; ``abandon``: no other step runs after it."""
        self.cancelled = True
        self.abandoned = self.abandoned or abandon
        self._kill()

    def _kill(self) -> None:
        talk = self.open()
        try:
            talk.send(shell.kill(self._track, tuple(self._groups), gently=True) + "exit\n")
            for _ in talk.lines():
                pass
        finally:
            talk.close()

    def __call__(self) -> Outcome:
        """Run all steps; gives how the job ended."""
        began = time.monotonic()
        talk = self.open()
        timer = self._timer(self.order.job.timeout, self._job_timed_out)
        outputs: dict[str, str] = {}
        try:
            talk.send(shell.begin(self._folder))
            self._lines = talk.lines()
            for at, step in enumerate(self.order.job.steps):
                if self.abandoned:
                    break
                self._step(talk, step, f"s{at}")
            outputs = self._outputs()
            talk.send(shell.kill(self._track, tuple(self._groups), gently=False))
            talk.send(shell.end(self._folder, self._nonce))
            for _ in self._lines:
                pass
        except (ExpressionError, ValueError) as error:
            self._complain(str(error), self.order.job.location)
        finally:
            timer.cancel()
            talk.close()
        return self._outcome(time.monotonic() - began, outputs)

    def _outcome(self, duration: float, outputs: Mapping[str, str]) -> Outcome:
        outcome = "failure" if self._failed else "success"
        outcome = "cancelled" if self.cancelled else outcome
        forgiven = outcome == "failure" and self._flag(self.order.job.continue_on_error)
        conclusion = "success" if forgiven else outcome
        return Outcome(outcome, conclusion, outputs, duration, tuple(self._not_run))

    def _job_timed_out(self) -> None:
        self._complain("the job timed out", self.order.job.location)
        self.stop(abandon=False)

    # steps

    def _step(self, talk: Talk, step: Step, name: str) -> None:
        began = time.monotonic()
        try:
            runs = templates.holds(step.condition, self._seen(), self._functions())
            outcome, outputs = self._perform(talk, step, name) if runs else ("skipped", {})
        except (ExpressionError, ValueError) as error:
            self._complain(str(error), step.location)
            outcome, outputs = "failure", {}
        forgiven = outcome == "failure" and self._flag(step.continue_on_error)
        conclusion = "success" if forgiven else outcome
        self._failed = self._failed or conclusion == "failure"
        if step.id:
            found = {"outputs": outputs, "outcome": outcome, "conclusion": conclusion}
            self._steps[step.id] = found
        self.report(
            events.StepFinished(
                self.order.name,
                dict(self.order.row) or None,
                self.masks.hide(self._fill(step.title)),
                conclusion,
                time.monotonic() - began,
                outcome if outcome != conclusion else None,
            )
        )

    def _perform(self, talk: Talk, step: Step, name: str) -> tuple[str, dict[str, str]]:
        if step.run:
            return self._run(talk, step, name)
        if not step.uses:
            raise ValueError("background, wait, cancel and parallel are not run by this version")
        inputs = {key: self._fill(value) for key, value in step.inputs}
        how = uses.fulfilled(step.uses, inputs)
        if how:
            self._say(f"{step.uses} is fulfilled: {how}")
            return "success", uses.outputs(step.uses)
        self._not_run.append(step.uses)
        self._say(f"{step.uses} is not run here")
        return "skipped", {}

    def _run(self, talk: Talk, step: Step, name: str) -> tuple[str, dict[str, str]]:
        flow, job = self.order.workflow.defaults, self.order.job.defaults
        words = shell.argv(self._fill(step.shell) or job.shell or flow.shell)
        place = self._fill(step.directory) or job.directory or flow.directory
        directory = contexts.directory(self.host.workspace, place)
        env = self._environment(step, name)
        text = shell.step(
            self._folder,
            name,
            self._nonce,
            words,
            self._fill(step.run, env),
            directory,
            env,
            tuple(self._paths),
        )
        late = threading.Event()

        def expire() -> None:
            late.set()
            self._kill()

        timer = self._timer(step.timeout, expire)
        try:
            talk.send(text)
            code, files = self._listen(directory)
        finally:
            timer.cancel()
        if late.is_set():
            self._complain(f"timed out after {step.timeout} minutes", step.location)
        if code == shell.NO_PROGRAM and words[0] == "bash":
            self._say(shell.NO_BASH)
        self._take(files)
        outputs = commands.pairs(files.get("output", ""))
        if self.cancelled:
            return "cancelled", outputs
        return ("failure" if code or late.is_set() else "success"), outputs

    def _environment(self, step: Step, name: str) -> dict[str, str]:
        base = f"{self._folder}/{name}"
        found = contexts.variables(self._contexts(), self.order, base, step.id or name)
        for env in (self.order.workflow.env, self.order.job.env):
            found |= {key: self._fill(value, found) for key, value in env}
        found |= self._env
        found |= {key: self._fill(value, found) for key, value in step.env}
        return {**found, shell.TRACK: f"{self._track}.{name}"}

    def _listen(self, directory: str) -> tuple[int, dict[str, str]]:
        """Read a step's output to its end; gives its exit code and the files that it wrote."""
        stream, matchers = commands.Stream(), problem_matchers.Matchers()
        mark = re.compile(rf"{self._nonce} (pid|exit|file|end) ?(\w*)$")
        code, files, current, ended = 1, dict[str, list[str]](), "", False
        for line in self._lines:
            found = mark.search(line)
            if found is None:
                if current:
                    files[current].append(line)
                elif not ended:
                    self._line(line, stream, matchers, directory)
                continue
            if line[: found.start()] and not ended:
                self._line(line[: found.start()], stream, matchers, directory)
            match found[1]:
                case "pid":
                    self._groups.add(int(found[2]))
                    if self.cancelled:  # it was asked for before there was a process
                        threading.Thread(target=self._kill, daemon=True).start()
                case "exit":
                    code, ended = int(found[2]), True
                case "file":
                    current = found[2]
                    files[current] = []
                case _:
                    self._group = ""
                    return code, {kind: "\n".join(text) for kind, text in files.items()}
        self._complain("the container went away", self.order.job.location)
        return 1, {}

    def _take(self, files: Mapping[str, str]) -> None:
        self._env |= commands.pairs(files.get("env", ""))
        added = [line for line in files.get("path", "").splitlines() if line]
        self._paths = [*reversed(added), *self._paths]

    # output

    def _line(
        self,
        line: str,
        stream: commands.Stream,
        matchers: problem_matchers.Matchers,
        directory: str,
    ) -> None:
        command = stream.read(line)
        if command is None:
            self._say(line)
            if problem := matchers.read(line):
                path = problem_matchers.on_host(problem.file, self.host.workspace, directory)
                self._annotate(problem.level, problem.message, path, problem.line, problem.col)
        elif command.name in commands.LEVELS:
            name = command.properties.get("file", "")
            root = self.host.workspace
            file = problem_matchers.on_host(name, root, root) if name else None
            line_number, col = command.number("line"), command.number("col")
            self._annotate(command.name, command.text, file, line_number, col)
        elif command.name == "add-mask":
            self.masks.add(command.text)
        elif command.name == "group":
            self._say(command.text)
            self._group = command.text
        elif command.name == "endgroup":
            self._group = ""

    def _say(self, text: str) -> None:
        group = self.masks.hide(self._group) or None
        self.report(events.Log(self.order.label, "stdout", self.masks.hide(text), group))

    def _annotate(
        self, level: str, text: str, path: str | None, line: int | None, col: int | None
    ) -> None:
        shown = self.masks.hide(text)
        self.report(
            events.Annotation(self.order.label, level, shown, path, line or None, col or None)
        )

    def _complain(self, text: str, location: str) -> None:
        self._failed = True
        path, _, place = location.partition(":")
        line, _, col = place.partition(":")
        self._annotate("error", text, path, int(line), int(col))

    # expressions

    def _contexts(self) -> dict[str, Any]:
        return contexts.of_job(self.host, self.order, self._folder)

    def _seen(self, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        status = "failure" if self._failed else "success"
        job = {"status": "cancelled" if self.cancelled else status}
        return {**self._contexts(), "env": env or self._env, "steps": self._steps, "job": job}

    def _functions(self) -> dict[str, Function]:
        return {
            "success": lambda: not self._failed and not self.cancelled,
            "failure": lambda: self._failed and not self.cancelled,
            "always": lambda: True,
            "cancelled": lambda: self.cancelled,
            "hashFiles": self.hash_files,
        }

    def _fill(self, text: str, env: Mapping[str, str] | None = None) -> str:
        return templates.fill(text, self._seen(env), self._functions())

    def _flag(self, value: bool | str) -> bool:
        return truthy(templates.value(value, self._seen()))

    def _outputs(self) -> dict[str, str]:
        """Give the job's outputs, less those that hold a secret."""
        found = {key: self._fill(value) for key, value in self.order.job.outputs}
        return {key: value for key, value in found.items() if not self.masks.within(value)}

    def _timer(self, minutes: float | str, work: Callable[[], object]) -> threading.Timer:
        value = templates.value(minutes, self._seen())
        seconds = float(value or 360) * MINUTE
        timer = threading.Timer(seconds, work)
        timer.daemon = True
        timer.start()
        return timer
