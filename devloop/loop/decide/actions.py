"""What the loop does: small frozen actions; a plan is a tuple of them, its text their lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from devloop.events import Event
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import RunnerContext
from devloop.model import ByCommand, BySignal
from devloop.project.state import Wanted


@dataclass(frozen=True)
class Action:
    """One thing to do; ``cause`` is in the user's words."""

    cause: str

    def __str__(self) -> str:
        name = type(self).__name__.lower()
        return f"{name}: {self.cause}" if self.cause else name


@dataclass(frozen=True)
class OfService(Action):
    """One thing to do for a service."""

    service: str

    @property
    def words(self) -> str:
        """Say what is done."""
        return type(self).__name__.lower()

    def __str__(self) -> str:
        what = f"{self.service} {self.words}".lstrip()
        return f"{what}: {self.cause}" if self.cause else what


@dataclass(frozen=True)
class EnsureImage(OfService):
    """Have the image of a fingerprint: look it up, or build it; ``forced``: build it anyway."""

    generation: int
    wanted: Wanted
    forced: bool = False

    @property
    def words(self) -> str:
        """Say what is done."""
        return f"{'build' if self.forced else 'image'} {self.wanted.fingerprint.short}"


@dataclass(frozen=True)
class CancelBuild(OfService):
    """Cancel the build of a generation; its result is never used."""

    generation: int

    @property
    def words(self) -> str:
        """Say what is done."""
        return "cancel the build"


class Operation(StrEnum):
    """What becomes of a service that is brought up."""

    CREATE = "create"
    RECREATE = "recreate"
    START = "start"
    RESTART = "restart"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True)
class Replacement:
    """The container that a developed service gets: of this image, made from ``wanted``."""

    generation: int
    image: str
    wanted: Wanted


@dataclass(frozen=True)
class ServiceNode:
    """One service of what is brought up; ``after`` are those of them that come before it.

    ``replacement`` is None for one that devloop does not develop.
    """

    service: str
    operation: Operation
    cause: str
    after: tuple[str, ...] = ()
    replacement: Replacement | None = None

    def __str__(self) -> str:
        after = f" after {', '.join(self.after)}" if self.after else ""
        return f"{self.service} {self.operation}{after}: {self.cause}".lstrip()


@dataclass(frozen=True)
class BringUp(Action):
    """Have these services run as the nodes say, the n-th time: a graph in an order that fits it.

    ``needs``: what a node needs and is no node of its own is started along with it.
    """

    number: int
    nodes: tuple[ServiceNode, ...]
    needs: bool = True

    def __str__(self) -> str:
        return "\n".join(str(node) for node in self.nodes)


@dataclass(frozen=True)
class RestartApp(OfService):
    """Start the app's process anew, in the same container."""

    @property
    def words(self) -> str:
        """Say what is done."""
        return "restart"


@dataclass(frozen=True)
class ReloadApp(OfService):
    """Tell the app to reload."""

    by: BySignal | ByCommand

    @property
    def words(self) -> str:
        """Say what is done."""
        match self.by:
            case BySignal(name):
                return f"reload by signal {name}"
            case ByCommand(command):
                return f"reload by exec {command}"


@dataclass(frozen=True)
class Probe(OfService):
    """Wait until the n-th start of the app answers."""

    container: str
    number: int

    @property
    def words(self) -> str:
        """Say what is done."""
        return f"probe start {self.number}"


@dataclass(frozen=True)
class Recheck(OfService):
    """Look again in a moment whether a half-written file is whole."""

    path: str

    @property
    def words(self) -> str:
        """Say what is done."""
        return f"wait for {self.path}"


@dataclass(frozen=True)
class Settle(OfService):
    """Tell in so many seconds that a file, written at ``at``, has had time to come to rest."""

    path: str
    at: float
    seconds: float

    @property
    def words(self) -> str:
        """Say what is done."""
        return f"wait {self.seconds:g} s until {self.path} rests"


@dataclass(frozen=True)
class Headstart(Action):
    """Tell in a moment that services without a build need wait no longer for the first images."""


@dataclass(frozen=True)
class Deadline(Action):
    """Tell when all should have been ready."""


@dataclass(frozen=True)
class Reconnect(Action):
    """Wait for the engine to answer again."""


@dataclass(frozen=True)
class JobWork(Action):
    """Start or end a run of a job in a container."""

    work: graph.StartJob | graph.CancelJob
    container: str
    host: RunnerContext

    def __str__(self) -> str:
        return str(self.work)


@dataclass(frozen=True)
class Quit(Action):
    """Stop the apps, leave nothing behind, end with this exit code."""

    exit_code: int

    def __str__(self) -> str:
        return f"quit {self.exit_code}"


@dataclass(frozen=True)
class Report(Action):
    """Tell the user."""

    event: Event

    def __str__(self) -> str:
        return f"report {self.event.event}"


AnyAction: TypeAlias = (
    EnsureImage
    | CancelBuild
    | BringUp
    | RestartApp
    | ReloadApp
    | Probe
    | Recheck
    | Settle
    | Headstart
    | Deadline
    | Reconnect
    | JobWork
    | Quit
    | Report
)
Plan: TypeAlias = tuple[AnyAction, ...]


def tell(event: Event) -> Report:
    """Give the action that tells an event."""
    return Report("", event)


def text(plan: Plan) -> str:
    """Give a plan's effects, a line each, without what is only told."""
    return "\n".join(str(action) for action in plan if not isinstance(action, Report))
