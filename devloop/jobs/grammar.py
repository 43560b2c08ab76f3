"""Nodes → ``Workflow``: GitHub's grammar; what is not supported is an error with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from devloop.config import nodes
from devloop.config.nodes import Node
from devloop.config.reader import Reader
from devloop.errors import ConfigError, Problem
from devloop.jobs import filters, needs, templates
from devloop.jobs.expressions import STATUS, ExpressionError, check, uses
from devloop.jobs.workflow import Concurrency, Defaults, Env, Filter, Flag, Job, Step, Workflow

KEYS = ("on", "env", "defaults", "concurrency", "jobs")
EVENTS = ("change", "push", "pull_request", "pull_request_target")
"""A save is like these; a workflow for others alone runs when it is named."""
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
ABOVE = ("github", "inputs", "vars", "secrets")
JOB_IF = ("github", "inputs", "vars", "needs")
JOB = (*JOB_IF, "strategy", "matrix", "secrets", "env")
STEP = (*JOB, "job", "runner", "steps")
STEP_IF = tuple(name for name in STEP if name != "secrets")
FOREIGN = ("services", "container", "uses")
Readers = Mapping[str, Callable[[Node], Any]]


def own(root: Node, path: str) -> tuple[Workflow, list[Problem]]:
    """Read the keys of devloop.yaml that are about jobs."""
    reader = _Grammar(path, strict=True)
    if not isinstance(root.value, Mapping):
        return Workflow(), []
    return reader.workflow(root), reader.problems


def load(content: bytes, path: str) -> Workflow:
    """Read a workflow file; raises ``ConfigError`` with all problems of the file."""
    reader = _Grammar(path, strict=False)
    found = reader.workflow(nodes.parse(content, path))
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=Problem.place)))
    return found


class _Grammar(Reader):
    """``strict``: a job that needs what is not here is an error, not left out."""

    def __init__(self, path: str, *, strict: bool) -> None:
        super().__init__(path)
        self.strict = strict
        self.secret = False
        self.foreign: list[str] = []

    def workflow(self, root: Node) -> Workflow:
        readers: Readers = {
            "on": self.on,
            "env": lambda node: self.env(node, ABOVE),
            "defaults": self.defaults,
            "concurrency": lambda node: self.concurrency(node, ABOVE),
        }
        if self.strict:
            readers = {key: readers.get(key, lambda _node: None) for key in _keys(root)}
        else:
            extra: Readers = {"name": self.text, "run-name": self.text, "permissions": self.writes}
            readers = {**readers, **extra, "jobs": lambda _node: None}
        found = self.table(root, self.path, readers)
        gate = "write permissions" if found.get("permissions") else ""
        gate = "secrets" if self.secret else gate
        jobs = (
            self.jobs(root.value["jobs"])
            if isinstance(root.value, Mapping) and "jobs" in root.value
            else ()
        )
        if not self.strict and not jobs and not self.problems:
            self.problem(root, "a workflow needs jobs")
        return Workflow(
            self.path,
            found.get("name") or "",  # type: ignore[arg-type]
            found.get("on", ((None, None),)),  # type: ignore[arg-type]
            found.get("env") or (),  # type: ignore[arg-type]
            found.get("defaults") or Defaults(),  # type: ignore[arg-type]
            found.get("concurrency"),  # type: ignore[arg-type]
            jobs,
            gate,
        )

    # when

    def on(self, node: Node) -> tuple[Filter, ...] | None:
        if isinstance(node.value, str):
            return ((None, None),) if self.event(node, node.value) else None
        if isinstance(node.value, tuple):
            names = [self.event(one, self.text(one)) for one in node.value]
            return ((None, None),) if any(names) else None
        if not isinstance(node.value, Mapping):
            self.problem(
                node, f"on needs events, not {node.kind}", "write on: {change: {paths: [...]}}"
            )
            return None
        found = [self.filter(one) for name, one in node.value.items() if self.event(one, name)]
        return tuple(found) or None

    def event(self, node: Node, name: str) -> bool:
        if self.strict and name != "change":
            self.problem(node, f"the event `{name}` cannot happen here", "write on: {change: …}")
        return name in EVENTS

    def filter(self, node: Node) -> Filter:
        if node.value is None:
            return None, None
        other = (
            () if self.strict else ("branches", "branches-ignore", "tags", "tags-ignore", "types")
        )
        readers: Readers = {"paths": self.texts, "paths-ignore": self.texts}
        return self.filtered(
            node, self.table(node, "the event", {**readers, **dict.fromkeys(other, _data)})
        )

    def filtered(self, node: Node, found: Mapping[str, Any]) -> Filter:
        pair = found.get("paths"), found.get("paths_ignore")
        for text in filters.problems(*pair):
            self.problem(node, text)
        return pair

    # jobs

    def jobs(self, node: Node) -> tuple[Job, ...]:
        if not isinstance(node.value, Mapping):
            self.problem(node, f"jobs must be a mapping, not {node.kind}")
            return ()
        found = tuple(self.job(name, one) for name, one in node.value.items())
        for name, text in needs.problems({job.id: job.needs for job in found}):
            self.problem(node.value[name], text)
        return found

    def job(self, name: str, node: Node) -> Job:
        outer, self.secret, self.foreign = self.secret, False, []
        if not IDENTIFIER.fullmatch(name):
            self.problem(node, f"`{name}` is no name of a job", "use letters, digits, - and _")
        found = self.table(node, f"the job {name}", self.job_readers())
        if "steps" not in found and not self.foreign and not self.problems:
            self.problem(node, f"the job {name} needs steps")
        gate = "its environment" if found.pop("environment", "") else ""
        gate = "write permissions" if found.pop("permissions", False) else gate
        gate = "secrets" if self.secret else gate
        self.secret = outer
        pair = self.filtered(node, found)
        strategy: dict[str, Any] = found.pop("strategy", None) or {}  # type: ignore[assignment]
        kept = {_FIELDS.get(key, key): value for key, value in found.items() if key not in _DROPPED}
        return Job(
            name,
            f"{self.path}:{node.key[0]}:{node.key[1]}",
            filter=pair,
            gate=gate,
            unsupported=self.foreign[0] if self.foreign else "",
            **kept,  # type: ignore[arg-type]
            **strategy,
        )

    def job_readers(self) -> Readers:
        readers: Readers = {
            "name": lambda node: self.template(node, JOB),
            "needs": self.names,
            "if": lambda node: self.condition(node, JOB_IF),
            "runs-on": _data,
            "permissions": self.writes,
            "environment": lambda _node: "yes",
            "env": lambda node: self.env(node, JOB),
            "defaults": self.defaults,
            "concurrency": lambda node: self.concurrency(node, JOB),
            "continue-on-error": lambda node: self.flag(node, JOB),
            "timeout-minutes": lambda node: self.minutes(node, JOB),
            "outputs": lambda node: self.env(node, STEP),
            "strategy": self.strategy,
            "steps": self.steps,
            **dict.fromkeys(FOREIGN, self.not_here),
        }
        if self.strict:
            return {**readers, "paths": self.texts, "paths-ignore": self.texts}
        return {**readers, "with": _data, "secrets": _data}

    def not_here(self, node: Node) -> None:
        where = f"{self.path}:{node.key[0]}:{node.key[1]}"
        what = "services, containers and called workflows are not run by devloop"
        self.foreign.append(f"{where}: {what}")
        if self.strict:
            self.problem(node, what, "leave the key out: jobs run in the dev container")

    def writes(self, node: Node) -> bool:
        """Say whether permissions ask for writing."""
        if isinstance(node.value, Mapping):
            return any(one.value == "write" for one in node.value.values())
        return node.value == "write-all"

    def names(self, node: Node) -> tuple[str, ...]:
        return self.texts(node) if isinstance(node.value, tuple) else (self.text(node),)

    def strategy(self, node: Node) -> dict[str, object]:
        return self.table(
            node,
            "strategy",
            {
                "matrix": self.matrix,
                "fail-fast": lambda one: self.flag(one, JOB_IF),
                "max-parallel": lambda one: self.minutes(one, JOB_IF),
            },
        )

    def matrix(self, node: Node) -> object:
        if isinstance(node.value, str):
            return self.template(node, JOB_IF)
        if not isinstance(node.value, Mapping) or not node.value:
            self.problem(node, f"a matrix must be a mapping, not {node.kind}")
            return None
        for key, one in node.value.items():
            if not isinstance(one.value, tuple) and "${{" not in one.text:
                self.problem(one, f"`{key}` of the matrix must be a list, not {one.kind}")
        self.checked(node, JOB_IF)
        return _data(node)

    def concurrency(self, node: Node, contexts: tuple[str, ...]) -> Concurrency:
        if isinstance(node.value, str):
            return Concurrency(self.template(node, contexts))
        readers: Readers = {
            "group": lambda one: self.template(one, contexts),
            "cancel-in-progress": lambda one: self.flag(one, contexts),
        }
        found = self.table(node, "concurrency", readers)
        return Concurrency(str(found.get("group") or ""), found.get("cancel_in_progress"))  # type: ignore[arg-type]

    def defaults(self, node: Node) -> Defaults:
        def run(inner: Node) -> Defaults:
            found = self.table(
                inner, "defaults.run", {"shell": self.text, "working-directory": self.text}
            )
            return Defaults(str(found.get("shell", "")), str(found.get("working_directory", "")))

        return self.table(node, "defaults", {"run": run}).get("run") or Defaults()  # type: ignore[return-value]

    # steps

    def steps(self, node: Node) -> tuple[Step, ...]:
        found = self.items(node, self.step)
        known: set[str] = set()
        for step in _flat(found):
            for name in (*step.wait, step.cancel):
                if name not in ("", "*") and name not in known:
                    self.problems.append(
                        Problem(
                            f"there is no earlier background step `{name}`", location=step.location
                        )
                    )
            known |= {step.id} if step.background else set()
        return found

    def step(self, node: Node) -> Step:
        found = self.table(
            node,
            "the step",
            {
                "id": self.identifier,
                "name": lambda one: self.template(one, STEP),
                "if": lambda one: self.condition(one, STEP_IF),
                "run": lambda one: self.template(one, STEP),
                "uses": self.text,
                "with": lambda one: self.env(one, STEP),
                "shell": self.shell,
                "working-directory": lambda one: self.template(one, STEP),
                "env": lambda one: self.env(one, STEP),
                "continue-on-error": lambda one: self.flag(one, STEP),
                "timeout-minutes": lambda one: self.minutes(one, STEP),
                "background": self.boolean,
                "wait": self.names,
                "wait-all": lambda _one: ("*",),
                "cancel": self.text,
                "parallel": lambda one: self.items(one, self.step),
            },
        )
        kinds = [
            key for key in ("run", "uses", "wait", "wait_all", "cancel", "parallel") if key in found
        ]
        if len(kinds) != 1 and isinstance(node.value, Mapping) and not self.problems:
            self.problem(node, "a step needs one of run, uses, wait, wait-all, cancel and parallel")
        for key in ("background", "wait", "wait-all", "cancel", "parallel"):
            if isinstance(node.value, Mapping) and key in node.value:
                text = f"`{key}` is not run by this version of devloop"
                self.problem(node.value[key], text, "write the steps one after the other")
        if "wait_all" in found:
            found["wait"] = found.pop("wait_all")
        kept = {_FIELDS.get(key, key): value for key, value in found.items()}
        return Step(f"{self.path}:{node.line}:{node.column}", **kept)  # type: ignore[arg-type]

    def identifier(self, node: Node) -> str:
        text = self.text(node)
        if text and not IDENTIFIER.fullmatch(text):
            self.problem(node, f"`{text}` is no id", "use letters, digits, - and _")
        return text

    def shell(self, node: Node) -> str:
        text = self.template(node, STEP)
        if text not in ("bash", "sh", "python", "") and "{0}" not in text and "${{" not in text:
            self.problem(
                node, f"the shell `{text}` needs {{0}} for the script", "known are bash, sh, python"
            )
        return text

    def boolean(self, node: Node) -> bool:
        if not isinstance(node.value, bool):
            self.problem(node, f"true or false is needed here, not {node.kind}")
        return bool(node.value)

    # values with expressions

    def env(self, node: Node, contexts: tuple[str, ...]) -> Env:
        if not isinstance(node.value, Mapping):
            if node.value is not None:
                self.problem(
                    node, f"a mapping is needed here, not {node.kind}", "write NAME: value"
                )
            return ()
        return tuple((key, self.scalar(one, contexts)) for key, one in node.value.items())

    def scalar(self, node: Node, contexts: tuple[str, ...]) -> str:
        if isinstance(node.value, tuple | Mapping):
            self.problem(node, f"a text is needed here, not {node.kind}")
            return ""
        return self.expressions(node, contexts)

    def template(self, node: Node, contexts: tuple[str, ...]) -> str:
        self.text(node)
        return self.expressions(node, contexts)

    def flag(self, node: Node, contexts: tuple[str, ...]) -> Flag:
        if isinstance(node.value, bool):
            return node.value
        if "${{" not in node.text:
            self.problem(node, f"true, false or an expression is needed here, not {node.kind}")
        return self.expressions(node, contexts)

    def minutes(self, node: Node, contexts: tuple[str, ...]) -> float | str:
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        if "${{" not in node.text:
            self.problem(node, "a number above 0 or an expression is needed here")
        return self.expressions(node, contexts)

    def condition(self, node: Node, contexts: tuple[str, ...]) -> str:
        try:
            expression = templates.condition(node.text)
            self.expression(expression, contexts, (*STATUS, "hashFiles"))
        except ExpressionError as error:
            self.problem(node, f"the expression of if: {error.message}")
        return node.text

    def checked(self, node: Node, contexts: tuple[str, ...]) -> None:
        """Check the expressions of all that a value holds."""
        inner = node.value.values() if isinstance(node.value, Mapping) else node.value
        if isinstance(node.value, tuple | Mapping):
            for one in inner:  # type: ignore[union-attr]
                self.checked(one, contexts)  # type: ignore[arg-type]
        else:
            self.expressions(node, contexts)

    def expressions(self, node: Node, contexts: tuple[str, ...]) -> str:
        try:
            for piece, inside in templates.pieces(node.text):
                if inside:
                    self.expression(piece, contexts, ("hashFiles",) if "steps" in contexts else ())
        except ExpressionError as error:
            self.problem(node, f"the expression: {error.message}")
        return node.text

    def expression(self, text: str, contexts: tuple[str, ...], functions: tuple[str, ...]) -> None:
        check(text, dict.fromkeys(contexts), dict.fromkeys(functions, len))
        self.secret = self.secret or uses(text, "secrets")


_FIELDS = {
    "if": "condition",
    "working_directory": "directory",
    "with": "inputs",
    "timeout_minutes": "timeout",
}
_DROPPED = ("runs_on", "paths", "paths_ignore", "with", "secrets", *FOREIGN)


def _keys(root: Node) -> tuple[str, ...]:
    return tuple(root.value) if isinstance(root.value, Mapping) else ()


def _flat(steps: tuple[Step, ...]) -> list[Step]:
    return [inner for step in steps for inner in (step, *_flat(step.parallel))]


def _data(node: Node) -> Any:  # noqa: ANN401 - YAML as plain data
    if isinstance(node.value, Mapping):
        return {key: _data(one) for key, one in node.value.items()}
    if isinstance(node.value, tuple):
        return [_data(one) for one in node.value]
    return node.value
