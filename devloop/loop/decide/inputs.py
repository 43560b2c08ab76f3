"""What can happen to the loop. Every input carries the facts that a decision needs.

Each is taken once and compared with none: without ``eq`` the module is loaded in half the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from devloop.jobs.schedule.contexts import JobOrder
from devloop.jobs.schedule.graph import JobOutcome, Jobs
from devloop.jobs.workflow.model import Workflow
from devloop.loop.decide.state import SERVE, Aim
from devloop.loop.decide.topology import SINGLE, Topology
from devloop.model import Change
from devloop.project.classify import Impact
from devloop.project.state import Wanted


@dataclass(frozen=True, eq=False)
class Input:
    """Something happened; ``now`` is the monotonic clock in seconds."""

    now: float


# to the whole project


@dataclass(frozen=True, eq=False)
class Begun(Input):
    """The loop starts with a first inspection; ``once`` are services that are there to end."""

    services: Mapping[str, Wanted]
    topology: Topology = SINGLE
    once: frozenset[str] = frozenset()
    jobs: Jobs = field(default_factory=Jobs)
    aim: Aim = SERVE


@dataclass(frozen=True, eq=False)
class Remodelled(Input):
    """The compose file has changed: another topology; ``services`` are new among the developed."""

    topology: Topology
    services: Mapping[str, Wanted]
    once: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class HeadstartOver(Input):
    """The time is over in which services without a build waited for the first images."""


@dataclass(frozen=True, eq=False)
class BroughtUp(Input):
    """The target has ended the n-th bringing up: each developed service was told of before.

    ``started`` are the services without a build that run by it; ``apart``: it failed as a whole,
    nothing was told of the developed ones, and each is to be tried by itself. ``message`` is what
    went wrong with those without a build, empty if nothing did.
    """

    number: int
    started: tuple[str, ...] = ()
    apart: bool = False
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, eq=False)
class JobEnded(Input):
    """A run of a job has ended."""

    order: JobOrder
    outcome: JobOutcome


@dataclass(frozen=True, eq=False)
class JobsAsked(Input):
    """The user wants jobs run: these, or without names all that a save may start."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RestartAsked(Input):
    """The user wants an app started anew: that of ``service``, None for all."""

    service: str | None = None


@dataclass(frozen=True, eq=False)
class RebuildAsked(Input):
    """The user wants images built anew, whatever their fingerprint says; ``service`` as above."""

    service: str | None = None


@dataclass(frozen=True, eq=False)
class EngineLost(Input):
    """The engine does not answer any more."""


@dataclass(frozen=True, eq=False)
class EngineFound(Input):
    """The engine answers again; its containers were stopped."""


@dataclass(frozen=True, eq=False)
class DeadlinePassed(Input):
    """The time is over in which `ci` waits for all to be ready."""


@dataclass(frozen=True, eq=False)
class StopAsked(Input):
    """The user wants the loop to end."""

    exit_code: int


# to one service


@dataclass(frozen=True, eq=False)
class ServiceInput(Input):
    """Something happened to one service."""

    service: str


@dataclass(frozen=True, eq=False)
class Changed(ServiceInput):
    """A batch of changes and what it means; ``moved`` are the files whose content is new.

    ``workflows``, ``sha`` and ``ref`` are what the project has now; they count for the workplace.
    """

    changes: tuple[Change, ...]
    impact: Impact
    workflows: tuple[Workflow, ...] = ()
    moved: tuple[str, ...] = ()
    sha: str = ""
    ref: str = ""


@dataclass(frozen=True, eq=False)
class Waited(ServiceInput):
    """A half-written file was given time; ``complaint`` is empty if it parses by now."""

    path: str
    complaint: str


@dataclass(frozen=True, eq=False)
class Settled(ServiceInput):
    """A while has passed since a file was written that the app may be writing, at ``at``."""

    path: str
    at: float


@dataclass(frozen=True, eq=False)
class ImageReady(ServiceInput):
    """The image of a generation is there; cached: no build ran.

    ``duration`` in seconds, ``size`` in bytes if it is known.
    """

    generation: int
    image: str
    cached: bool
    duration: float
    size: int | None = None


@dataclass(frozen=True, eq=False)
class ImageFailed(ServiceInput):
    """The build of a generation failed, in a step or (empty) outside of all."""

    generation: int
    step: str
    message: str


@dataclass(frozen=True, eq=False)
class HandedOver(ServiceInput):
    """The new container runs since ``started_at``.

    ``gap_since`` is when the old one stopped to serve, None if there was none.
    """

    generation: int
    container: str
    image: str
    started_at: float
    gap_since: float | None = None


@dataclass(frozen=True, eq=False)
class BroughtBack:
    """The old container was stopped and started again, as ``container``, at ``started_at``."""

    container: str
    started_at: float


@dataclass(frozen=True, eq=False)
class Untouched:
    """The old container was never stopped, if there was one."""


@dataclass(frozen=True, eq=False)
class Nothing:
    """No container is left that could serve."""


Left = BroughtBack | Untouched | Nothing
"""What a failed hand-over leaves."""


@dataclass(frozen=True, eq=False)
class HandOverFailed(ServiceInput):
    """The new container could not take over.

    ``fatal`` is the exit code if that cannot be mended by a save (a taken port), else None.
    """

    generation: int
    message: str
    hint: str
    left: Left
    fatal: int | None = None


@dataclass(frozen=True, eq=False)
class AppStarted(ServiceInput):
    """The app's process was started for the n-th time in this container."""

    container: str
    number: int


@dataclass(frozen=True, eq=False)
class AppReady(ServiceInput):
    """The n-th start of the app answers; ``url`` None without a port."""

    container: str
    number: int
    url: str | None


@dataclass(frozen=True, eq=False)
class AppSlow(ServiceInput):
    """The n-th start of the app was a while ago and does not answer yet."""

    container: str
    number: int
    hint: str


@dataclass(frozen=True, eq=False)
class AppExited(ServiceInput):
    """The app ended on its own; ``gone``: its container with it."""

    container: str
    code: int
    gone: bool = False


@dataclass(frozen=True, eq=False)
class RestartFailed(ServiceInput):
    """The app could not be started anew."""

    container: str
    message: str


@dataclass(frozen=True, eq=False)
class ReloadFailed(ServiceInput):
    """The reload command or signal did not work."""

    message: str


ServiceEvent: TypeAlias = (
    Changed
    | Waited
    | Settled
    | ImageReady
    | ImageFailed
    | HandedOver
    | HandOverFailed
    | AppStarted
    | AppReady
    | AppSlow
    | AppExited
    | RestartFailed
    | ReloadFailed
)
ProjectEvent: TypeAlias = (
    Begun
    | Remodelled
    | HeadstartOver
    | BroughtUp
    | JobEnded
    | JobsAsked
    | RestartAsked
    | RebuildAsked
    | EngineLost
    | EngineFound
    | DeadlinePassed
    | StopAsked
)
AnyInput: TypeAlias = ServiceEvent | ProjectEvent
