"""What the user asks for, and what the engine's going and coming means for a service."""

from __future__ import annotations

from dataclasses import replace

from devloop.loop.decide import cycles
from devloop.loop.decide.actions import Plan
from devloop.loop.decide.converge import drop_work, ensure, make
from devloop.loop.decide.starts import Result, note_unseen, restart
from devloop.loop.decide.state import (
    Absence,
    Absent,
    Building,
    Built,
    ByContainer,
    Cycle,
    CycleAction,
    HandingOver,
    Idle,
    Outcome,
    ServiceState,
)


def restart_asked(service: ServiceState, now: float) -> Result:
    """Start the app anew; a container that is being made is a start."""
    service, cycle, told = _asked(service, "restart", now)
    work = service.work
    if not isinstance(work, Idle):
        service = note_unseen(service, (cycle.cause,), now)
        awaits = ByContainer(work.generation)
        return cycles.wait(service, cycle, CycleAction.RECREATE, awaits), told
    if isinstance(service.app, Absent):
        service, plan = make(service, cycle)
    else:
        service, plan = restart(note_unseen(service, (cycle.cause,), now), cycle, now)
    return service, (*told, *plan)


def rebuild_asked(service: ServiceState, now: float) -> Result:
    """Build whatever there is; what is being built is built anew, a hand-over is waited for."""
    service, cycle, told = _asked(service, "rebuild", now)
    match service.work:
        case HandingOver(generation=generation) as work:
            service = replace(service, work=replace(work, rebuild=True))
            later = ByContainer(generation + 1)
            return cycles.wait(service, cycle, CycleAction.RECREATE, later), told
        case Building() | Built():
            service, dropped = drop_work(service, cycle.cause, now)
        case Idle():
            dropped = ()
    service, plan = make(service, cycle, forced=True)
    return service, (*dropped, *told, *plan)


def _asked(service: ServiceState, what: str, now: float) -> tuple[ServiceState, Cycle, Plan]:
    return cycles.start(service, now, f"{what} asked for", asked=what)


def without_engine(service: ServiceState, now: float, asked: str) -> Result:
    """Answer a wish that nothing can be done for: the engine is gone."""
    service, cycle, told = _asked(service, asked, now)
    cycle = replace(cycle, cause=cycles.NO_ENGINE)
    return service, (*told, cycles.end(cycle, now, Outcome.FAILED))


def engine_lost(service: ServiceState, now: float) -> Result:
    """Forget what was under way, wishes with it: nothing of it is there any more."""
    service, closed = cycles.finish(service, now, Outcome.FAILED)
    service = replace(
        service,
        work=Idle(),
        app=Absent(Absence.ENGINE),
        generation=service.generation + 1,
        unseen=(),
        rewrites=(),
    )
    return service, closed


def engine_found(service: ServiceState) -> Result:
    """Go for what is wanted, also for what had failed."""
    return ensure(replace(service, failed=None), "the engine is back")


def stopped(service: ServiceState, now: float, cause: str) -> Result:
    """Cancel what is being built and close every cycle: it is over."""
    service, dropped = drop_work(service, cause, now)
    service, closed = cycles.finish(service, now, Outcome.SUPERSEDED)
    return service, (*dropped, *closed)
