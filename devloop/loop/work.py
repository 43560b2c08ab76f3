"""What a loop runs: one app, or the developed services of a Compose project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devloop.jobs.schedule.contexts import RunnerContext
from devloop.jobs.workflow.model import Workflow
from devloop.loop.decide.state import SERVE, Aim
from devloop.loop.source import Source
from devloop.model import Project

if TYPE_CHECKING:  # a single app needs nothing of Compose's
    from devloop.loop.compose_file import ComposeFile
    from devloop.target.compose import ComposeProject


@dataclass(frozen=True)
class Composed:
    """What a Compose project has besides: its file, what runs of it, what is told of a new one."""

    file: ComposeFile
    project: ComposeProject
    notices: Callable[[Source], tuple[str, ...]]


@dataclass(frozen=True)
class Work:
    """What a loop is about: the project's folder, its services' folders, its jobs, its aim."""

    project: Project
    sources: dict[str, Source]
    workflows: tuple[Workflow, ...] = ()
    composed: Composed | None = None
    aim: Aim = SERVE
    host: RunnerContext | None = None
