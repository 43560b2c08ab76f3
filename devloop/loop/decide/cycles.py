"""Cycles: every batch or wish that is told to begin is told its end, once, with cause and times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from devloop import events
from devloop.loop.decide.actions import Plan, Report, tell
from devloop.loop.decide.state import (
    Awaits,
    ByContainer,
    ByStart,
    Cycle,
    CycleAction,
    Outcome,
    ServiceState,
    Unseen,
)
from devloop.project.classify import Impact

SHOWN = 3
NO_ENGINE = "the engine is gone"

Which = Callable[[Awaits], bool]


def start(
    service: ServiceState, now: float, cause: str, *, paths: tuple[str, ...] = (), asked: str = ""
) -> tuple[ServiceState, Cycle, Plan]:
    """Begin a cycle, for a batch of these paths or for what the user ``asked`` for."""
    cycle = Cycle(service.count + 1, now, CycleAction.NONE, cause)
    told = tell(events.CycleStarted(cycle.number, paths, asked or None))
    return replace(service, count=cycle.number), cycle, (told,)


def wait(service: ServiceState, cycle: Cycle, action: CycleAction, awaits: Awaits) -> ServiceState:
    """Leave a cycle open until what it awaits is there."""
    return replace(service, cycles=(*service.cycles, replace(cycle, action=action, awaits=awaits)))


def by_start(awaits: Awaits) -> bool:
    """Choose the cycles that a start of the present container answers."""
    return isinstance(awaits, ByStart)


def by_container(awaits: Awaits) -> bool:
    """Choose the cycles that a container which is being made answers."""
    return isinstance(awaits, ByContainer)


def started_by(number: int) -> Which:
    """Choose the cycles that the n-th start of the present container answers."""
    return lambda awaits: isinstance(awaits, ByStart) and awaits.number <= number


def made_by(generation: int) -> Which:
    """Choose the cycles that the container of a generation answers."""
    return lambda awaits: isinstance(awaits, ByContainer) and awaits.generation <= generation


def finish(
    service: ServiceState, now: float, outcome: Outcome, which: Which = lambda _awaits: True
) -> tuple[ServiceState, Plan]:
    """Close the open cycles that are chosen, with one outcome."""
    closed = tuple(end(one, now, outcome) for one in service.cycles if which(one.awaits))
    left = tuple(one for one in service.cycles if not which(one.awaits))
    return replace(service, cycles=left), closed


def end(cycle: Cycle, now: float, outcome: Outcome) -> Report:
    """Tell the end of a cycle."""
    took = outcome is Outcome.OK and cycle.gap_since is not None
    gap = now - cycle.gap_since if took and cycle.gap_since is not None else None
    return tell(
        events.CycleFinished(
            cycle.number,
            cycle.action,
            cycle.cause,
            outcome,
            now - cycle.started,
            cycle.build_s if cycle.action is CycleAction.REBUILD else None,
            gap,
        )
    )


def awaiting(service: ServiceState, which: Which, awaits: Awaits) -> ServiceState:
    """Have the chosen cycles await something else."""
    moved = (replace(one, awaits=awaits) if which(one.awaits) else one for one in service.cycles)
    return replace(service, cycles=tuple(moved))


def cause(service: ServiceState) -> str:
    """Give the newest open cycle's cause."""
    return service.cycles[-1].cause if service.cycles else "start"


def why(impact: Impact) -> str:
    """Say why a batch needs nothing, should it come to that."""
    return "; ".join(impact.idle[:SHOWN]) or impact.error or "nothing changed"


def names(what: tuple[str, ...]) -> str:
    """List paths, shortly."""
    unique = list(dict.fromkeys(what))
    more = len(unique) - SHOWN
    return ", ".join(unique[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def unseen_names(unseen: tuple[Unseen, ...]) -> str:
    """List what no start has read yet, shortly."""
    return names(tuple(one.what for one in unseen))
