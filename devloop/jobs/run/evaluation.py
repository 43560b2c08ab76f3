"""What expressions see at a place of a job, and their values there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from devloop.jobs.expressions import templates
from devloop.jobs.expressions.evaluate import Function
from devloop.jobs.expressions.values import truthy
from devloop.jobs.run.scope import Scope
from devloop.jobs.schedule import contexts
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.workflow.model import Env


@dataclass
class Evaluation:
    """One run's view; ``env`` is the workflow's and the job's, ``folder`` the run's own."""

    host: RunnerContext
    order: JobOrder
    folder: str
    hash_files: Callable[..., str]
    cancelled: Callable[[], bool]
    env: dict[str, str] = field(default_factory=dict)

    def shared(self, scope: Scope) -> dict[str, Any]:
        """Give the contexts that do not change from step to step."""
        return contexts.of_job(self.host, self.order, self.folder, scope.inputs, scope.action)

    def variables(self, scope: Scope, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """Give what the user's files and steps set; ``env`` is the step's own."""
        return {**self.env, **scope.written.env, **scope.env, **(env or {})}

    def seen(self, scope: Scope, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Give all contexts."""
        status = "failure" if scope.failed else "success"
        return {
            **self.shared(scope),
            "env": self.variables(scope, env),
            "steps": scope.steps,
            "job": {"status": "cancelled" if self.cancelled() else status},
        }

    def functions(self, scope: Scope) -> dict[str, Function]:
        """Give the status functions and hashFiles."""
        return {
            "success": lambda: not scope.failed and not self.cancelled(),
            "failure": lambda: scope.failed and not self.cancelled(),
            "always": lambda: True,
            "cancelled": self.cancelled,
            "hashFiles": self.hash_files,
        }

    def holds(self, scope: Scope, condition: str, env: Mapping[str, str]) -> bool:
        """Say whether an ``if`` holds."""
        return templates.holds(condition, self.seen(scope, env), self.functions(scope))

    def fill(self, scope: Scope, text: str, env: Mapping[str, str] | None = None) -> str:
        """Replace the expressions of a text."""
        return templates.fill(text, self.seen(scope, env), self.functions(scope))

    def filled(self, scope: Scope, env: Env) -> dict[str, str]:
        """Evaluate an ``env``; each may use those before it."""
        found: dict[str, str] = {}
        for key, value in env:
            found[key] = self.fill(scope, value, found)
        return found

    def flag(self, scope: Scope, value: bool | str) -> bool:
        """Evaluate a flag."""
        return truthy(templates.value(value, self.seen(scope)))

    def number(self, scope: Scope, value: float | str) -> float:
        """Evaluate a number, 0 for nothing; raises ``ValueError`` for what is none."""
        return float(templates.value(value, self.seen(scope)) or 0)
