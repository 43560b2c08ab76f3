"""What can happen to the loop. Every input carries the facts that a decision needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from devloop.jobs.schedule.contexts import Order
from devloop.jobs.schedule.graph import Jobs, Outcome
from devloop.jobs.workflow.model import Workflow
from devloop.model import Change
from devloop.project.classify import Impact
from devloop.project.state import Wanted


@dataclass(frozen=True)
class Input:
    """Something happened; ``now`` is the monotonic clock in seconds."""

    now: float


@dataclass(frozen=True)
class Begun(Input):
    """The loop starts with a first look at the project."""

    wanted: Wanted
    notices: tuple[str, ...] = ()
    jobs: Jobs = field(default_factory=Jobs)


@dataclass(frozen=True)
class Changed(Input):
    """A batch of changes and what it means; ``moved`` are the files whose content is new.

    ``sha`` and ``ref`` are what the project has checked out.
    """

    changes: tuple[Change, ...]
    impact: Impact
    workflows: tuple[Workflow, ...] = ()
    moved: tuple[str, ...] = ()
    sha: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Waited(Input):
    """A half-written file was given time; ``complaint`` is empty if it parses by now."""

    path: str
    complaint: str


@dataclass(frozen=True)
class Settled(Input):
    """A moment has passed since a file that the app may be writing changed; ``cycle`` was its."""

    path: str
    cycle: int


@dataclass(frozen=True)
class ImageReady(Input):
    """The image of a generation is there; cached: no build ran."""

    generation: int
    image: str
    cached: bool
    duration: float


@dataclass(frozen=True)
class ImageFailed(Input):
    """The build of a generation failed."""

    generation: int
    step: str
    message: str


@dataclass(frozen=True)
class Swapped(Input):
    """The new container runs; ``gap`` is when the old one stopped to serve, None if none did."""

    generation: int
    container: str
    image: str
    gap_since: float | None


@dataclass(frozen=True)
class SwapFailed(Input):
    """The new container could not take over; ``restored``: the old one runs again.

    ``fatal`` is the exit code if the environment is at fault (a taken port), else None;
    ``untouched``: the old one was never stopped; ``container`` is what it runs as now.
    """

    generation: int
    message: str
    hint: str
    restored: bool
    fatal: int | None = None
    untouched: bool = False
    container: str = ""


@dataclass(frozen=True)
class AppStarted(Input):
    """The app's process was started for the n-th time in this container."""

    container: str
    number: int


@dataclass(frozen=True)
class AppReady(Input):
    """The app answers."""

    container: str
    number: int
    url: str | None


@dataclass(frozen=True)
class AppSlow(Input):
    """The app was started a while ago and does not answer yet."""

    container: str
    number: int
    hint: str


@dataclass(frozen=True)
class AppExited(Input):
    """The app ended on its own; ``gone``: its container with it."""

    container: str
    code: int
    gone: bool = False


@dataclass(frozen=True)
class ReloadFailed(Input):
    """The reload command or signal did not work."""

    message: str


@dataclass(frozen=True)
class JobEnded(Input):
    """A run of a job has ended."""

    order: Order
    outcome: Outcome


@dataclass(frozen=True)
class RestartAsked(Input):
    """The user wants the app started anew; ``service``: of several the one that is meant."""

    service: str = ""


@dataclass(frozen=True)
class RebuildAsked(Input):
    """The user wants the image built anew, whatever its fingerprint says; ``service`` as above."""

    service: str = ""


@dataclass(frozen=True)
class JobsAsked(Input):
    """The user wants jobs run: these, or without names all that a save may start."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineLost(Input):
    """The engine does not answer any more."""


@dataclass(frozen=True)
class EngineFound(Input):
    """The engine answers again; its containers were stopped."""


@dataclass(frozen=True)
class StopAsked(Input):
    """The user wants the loop to end."""

    exit_code: int


@dataclass(frozen=True)
class Stop:
    """A signal asks the loop to end."""

    exit_code: int
