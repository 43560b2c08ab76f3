"""Performs one step: its script in a shell that waits in the container, or what it uses."""

from __future__ import annotations

import posixpath
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from devloop.jobs.run import commands, shell
from devloop.jobs.run.evaluation import Evaluation
from devloop.jobs.run.output import JobLog, JobOutput
from devloop.jobs.run.scope import Scope
from devloop.jobs.run.surroundings import ShellLink
from devloop.jobs.run.termination import Termination
from devloop.jobs.schedule import contexts
from devloop.jobs.workflow import action_file, uses
from devloop.jobs.workflow.action_file import ActionFile
from devloop.jobs.workflow.model import Step

StepResult = tuple[str, Mapping[str, str]]
"""An outcome and outputs."""


@dataclass
class StepShell:
    """A shell in the container, and its output lines that have not been read yet."""

    link: ShellLink
    lines: Iterator[str]


@dataclass(frozen=True)
class StepCall:
    """A step that is to be performed; ``env`` is its own, evaluated."""

    step_shell: StepShell
    scope: Scope
    step: Step
    name: str
    env: Mapping[str, str]


@dataclass
class StepRunner:
    """Performs the steps of one job run.

    ``steps`` runs the steps of an action, ``read`` gives the content of a file of the project.

    Lines of the shell that bear the ``nonce`` are the runner's own. ``not_run`` collects what
    cannot be run here.
    """

    view: Evaluation
    log: JobLog
    termination: Termination
    nonce: str
    steps: Callable[[StepShell, Scope, tuple[Step, ...]], None]
    read: Callable[[str], bytes | None]
    not_run: list[str] = field(default_factory=list)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def perform(self, call: StepCall) -> StepResult:
        """Perform a step; raises ``ValueError`` or ``ConfigError`` if that cannot be done."""
        step = call.step
        if step.run:
            return self._run(call)
        given = {key.lower(): self._fill(call, value) for key, value in step.inputs}
        folder = uses.local(step.uses)
        if folder is not None:
            return self._use(call, folder, given)
        how = uses.fulfilled(step.uses, given)
        if how:
            self.say(f"{step.uses} is fulfilled: {how}")
            return "success", uses.outputs(step.uses)
        return self._left_out(step.uses)

    def say(self, text: str) -> None:
        """Report a line of the runner's own."""
        with self._telling:
            self.log.say(text)

    def _fill(self, call: StepCall, text: str) -> str:
        return self.view.fill(call.scope, text, call.env)

    def _left_out(self, what: str, why: str = "") -> StepResult:
        self.not_run.append(what)
        self.say(f"{what} is not run here{why}")
        return "skipped", {}

    # scripts

    def _run(self, call: StepCall) -> StepResult:
        """Run a script; what it wrote for later steps goes into its scope."""
        words, place = self._where(call)
        directory = contexts.directory(self.log.workspace, place)
        text = shell.step(
            self.view.folder,
            call.name,
            self.nonce,
            words,
            self._fill(call, call.step.run),
            directory,
            self._variables(call),
            tuple(call.scope.written.paths),
        )
        code, files = self._script(call, text, JobOutput(self.log.of(call.scope.log), directory))
        if code == shell.NO_PROGRAM and words[0] == "bash":
            self.say(shell.NO_BASH)
        call.scope.written.take(files)
        return ("failure" if code else "success"), commands.pairs(files.get("output", ""))

    def _where(self, call: StepCall) -> tuple[tuple[str, ...], str]:
        """Give a script's shell and directory; the defaults of a job are not an action's."""
        chosen, place = self._fill(call, call.step.shell), self._fill(call, call.step.directory)
        if not call.scope.action:
            for defaults in (self.view.order.job.defaults, self.view.order.workflow.defaults):
                chosen, place = chosen or defaults.shell, place or defaults.directory
        return shell.argv(chosen), place

    def _variables(self, call: StepCall) -> dict[str, str]:
        base = f"{self.view.folder}/{call.name}"
        action = call.step.id or call.name
        given = contexts.variables(self.view.shared(call.scope), self.view.order, base, action)
        written = self.view.variables(call.scope, call.env)
        return {**given, **written, shell.TRACKING_ID: self.termination.tracking_id(call.name)}

    def _script(self, call: StepCall, text: str, output: JobOutput) -> tuple[int, dict[str, str]]:
        """Have the shell run a script; gives its exit code and the files that it wrote."""
        with self.termination.script(call.name):
            call.step_shell.link.send(text)
            try:
                return self._listen(call, output)
            finally:
                with self._telling:
                    output.close()

    def _listen(self, call: StepCall, output: JobOutput) -> tuple[int, dict[str, str]]:
        """Read a script's output to its end; raises ``ValueError`` if that never comes."""
        mark = re.compile(rf"{self.nonce} (pid|exit|file|end) ?(\w*)$")
        code, files, current, ended = 1, dict[str, list[str]](), "", False
        for line in call.step_shell.lines:
            found = mark.search(line)
            said = line[: found.start()] if found else line
            if current and not found:
                files[current].append(line)
            elif not ended and (said or not found):
                with self._telling:
                    output.line(said)
            match found and found[1], found and found[2]:
                case "pid", str(number):
                    self.termination.begun(call.name, int(number))
                case "exit", str(number):
                    code, ended = int(number), True
                case "file", str(kind):
                    current = kind
                    files[current] = []
                case "end", _:
                    return code, {kind: "\n".join(text) for kind, text in files.items()}
                case _:
                    pass
        raise ValueError("the container went away")

    # actions

    def _use(self, call: StepCall, folder: str, given: Mapping[str, str]) -> StepResult:
        """Run the steps of an action of the project in the place of a step."""
        name, scope = call.step.uses, call.scope
        action = self._action(folder, name)
        if action.using != action_file.COMPOSITE:
            return self._left_out(name, f": it needs {action.using}")
        inner = scope.inside(
            call.name,
            f"{scope.title}{self._fill(call, call.step.title)}",
            contexts.directory(self.log.workspace, folder),
            self._inputs(call, action, given),
            {**scope.env, **call.env},
        )
        self.steps(call.step_shell, inner, action.steps)
        outputs = {key: self.view.fill(inner, value) for key, value in action.outputs}
        return ("failure" if inner.failed else "success"), outputs

    def _action(self, folder: str, name: str) -> ActionFile:
        where = posixpath.normpath(folder)
        if where == ".." or where.startswith(("../", "/")):
            raise ValueError(f"{name} lies outside the project")
        for one in action_file.NAMES:
            path = posixpath.normpath(posixpath.join(where, one))
            content = self.read(path)
            if content is not None:
                return action_file.load(content, path)
        raise ValueError(f"there is no action.yml in {name}")

    def _inputs(
        self, call: StepCall, action: ActionFile, given: Mapping[str, str]
    ) -> dict[str, str]:
        """Give an action what it asks for; what is wrong with that is a warning, as on GitHub."""
        name, found = call.step.uses, {}
        for one in sorted(set(given) - set(action.inputs)):
            known = ", ".join(action.inputs) or "none"
            self._warn(call, f"{name} has no input `{one}`: there are {known}")
        for key, asked in action.inputs.items():
            if asked.required and asked.default is None and key not in given:
                self._warn(call, f"{name} needs the input `{key}`")
            found[key] = given.get(key, self.view.fill(call.scope, asked.default or ""))
        return found

    def _warn(self, call: StepCall, text: str) -> None:
        self.log.complain(text, call.step.location, "warning")
