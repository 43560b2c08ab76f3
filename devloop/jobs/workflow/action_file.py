"""action.yml → ``ActionFile``: what a local action asks for, does and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from devloop.errors import ConfigError, Problem
from devloop.jobs.workflow.model import Env, Step
from devloop.jobs.workflow.steps import Readers, Steps
from devloop.yaml import nodes
from devloop.yaml.nodes import YamlNode

NAMES = ("action.yml", "action.yaml")
COMPOSITE = "composite"
JOB_LEVEL = ("background", "wait", "wait-all", "cancel", "parallel", "timeout-minutes")
"""What only a job's own steps may say."""


@dataclass(frozen=True)
class ActionInput:
    """What an action asks for; ``default`` may hold expressions, None: there is none."""

    default: str | None = None
    required: bool = False


@dataclass(frozen=True)
class ActionFile:
    """An action; ``using`` other than composite has no steps that could be run here."""

    using: str
    inputs: Mapping[str, ActionInput] = field(default_factory=dict)
    outputs: Env = ()
    steps: tuple[Step, ...] = ()


def load(content: bytes, path: str) -> ActionFile:
    """Read an action's file; raises ``ConfigError`` with all its problems."""
    reader = _ActionGrammar(path)
    found = reader.action(nodes.parse(content, path))
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=Problem.place)))
    return found


class _ActionGrammar(Steps):
    contexts: ClassVar[tuple[str, ...]] = (
        "github", "inputs", "strategy", "matrix", "env", "job", "runner", "steps",
    )  # fmt: skip

    def action(self, root: YamlNode) -> ActionFile:
        runs = root.value.get("runs") if isinstance(root.value, Mapping) else None
        using = runs.value.get("using") if runs and isinstance(runs.value, Mapping) else None
        if using is None:
            self.problem(runs or root, "an action needs runs.using", "write `using: composite`")
            return ActionFile("")
        if using.text != COMPOSITE:
            return ActionFile(using.text)
        readers: Readers = {
            "name": self.text,
            "description": lambda _node: None,
            "author": lambda _node: None,
            "branding": lambda _node: None,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "runs": self.runs,
        }
        found = self.table(root, "the action", readers)
        return ActionFile(COMPOSITE, found.get("inputs") or {}, *self._rest(found))  # type: ignore[arg-type]

    @staticmethod
    def _rest(found: Mapping[str, object]) -> tuple[Env, tuple[Step, ...]]:
        return found.get("outputs") or (), found.get("runs") or ()  # type: ignore[return-value]

    def inputs(self, node: YamlNode) -> dict[str, ActionInput]:
        return {name.lower(): self.input(one) for name, one in self.named(node, "inputs")}

    def input(self, node: YamlNode) -> ActionInput:
        if not isinstance(node.value, Mapping):
            return ActionInput()
        default, required = node.value.get("default"), node.value.get("required")
        text = None if default is None else self.scalar(default, ("github", "runner", "env"))
        return ActionInput(text, required is not None and required.text == "true")

    def outputs(self, node: YamlNode) -> Env:
        found = []
        for name, one in self.named(node, "outputs"):
            value = one.value.get("value") if isinstance(one.value, Mapping) else None
            if value is None:
                self.problem(one, f"the output `{name}` needs a value")
            else:
                found.append((name, self.scalar(value, self.contexts)))
        return tuple(found)

    def named(self, node: YamlNode, what: str) -> tuple[tuple[str, YamlNode], ...]:
        if isinstance(node.value, Mapping):
            return tuple(node.value.items())
        if node.value is not None:
            self.problem(node, f"{what} must be a mapping, not {node.kind}")
        return ()

    def runs(self, node: YamlNode) -> tuple[Step, ...]:
        found = self.table(node, "runs", {"using": self.text, "steps": self.steps})
        if "steps" not in found and not self.problems:
            self.problem(node, "a composite action needs steps")
        return found.get("steps") or ()  # type: ignore[return-value]

    def step_readers(self) -> Readers:
        return {key: one for key, one in super().step_readers().items() if key not in JOB_LEVEL}

    def kind(self, node: YamlNode) -> None:
        super().kind(node)
        if isinstance(node.value, Mapping) and "run" in node.value and "shell" not in node.value:
            self.problem(node, "a step of an action needs a shell", "write `shell: bash` or sh")
