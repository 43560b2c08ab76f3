"""What the steps of a job, or of an action in it, see of each other and leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from devloop.jobs.run import commands
from devloop.jobs.workflow.model import Step

MOST_NESTED = 10
"""How deep actions may use actions: as on GitHub."""


@dataclass(frozen=True)
class EndedStep:
    """How a step ended; ``conclusion`` is its outcome less what continue-on-error forgives."""

    outcome: str
    conclusion: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Written:
    """What steps wrote for later ones: GITHUB_ENV, and GITHUB_PATH with the last first."""

    env: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def take(self, files: Mapping[str, str]) -> None:
        """Add what a step wrote; raises ``ValueError`` with what is wrong."""
        self.env |= commands.pairs(files.get("env", ""))
        self.paths[:0] = reversed([line for line in files.get("path", "").splitlines() if line])

    def copy(self) -> Written:
        """Give one of its own to a step in the background."""
        return Written(dict(self.env), list(self.paths))

    def join(self, other: Written, before: Written) -> None:
        """Add what was written in a copy since it was made."""
        self.env |= {key: one for key, one in other.env.items() if before.env.get(key) != one}
        self.paths[:0] = other.paths[: len(other.paths) - len(before.paths)]


@dataclass
class Scope:
    """A job's steps share one; an action's have their own, but for what is ``written``.

    ``prefix`` begins the names of its steps, ``title`` what they are called; ``action`` is the
    action's folder in the container; ``env`` is that of the steps that lead to the action. ``log``
    names the output of a step in the background.
    """

    written: Written = field(default_factory=Written)
    steps: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    prefix: str = ""
    title: str = ""
    log: str = ""
    depth: int = 0

    def inside(
        self, name: str, title: str, action: str, inputs: Mapping[str, str], env: Mapping[str, str]
    ) -> Scope:
        """Give the scope of an action that a step uses; raises ``ValueError`` if it is too deep."""
        if self.depth == MOST_NESTED:
            raise ValueError(f"actions use actions more than {MOST_NESTED} deep")
        return Scope(
            self.written,
            inputs=inputs,
            env=env,
            action=action,
            prefix=f"{name}.",
            title=f"{title} / ",
            log=self.log,
            depth=self.depth + 1,
        )

    def in_background(self, log: str) -> Scope:
        """Give the scope of a background step: a copy of this one; ``log`` names its output."""
        return replace(self, written=self.written.copy(), steps=dict(self.steps), log=log)

    def record(self, step: Step, ended: EndedStep) -> None:
        """Take the end of a step."""
        self.failed = self.failed or ended.conclusion == "failure"
        if step.id:
            self.steps[step.id] = {
                "outputs": dict(ended.outputs),
                "outcome": ended.outcome,
                "conclusion": ended.conclusion,
            }
