"""What the loop does: small frozen actions; a plan is a tuple of them, its text their lines."""

from __future__ import annotations

from dataclasses import dataclass

from devloop.events import Event
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import Host
from devloop.project.state import Wanted


@dataclass(frozen=True)
class Action:
    """One thing to do; ``cause`` is in the user's words."""

    cause: str

    def __str__(self) -> str:
        name = type(self).__name__.lower()
        return f"{name}: {self.cause}" if self.cause else name


@dataclass(frozen=True)
class EnsureImage(Action):
    """Have the image of a fingerprint: look it up, or build it; ``forced``: build it anyway."""

    generation: int
    wanted: Wanted
    forced: bool = False

    def __str__(self) -> str:
        how = "build" if self.forced else "image"
        return f"{how} {self.wanted.fingerprint.short}: {self.cause}"


@dataclass(frozen=True)
class CancelBuild(Action):
    """Cancel the build of a generation; its result is never used."""

    generation: int

    def __str__(self) -> str:
        return f"cancel the build: {self.cause}"


@dataclass(frozen=True)
class Swap(Action):
    """Hand over to a new container of this image."""

    generation: int
    image: str
    wanted: Wanted

    def __str__(self) -> str:
        return f"recreate: {self.cause}"


@dataclass(frozen=True)
class Restart(Action):
    """Start the app's process anew, in the same container."""


@dataclass(frozen=True)
class Reload(Action):
    """Tell the app to reload: by a signal, or a command run in its container."""

    kind: str
    argument: str

    def __str__(self) -> str:
        return f"reload by {self.kind} {self.argument}: {self.cause}"


@dataclass(frozen=True)
class Probe(Action):
    """Wait until the n-th start of the app answers."""

    container: str
    number: int

    def __str__(self) -> str:
        return f"probe start {self.number}"


@dataclass(frozen=True)
class Recheck(Action):
    """Look again in a moment whether a half-written file is whole."""

    path: str

    def __str__(self) -> str:
        return f"wait for {self.path}"


@dataclass(frozen=True)
class Settle(Action):
    """Tell in a moment whether a file that the app may be writing has come to rest."""

    path: str
    cycle: int

    def __str__(self) -> str:
        return f"wait until {self.path} rests"


@dataclass(frozen=True)
class Reconnect(Action):
    """Wait for the engine to answer again."""


@dataclass(frozen=True)
class JobWork(Action):
    """Start or end a run of a job in a container."""

    work: graph.Start | graph.Cancel
    container: str
    host: Host

    def __str__(self) -> str:
        return str(self.work)


@dataclass(frozen=True)
class Quit(Action):
    """Stop the app, leave nothing behind, end with this exit code."""

    exit_code: int

    def __str__(self) -> str:
        return f"quit {self.exit_code}"


@dataclass(frozen=True)
class Report(Action):
    """Tell the user."""

    event: Event

    def __str__(self) -> str:
        return f"report {self.event.event}"


Plan = tuple[Action, ...]


def text(plan: Plan) -> str:
    """Give a plan's effects, a line each, without what is only told."""
    return "\n".join(str(action) for action in plan if not isinstance(action, Report))
