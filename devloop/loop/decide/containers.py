"""What becomes of images and containers: results of an old generation are dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from devloop import events
from devloop.loop.decide import cycles
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import Quit, tell
from devloop.loop.decide.converge import converge
from devloop.loop.decide.starts import Result, saved_after
from devloop.loop.decide.state import (
    Absence,
    Absent,
    Building,
    Built,
    ByStart,
    Cycle,
    CycleAction,
    HandingOver,
    Idle,
    Outcome,
    Running,
    ServiceState,
    made_from,
)


def image_ready(service: ServiceState, it: on.ImageReady) -> Result:
    """Have the image's container wait for its turn."""
    work = service.work
    if not isinstance(work, Building) or it.generation != work.generation:
        return service, ()
    digest = work.goal.fingerprint.digest
    told = tell(events.ImageBuilt(it.image, digest, it.cached, it.duration, it.size))
    build_s = None if it.cached else it.duration
    return replace(service, work=Built(work.goal, work.generation, it.image, build_s)), (told,)


def image_failed(service: ServiceState, it: on.ImageFailed) -> Result:
    """Give up what was to be made, and go for what is wanted by now."""
    work = service.work
    if not isinstance(work, Building) or it.generation != work.generation:
        return service, ()
    told = tell(events.ImageFailed(it.step, it.message))
    tried = tuple(
        replace(one, action=CycleAction.REBUILD) if cycles.by_container(one.awaits) else one
        for one in service.cycles
    )
    service = replace(service, cycles=tried, work=Idle(), failed=work.goal)
    service, closed = cycles.finish(service, it.now, Outcome.FAILED, cycles.by_container)
    service, plan = converge(service, it.now)
    return service, (told, *closed, *plan)


def hand_over(service: ServiceState, work: Built, now: float) -> Result:
    """Give a service over to the container that is made now; starts of the old one end."""
    handing = HandingOver(work.goal, work.generation, work.image, work.build_s)
    return cycles.finish(replace(service, work=handing), now, Outcome.SUPERSEDED, cycles.by_start)


def failed(service: ServiceState) -> bool:
    """Say whether there is no container because what is wanted could not be had."""
    absent = isinstance(service.work, Idle) and isinstance(service.app, Absent)
    return absent and service.wanted.same(service.failed)


def give_up(service: ServiceState, cause: str, now: float) -> Result:
    """Close what waits for a container that cannot come before something else is mended."""
    told = tuple(
        cycles.end(replace(one, cause=cause), now, Outcome.FAILED) for one in service.cycles
    )
    return replace(service, cycles=()), told


def try_alone(service: ServiceState) -> ServiceState:
    """Have the hand-over tried again, of this service alone: it failed together with others."""
    work = service.work
    if not isinstance(work, HandingOver):
        return service
    again = Built(work.goal, work.generation, work.image, work.build_s, alone=True)
    return replace(service, work=again)


def handed_over(service: ServiceState, it: on.HandedOver) -> Result:
    """Take the new container for the one that serves."""
    work = service.work
    if not isinstance(work, HandingOver) or it.generation != work.generation:
        return service, ()
    app = Running(it.container, work.goal, 0, 1, it.started_at, it.now)
    made = cycles.made_by(work.generation)
    answered = tuple(
        _answered(one, work, it.gap_since) if made(one.awaits) else one for one in service.cycles
    )
    service = replace(
        service,
        work=Idle(),
        app=app,
        failed=None,
        cycles=answered,
        unseen=saved_after(service.unseen, it.started_at),
        rewrites=(),
    )
    told = tell(events.AppStarted(it.container, it.image))
    service, plan = converge(service, it.now, rebuild=work.rebuild)
    return service, (told, *plan)


def _answered(cycle: Cycle, work: HandingOver, gap_since: float | None) -> Cycle:
    """Let a cycle end with the first start of the new container."""
    built = work.build_s is not None and cycle.action is CycleAction.RECREATE
    return replace(
        cycle,
        action=CycleAction.REBUILD if built else cycle.action,
        awaits=ByStart(1),
        build_s=work.build_s,
        gap_since=gap_since,
    )


def hand_over_failed(service: ServiceState, it: on.HandOverFailed) -> Result:
    """Take what is left, and go for what is wanted by now."""
    work = service.work
    if not isinstance(work, HandingOver) or it.generation != work.generation:
        return service, ()
    told = tell(events.Error(it.message, it.hint))
    if it.fatal is not None and service.app == Absent(Absence.NEVER):
        return service, (told, Quit(it.message, it.fatal))
    service = replace(_left(service, it), work=Idle(), failed=work.goal)
    made = cycles.made_by(work.generation)
    service, closed = cycles.finish(service, it.now, Outcome.FAILED, made)
    service, plan = converge(service, it.now, rebuild=work.rebuild)
    return service, (told, *closed, *plan)


def _left(service: ServiceState, it: on.HandOverFailed) -> ServiceState:
    """Take what a failed hand-over leaves of the old container."""
    old = made_from(service.app)
    match it.left:
        case on.Untouched():
            return service
        case on.BroughtBack(container, started_at) if old is not None:
            app = Running(container, old, 0, 1, started_at, it.now)
            return replace(service, app=app, unseen=saved_after(service.unseen, started_at))
        case on.BroughtBack() | on.Nothing():
            return service if old is None else replace(service, app=Absent(Absence.GONE))
        case _:
            assert_never(it.left)
