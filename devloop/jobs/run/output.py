"""Reports a step's output: its workflow commands are carried out, its secrets hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from devloop import events
from devloop.jobs.run import commands, problem_matchers
from devloop.jobs.run.masks import Masks
from devloop.model import Part


@dataclass(frozen=True)
class JobLog:
    """Reports the lines and problems of a job, secrets hidden.

    ``label`` is the job's, ``workspace`` the mount's path in the container.
    """

    label: str
    workspace: str
    report: Callable[[events.Event], None]
    masks: Masks = field(default_factory=Masks)

    def of(self, log: str) -> JobLog:
        """Give the log of a background step, labelled ``job/log``; this one if ``log`` is empty."""
        return replace(self, label=f"{self.label}/{self.masks.hide(log)}") if log else self

    def say(self, text: str, group: str = "") -> None:
        """Report a line, as one of ``group`` if that is not empty."""
        inside = self.masks.hide(group) or None
        self.report(events.Log(self.label, "stdout", self.masks.hide(text), inside))

    def annotate(
        self,
        level: str,
        text: str,
        path: str | None = None,
        line: int | None = None,
        col: int | None = None,
        title: str | None = None,
    ) -> None:
        """Report a problem; ``line`` and ``col`` count from 1."""
        shown = self.masks.hide(text)
        title = self.masks.hide(title) if title else None
        self.report(
            events.Annotation(self.label, level, shown, path, line or None, col or None, title)
        )

    def complain(self, text: str, location: str, level: str = "error") -> None:
        """Report a problem at ``location``, which is ``path:line:column``."""
        path, line, col = [*location.rsplit(":", 2), "", ""][:3]
        self.annotate(level, text, path or None, int(line or 0), int(col or 0))


class JobOutput:
    """The output of one step, line by line; ``directory`` is where it runs."""

    def __init__(self, log: JobLog, directory: str) -> None:
        self._log = log
        self._directory = directory
        self._stream = commands.Stream()
        self._matchers = problem_matchers.Matchers()
        self._group = ""
        self._held = ""

    def line(self, text: str) -> None:
        """Take a line."""
        log = self._log
        command = self._stream.read(text)
        if command is None:
            self._said(text)
        elif command.name in commands.LEVELS:
            self._annotation(command)
        elif command.name == "add-mask":
            log.masks.add(command.text)
        elif command.name == "group":
            log.say(command.text)
            self._group = command.text
        elif command.name == "endgroup":
            self._group = ""

    def _said(self, text: str) -> None:
        """Report a line; the end of a cut one waits for its rest: a secret may span both."""
        hidden = self._log.masks.hide(self._held + text)
        at = len(hidden) - (self._log.masks.longest if isinstance(text, Part) else 0)
        shown, self._held = hidden[: max(at, 0)], hidden[max(at, 0) :]
        self._log.say(shown, self._group)
        if problem := self._matchers.read(shown):
            path = problem_matchers.on_host(problem.file, self._log.workspace, self._directory)
            self._log.annotate(problem.level, problem.message, path, problem.line, problem.col)

    def _annotation(self, command: commands.WorkflowCommand) -> None:
        name, root = command.properties.get("file", ""), self._log.workspace
        file = problem_matchers.on_host(name, root, root) if name else None
        line, col = command.number("line"), command.number("col")
        title = command.properties.get("title")
        self._log.annotate(command.name, command.text, file, line, col, title)

    def close(self) -> None:
        """Report what was held back."""
        if self._held:
            self._log.say(self._held, self._group)
