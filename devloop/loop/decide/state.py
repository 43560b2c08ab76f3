"""The loop's state: owned by one thread, changed by ``step`` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from devloop.jobs.schedule.graph import Jobs
from devloop.project.state import Wanted


class App(StrEnum):
    """What the app's process is doing."""

    ABSENT = "absent"
    STARTING = "starting"
    READY = "ready"
    EXITED = "exited"


class Work(StrEnum):
    """The one long thing under way."""

    IDLE = "idle"
    IMAGE = "image"
    SWAP = "swap"


@dataclass(frozen=True)
class Cycle:
    """A batch that is being answered; ``action`` is the strongest that it came to."""

    number: int
    started: float
    action: str
    cause: str


@dataclass(frozen=True)
class State:
    """All that decisions depend on.

    ``wanted`` is what should run, ``serving`` what the container was made from. ``work`` is under
    way for ``goal`` in ``generation``. ``failed`` is what could not be had, not tried again before
    something changes that could mend it. ``late`` are source changes that the app has not seen
    and that wait for the work to end. ``starts`` counts the app's starts in ``container``;
    ``expected`` is the first start that answers the open ``cycles``. ``own`` counts, for a file,
    after how many starts in a row it changed at once, and names the last: the app may write it.
    ``forced``: the next image is built even if it is there.
    """

    wanted: Wanted | None = None
    serving: Wanted | None = None
    goal: Wanted | None = None
    failed: Wanted | None = None
    work: Work = Work.IDLE
    generation: int = 0
    app: App = App.ABSENT
    container: str = ""
    starts: int = 0
    expected: int = 0
    started_at: float = 0.0
    late: tuple[str, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    count: int = 0
    built_s: float | None = None
    gap_since: float | None = None
    engine: bool = True
    ended: bool = False
    ever_ran: bool = False
    broken: frozenset[str] = frozenset()
    own: tuple[tuple[str, int, int], ...] = ()
    jobs: Jobs = field(default_factory=Jobs)
    forced: bool = False
