"""Going for what is wanted: the one place where every work ends, whatever became of it."""

from __future__ import annotations

from dataclasses import replace

from devloop import events
from devloop.loop.decide import cycles
from devloop.loop.decide.actions import CancelBuild, EnsureImage, Plan, tell
from devloop.loop.decide.starts import Result, due, order_unseen, outcome_of
from devloop.loop.decide.state import (
    Absent,
    Answer,
    Building,
    ByContainer,
    ByStart,
    Cycle,
    CycleAction,
    Exited,
    Idle,
    Outcome,
    Running,
    ServiceState,
    made_from,
)


def converge(service: ServiceState, now: float, *, rebuild: bool = False) -> Result:
    """Go for what is wanted now: the one place where every work ends."""
    if not isinstance(service.work, Idle):
        return service, ()
    wanted = service.wanted
    if rebuild or not (wanted.same(made_from(service.app)) or wanted.same(service.failed)):
        return ensure(service, cycles.cause(service), forced=rebuild)
    return settle_for_what_runs(service, now)


def settle_for_what_runs(service: ServiceState, now: float) -> Result:
    """Let the container that is there see what it has not seen; close what awaited another one."""
    app = service.app
    match app:
        case Absent():
            service, closed = cycles.finish(service, now, Outcome.FAILED)
            return replace(service, unseen=()), closed
        case Exited() if not due(service):
            return cycles.finish(service, now, outcome_of(service, app.code), cycles.by_container)
        case Running() if app.starting or not due(service):
            service = cycles.awaiting(service, cycles.by_container, ByStart(app.ordered))
            if app.answer is Answer.AWAITED:
                return service, ()
            outcome = Outcome.OK if app.ready else Outcome.UNREADY
            return cycles.finish(service, now, outcome, cycles.started_by(app.start))
        case Exited() | Running():
            return order_unseen(service, now)


def ensure(service: ServiceState, cause: str, *, forced: bool = False) -> Result:
    """Have the image made that is wanted, and the app run from it."""
    generation = service.generation + 1
    work = Building(service.wanted, generation, forced)
    order = EnsureImage(cause, service.name, generation, service.wanted, forced)
    return replace(service, work=work, generation=generation), (order,)


def make(service: ServiceState, cycle: Cycle, *, forced: bool = False) -> Result:
    """Answer a cycle by a container that is to be made."""
    service, plan = ensure(service, cycle.cause, forced=forced)
    return cycles.wait(service, cycle, CycleAction.RECREATE, ByContainer(service.generation)), plan


def drop_work(service: ServiceState, cause: str, now: float) -> Result:
    """Cancel a build, or take no container from one that has ended."""
    cancelled: Plan = ()
    if isinstance(service.work, Building):
        cancelled = (
            CancelBuild(cause, service.name, service.work.generation),
            tell(events.ImageCancelled(cause)),
        )
    service, closed = cycles.finish(service, now, Outcome.SUPERSEDED, cycles.by_container)
    return replace(service, work=Idle()), (*cancelled, *closed)
