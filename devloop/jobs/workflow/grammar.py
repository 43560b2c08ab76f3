"""Nodes → ``Workflow``: GitHub's grammar; what is not supported is an error with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from devloop.errors import ConfigError, Problem
from devloop.jobs.schedule import needs
from devloop.jobs.workflow import filters
from devloop.jobs.workflow.model import Concurrency, Defaults, Filter, Job, Workflow
from devloop.jobs.workflow.steps import FIELDS, Readers, Steps
from devloop.jobs.workflow.values import IDENTIFIER, data
from devloop.yaml import nodes
from devloop.yaml.nodes import YamlNode

KEYS = ("on", "env", "defaults", "concurrency", "jobs")
EVENTS = ("change", "push", "pull_request", "pull_request_target")
"""A save is like these; a workflow for others alone runs when it is named."""
ABOVE = ("github", "inputs", "vars", "secrets")
JOB_IF = ("github", "inputs", "vars", "needs")
JOB = (*JOB_IF, "strategy", "matrix", "secrets", "env")
STEP = (*JOB, "job", "runner", "steps")
FOREIGN = ("services", "container", "uses")


def own(root: YamlNode, path: str) -> tuple[Workflow, list[Problem]]:
    """Read the keys of devloop.yaml that are about jobs."""
    reader = _WorkflowGrammar(path, strict=True)
    if not isinstance(root.value, Mapping):
        return Workflow(), []
    return reader.workflow(root), reader.problems


def load(content: bytes, path: str) -> Workflow:
    """Read a workflow file; raises ``ConfigError`` with all problems of the file."""
    reader = _WorkflowGrammar(path, strict=False)
    found = reader.workflow(nodes.parse(content, path))
    if reader.problems:
        raise ConfigError(tuple(sorted(reader.problems, key=Problem.place)))
    return found


def keys() -> dict[str, tuple[str, ...]]:
    """Name the keys of a job and of a step as devloop.yaml has them."""
    reader = _WorkflowGrammar("", strict=True)
    return {
        "job": tuple(key for key in reader.job_readers() if key not in FOREIGN),
        "step": tuple(reader.step_readers()),
    }


class _WorkflowGrammar(Steps):
    """``strict``: a job that needs what is not here is an error, not left out."""

    contexts: ClassVar[tuple[str, ...]] = STEP

    def __init__(self, path: str, *, strict: bool) -> None:
        super().__init__(path)
        self.strict = strict
        self.foreign: list[str] = []

    def workflow(self, root: YamlNode) -> Workflow:
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

    def on(self, node: YamlNode) -> tuple[Filter, ...] | None:
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

    def event(self, node: YamlNode, name: str) -> bool:
        if self.strict and name != "change":
            self.problem(node, f"the event `{name}` cannot happen here", "write on: {change: …}")
        return name in EVENTS

    def filter(self, node: YamlNode) -> Filter:
        if node.value is None:
            return None, None
        other = (
            () if self.strict else ("branches", "branches-ignore", "tags", "tags-ignore", "types")
        )
        readers: Readers = {"paths": self.texts, "paths-ignore": self.texts}
        return self.filtered(
            node, self.table(node, "the event", {**readers, **dict.fromkeys(other, data)})
        )

    def filtered(self, node: YamlNode, found: Mapping[str, Any]) -> Filter:
        pair = found.get("paths"), found.get("paths_ignore")
        for text in filters.problems(*pair):
            self.problem(node, text)
        return pair

    # jobs

    def jobs(self, node: YamlNode) -> tuple[Job, ...]:
        if not isinstance(node.value, Mapping):
            self.problem(node, f"jobs must be a mapping, not {node.kind}")
            return ()
        found = tuple(self.job(name, one) for name, one in node.value.items())
        for name, text in needs.problems({job.id: job.needs for job in found}):
            self.problem(node.value[name], text)
        return found

    def job(self, name: str, node: YamlNode) -> Job:
        outer, self.secret, self.foreign = self.secret, False, []
        if not IDENTIFIER.fullmatch(name):
            self.problem(node, f"`{name}` is no name of a job", "use letters, digits, - and _")
        found = self.table(node, f"the job {name}", self.job_readers())
        if not found.get("steps") and not self.foreign and not self.problems:
            self.problem(node, f"the job {name} needs steps")
        gate = "its environment" if found.pop("environment", "") else ""
        gate = "write permissions" if found.pop("permissions", False) else gate
        gate = "secrets" if self.secret else gate
        self.secret = outer
        pair = self.filtered(node, found)
        strategy: dict[str, Any] = found.pop("strategy", None) or {}  # type: ignore[assignment]
        kept = {FIELDS.get(key, key): value for key, value in found.items() if key not in _DROPPED}
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
            "runs-on": data,
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
        return {**readers, "with": data, "secrets": data}

    def not_here(self, node: YamlNode) -> None:
        where = f"{self.path}:{node.key[0]}:{node.key[1]}"
        what = "services, containers and called workflows are not run by devloop"
        self.foreign.append(f"{where}: {what}")
        if self.strict:
            self.problem(node, what, "leave the key out: jobs run in the dev container")

    def writes(self, node: YamlNode) -> bool:
        """Say whether permissions ask for writing."""
        if isinstance(node.value, Mapping):
            return any(one.value == "write" for one in node.value.values())
        return node.value == "write-all"

    def strategy(self, node: YamlNode) -> dict[str, object]:
        return self.table(
            node,
            "strategy",
            {
                "matrix": self.matrix,
                "fail-fast": lambda one: self.flag(one, JOB_IF),
                "max-parallel": lambda one: self.minutes(one, JOB_IF),
            },
        )

    def matrix(self, node: YamlNode) -> object:
        if isinstance(node.value, str):
            return self.template(node, JOB_IF)
        if not isinstance(node.value, Mapping) or not node.value:
            self.problem(node, f"a matrix must be a mapping, not {node.kind}")
            return None
        for key, one in node.value.items():
            if not isinstance(one.value, tuple) and "${{" not in one.text:
                self.problem(one, f"`{key}` of the matrix must be a list, not {one.kind}")
        self.checked(node, JOB_IF)
        return data(node)

    def concurrency(self, node: YamlNode, contexts: tuple[str, ...]) -> Concurrency:
        if isinstance(node.value, str):
            return Concurrency(self.template(node, contexts))
        readers: Readers = {
            "group": lambda one: self.template(one, contexts),
            "cancel-in-progress": lambda one: self.flag(one, contexts),
        }
        found = self.table(node, "concurrency", readers)
        return Concurrency(str(found.get("group") or ""), found.get("cancel_in_progress"))  # type: ignore[arg-type]

    def defaults(self, node: YamlNode) -> Defaults:
        def run(inner: YamlNode) -> Defaults:
            found = self.table(
                inner, "defaults.run", {"shell": self.text, "working-directory": self.text}
            )
            return Defaults(str(found.get("shell", "")), str(found.get("working_directory", "")))

        return self.table(node, "defaults", {"run": run}).get("run") or Defaults()  # type: ignore[return-value]


_DROPPED = ("runs_on", "paths", "paths_ignore", "with", "secrets", *FOREIGN)


def _keys(root: YamlNode) -> tuple[str, ...]:
    return tuple(root.value) if isinstance(root.value, Mapping) else ()
