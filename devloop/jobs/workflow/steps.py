"""Nodes → ``Step``: what a job does, and what an action does in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from devloop.errors import Problem
from devloop.jobs.workflow.model import Step
from devloop.jobs.workflow.values import IDENTIFIER, Values
from devloop.yaml.nodes import YamlNode

Readers = Mapping[str, Callable[[YamlNode], Any]]

CONTROL = ("wait", "wait-all", "cancel", "parallel")
"""Steps that do nothing of their own: they steer those in the background."""
KINDS = ("run", "uses", *CONTROL)
OF_CONTROL = ("id", "name")
FIELDS = {
    "if": "condition",
    "working_directory": "directory",
    "with": "inputs",
    "timeout_minutes": "timeout",
}


class Steps(Values):
    """Reads a list of steps; ``contexts`` are those that their expressions may use."""

    contexts: ClassVar[tuple[str, ...]]

    def steps(self, node: YamlNode) -> tuple[Step, ...]:
        """Read steps, and see that their names can be told apart and are there to be waited for."""
        found = self.items(node, self.step)
        known: set[str] = set()
        background: set[str] = set()
        for step, beside in _flat(found):
            for name in (*step.wait, step.cancel):
                if name not in ("", "*") and name not in background:
                    self._misplaced(step, f"there is no earlier background step `{name}`")
            if step.id.lower() in known:
                self._misplaced(step, f"there is another step `{step.id}`")
            known |= {step.id.lower()} if step.id else set()
            background |= {step.id} if step.background or beside else set()
        return found

    def _misplaced(self, step: Step, text: str) -> None:
        self.problems.append(Problem(text, location=step.location))

    def step(self, node: YamlNode) -> Step:
        """Read one step."""
        found = self.table(node, "the step", self.step_readers())
        self.kind(node)
        if "wait_all" in found:
            found["wait"] = found.pop("wait_all")
        kept = {FIELDS.get(key, key): value for key, value in found.items()}
        return Step(f"{self.path}:{node.line}:{node.column}", **kept)  # type: ignore[arg-type]

    def step_readers(self) -> Readers:
        """Say how the keys of a step are read."""
        seen = self.contexts
        return {
            "id": self.identifier,
            "name": lambda one: self.template(one, seen),
            "if": lambda one: self.condition(one, tuple(x for x in seen if x != "secrets")),
            "run": lambda one: self.template(one, seen),
            "uses": self.text,
            "with": lambda one: self.env(one, seen),
            "shell": self.shell,
            "working-directory": lambda one: self.template(one, seen),
            "env": lambda one: self.env(one, seen),
            "continue-on-error": lambda one: self.flag(one, seen),
            "timeout-minutes": lambda one: self.minutes(one, seen),
            "background": self.boolean,
            "wait": self.names,
            "wait-all": self.wait_all,
            "cancel": self.text,
            "parallel": self.parallel,
        }

    def kind(self, node: YamlNode) -> None:
        """See that a step does one thing, and has no key that means nothing for it."""
        if not isinstance(node.value, Mapping):
            return
        kinds = [key for key in KINDS if key in node.value]
        if len(kinds) != 1:
            if not self.problems:
                self.problem(
                    node, "a step needs one of run, uses, wait, wait-all, cancel and parallel"
                )
            return
        for key, one in node.value.items():
            if kinds[0] in CONTROL and key not in (kinds[0], *OF_CONTROL):
                self.problem(one, f"`{key}` means nothing beside `{kinds[0]}`", "leave it out")

    def parallel(self, node: YamlNode) -> tuple[Step, ...]:
        """Read steps that run side by side: each does something, and is waited for anyway."""
        for one in node.value if isinstance(node.value, tuple) else ():
            for key in (*CONTROL, "background"):
                if isinstance(one.value, Mapping) and key in one.value:
                    self.problem(one.value[key], f"`{key}` cannot stand inside `parallel`")
        return self.items(node, self.step)

    def wait_all(self, node: YamlNode) -> tuple[str, ...]:
        """Read what is written with nothing after it, or true or false."""
        if node.value is not None and not isinstance(node.value, bool):
            self.problem(node, f"wait-all takes nothing, not {node.kind}", "write `wait-all:`")
        return () if node.value is False else ("*",)

    def names(self, node: YamlNode) -> tuple[str, ...]:
        """Read a name or a list of names."""
        return self.texts(node) if isinstance(node.value, tuple) else (self.text(node),)

    def identifier(self, node: YamlNode) -> str:
        """Read the id of a step."""
        text = self.text(node)
        if text and not IDENTIFIER.fullmatch(text):
            self.problem(node, f"`{text}` is no id", "use letters, digits, - and _")
        return text

    def shell(self, node: YamlNode) -> str:
        """Read a shell that can run a script."""
        text = self.template(node, self.contexts)
        if text not in ("bash", "sh", "python", "") and "{0}" not in text and "${{" not in text:
            self.problem(
                node, f"the shell `{text}` needs {{0}} for the script", "known are bash, sh, python"
            )
        return text

    def boolean(self, node: YamlNode) -> bool:
        """Read true or false."""
        if not isinstance(node.value, bool):
            self.problem(node, f"true or false is needed here, not {node.kind}")
        return bool(node.value)


def _flat(steps: tuple[Step, ...], *, beside: bool = False) -> Iterator[tuple[Step, bool]]:
    """List all steps, and whether each runs beside others of a group."""
    for step in steps:
        yield step, beside
        yield from _flat(step.parallel, beside=True)
