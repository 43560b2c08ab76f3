"""What the loop knows: a sum of cases, so that what cannot be cannot be written down.

``ProjectState`` is owned by one thread and changed by ``step`` alone. One container is a project of
one service, whose name is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from devloop.jobs.schedule.graph import Jobs
from devloop.loop.decide.actions import ServiceNode
from devloop.loop.decide.topology import NO_SERVICES, Topology
from devloop.project.state import Wanted


class CycleAction(StrEnum):
    """What a cycle came to, from least to most."""

    NONE = "none"
    RELOAD = "reload"
    RESTART = "restart"
    RECREATE = "recreate"
    REBUILD = "rebuild"


class Outcome(StrEnum):
    """How a cycle ended."""

    OK = "ok"
    FAILED = "failed"
    CRASHED = "crashed"
    UNREADY = "unready"
    SUPERSEDED = "superseded"


# cycles


@dataclass(frozen=True)
class ByStart:
    """Answered by the n-th start of the app in the container that is there."""

    number: int


@dataclass(frozen=True)
class ByContainer:
    """Answered by the container that the work of this generation makes."""

    generation: int


Awaits: TypeAlias = ByStart | ByContainer


@dataclass(frozen=True)
class Cycle:
    """A batch, or a wish of the user's, that is being answered.

    ``started`` and ``gap_since`` (when the old container stopped to serve) are in seconds of the
    monotonic clock, ``build_s`` is how long the build took, None if none ran.
    """

    number: int
    started: float
    action: CycleAction
    cause: str
    awaits: Awaits = ByStart(0)
    build_s: float | None = None
    gap_since: float | None = None


# the one long thing under way


@dataclass(frozen=True)
class Idle:
    """Nothing is under way."""


@dataclass(frozen=True)
class Building:
    """The image of ``goal`` is looked up or built; ``forced``: built even if it is there."""

    goal: Wanted
    generation: int
    forced: bool = False


@dataclass(frozen=True)
class Built:
    """The image is there; its container waits for its turn. ``build_s``: None if none was built.

    ``alone``: it failed together with others and is tried by itself.
    """

    goal: Wanted
    generation: int
    image: str
    build_s: float | None = None
    alone: bool = False


@dataclass(frozen=True)
class HandingOver:
    """A new container takes over; ``rebuild``: the user asked for a build meanwhile."""

    goal: Wanted
    generation: int
    image: str
    build_s: float | None = None
    rebuild: bool = False


Work: TypeAlias = Idle | Building | Built | HandingOver


# the app


class Absence(StrEnum):
    """Why there is no container."""

    NEVER = "never"
    GONE = "gone"
    ENGINE = "engine"


@dataclass(frozen=True)
class Absent:
    """There is no container."""

    why: Absence = Absence.NEVER


class Answer(StrEnum):
    """Whether the last start of an app answers; one that is late may do so yet."""

    AWAITED = "awaited"
    LATE = "late"
    READY = "ready"


@dataclass(frozen=True)
class Running:
    """The app runs, or is being started, in a container that was made from ``made_from``.

    ``start`` is the last start that is known of (0: none yet), ``since`` when; ``ordered`` the last
    one that was asked for, ``ordered_at`` when: that start has read what was saved before.
    """

    container: str
    made_from: Wanted
    start: int
    ordered: int
    ordered_at: float
    since: float
    answer: Answer = Answer.AWAITED

    @property
    def ready(self) -> bool:
        """Say whether it answers."""
        return self.answer is Answer.READY

    @property
    def starting(self) -> bool:
        """Say whether a start was asked for that is not known of yet."""
        return self.ordered > self.start


@dataclass(frozen=True)
class Exited:
    """The app ended on its own; its container is there."""

    container: str
    made_from: Wanted
    start: int
    code: int


App: TypeAlias = Absent | Running | Exited


# one service


@dataclass(frozen=True)
class Unseen:
    """Something saved, at that time, that no start of the app has read yet.

    ``resting``: it is left alone until it has not been written for a while.
    """

    what: str
    at: float
    resting: bool = False


@dataclass(frozen=True)
class Rewrites:
    """A file that changed right after so many starts in a row, the last of them ``start``."""

    path: str
    count: int
    start: int


@dataclass(frozen=True)
class ServiceState:
    """All that decisions about one service depend on.

    ``wanted`` is what should run. ``failed`` could not be had, and is not tried again before
    something changes that could mend it. ``generation`` counts works, ``count`` cycles; ``cycles``
    are the open ones. ``broken`` are half-written manifests. ``once``: it is there to end.
    """

    wanted: Wanted
    name: str = ""
    work: Work = Idle()
    app: App = Absent()
    failed: Wanted | None = None
    generation: int = 0
    unseen: tuple[Unseen, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    count: int = 0
    broken: frozenset[str] = frozenset()
    rewrites: tuple[Rewrites, ...] = ()
    once: bool = False


def made_from(app: App) -> Wanted | None:
    """Give what the container was made from, None if there is none."""
    return None if isinstance(app, Absent) else app.made_from


def container(app: App) -> str:
    """Give the container's id, empty if there is none."""
    return "" if isinstance(app, Absent) else app.container


# the project


class EngineState(StrEnum):
    """Whether whatever runs containers answers."""

    ANSWERS = "answers"
    LOST = "lost"


@dataclass(frozen=True)
class UnderWay:
    """The n-th bringing up is under way, of these services."""

    number: int
    services: tuple[str, ...]


@dataclass(frozen=True)
class Serve:
    """`up`: run until asked to stop."""


@dataclass(frozen=True)
class Once:
    """`ci`: be ready once, run these jobs, end.

    ``named``: a person chose them; ``counting``: all was started, the time to answer runs.
    """

    jobs: tuple[str, ...] = ()
    named: bool = False
    counting: bool = False


@dataclass(frozen=True)
class RunningJobs:
    """`ci`, when all was ready once: the jobs run, then it ends."""


@dataclass(frozen=True)
class Ending:
    """`ci` was asked to stop: the jobs that run are ended first, and told to be."""

    exit_code: int


@dataclass(frozen=True)
class Over:
    """The end: nothing is decided any more."""


Aim: TypeAlias = Serve | Once | RunningJobs | Ending | Over
SERVE = Serve()


@dataclass(frozen=True)
class ProjectState:
    """All that decisions depend on.

    ``bringing`` is what the target is bringing up, the ``brought``-th; ``due`` is brought up next.
    ``started`` are the services that have been brought up, developed or not; ``given_up`` those
    without a build that failed. ``headstart``: services without a build wait for the first images,
    to be started along with them.
    """

    services: Mapping[str, ServiceState] = field(default_factory=dict)
    topology: Topology = NO_SERVICES
    engine: EngineState = EngineState.ANSWERS
    bringing: UnderWay | None = None
    brought: int = 0
    started: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()
    due: tuple[ServiceNode, ...] = ()
    headstart: bool = False
    jobs: Jobs = field(default_factory=Jobs)
    aim: Aim = SERVE
