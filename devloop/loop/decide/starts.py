"""Starts of the app in the container that is there, and what has been read by which.

A start has read what was saved before it was asked for. While one is under way nobody knows what it
has read of what came since: that is followed by one more, however much it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from devloop.loop.decide import cycles
from devloop.loop.decide.actions import Plan, RestartApp
from devloop.loop.decide.state import (
    Absent,
    ByStart,
    Cycle,
    CycleAction,
    Idle,
    Outcome,
    Running,
    ServiceState,
    Unseen,
)

Result: TypeAlias = tuple[ServiceState, Plan]


def order_unseen(service: ServiceState, now: float) -> Result:
    """Have the app started for what it has not seen; that answers what awaited a container too."""
    service, plan = order(service, cycles.unseen_names(service.unseen), now)
    if isinstance(service.app, Running):
        service = cycles.awaiting(service, cycles.by_container, ByStart(service.app.ordered))
    return service, plan


def due(service: ServiceState) -> bool:
    """Say whether something was saved that needs another start, and need not rest first.

    What the start under way reads needs none.
    """
    app, unseen = service.app, service.unseen
    if isinstance(app, Running) and app.starting:
        unseen = saved_after(unseen, app.ordered_at)
    return any(not one.resting for one in unseen)


def order(service: ServiceState, cause: str, now: float) -> Result:
    """Have the app started anew in its container, if there is one."""
    app = service.app
    if isinstance(app, Absent):
        return service, ()
    running = Running(app.container, app.made_from, app.start, app.start + 1, now, now)
    return replace(service, app=running), (RestartApp(cause, service.name),)


def restart(service: ServiceState, cycle: Cycle, now: float) -> Result:
    """Answer a cycle by a start; those whose start has not answered yet are superseded.

    While a start is under way it is not known whether it has read what was saved since it was
    asked for: then another one follows it.
    """
    service, superseded = cycles.finish(service, now, Outcome.SUPERSEDED, cycles.by_start)
    plan: Plan = ()
    if not (isinstance(service.app, Running) and service.app.starting):
        service, plan = order(service, cycle.cause, now)
    ordered = service.app.ordered if isinstance(service.app, Running) else 0
    answer = ByStart(ordered + 1 if due(service) else ordered)
    return cycles.wait(service, cycle, CycleAction.RESTART, answer), (*superseded, *plan)


def restart_because(service: ServiceState, cause: str, now: float) -> Result:
    """Start the app anew for something outside of it; one that gets a container needs no start."""
    if not isinstance(service.work, Idle) or isinstance(service.app, Absent):
        return service, ()
    service, cycle, told = cycles.start(service, now, cause)
    service, plan = restart(note_unseen(service, (cause,), now), cycle, now)
    return service, (*told, *plan)


def note_unseen(
    service: ServiceState, what: tuple[str, ...], now: float, *, resting: bool = False
) -> ServiceState:
    """Note what no start has read yet; the newest save of a file counts."""
    kept = tuple(one for one in service.unseen if one.what not in what)
    added = tuple(Unseen(one, now, resting) for one in dict.fromkeys(what))
    return replace(service, unseen=(*kept, *added))


def saved_after(unseen: tuple[Unseen, ...], started_at: float) -> tuple[Unseen, ...]:
    """Give what a start at that time cannot have read."""
    return tuple(one for one in unseen if one.at > started_at)


def outcome_of(service: ServiceState, code: int) -> Outcome:
    """Say what the end of an app means: one that is there to end has done what it should."""
    return Outcome.OK if service.once and code == 0 else Outcome.CRASHED
