"""One service: the least action that makes its running app true again.

At most one long work at a time, with a generation; a newer change that needs another image cancels
a build, and results of old generations are dropped. Whatever ends, ``converge`` goes for what is
wanted then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias, assert_never

from devloop import events
from devloop.loop.decide import cycles, rewrites
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import (
    CancelBuild,
    EnsureImage,
    Plan,
    Probe,
    Quit,
    Recheck,
    ReloadApp,
    Report,
    RestartApp,
    Settle,
    tell,
)
from devloop.loop.decide.state import (
    Absence,
    Absent,
    Building,
    Built,
    ByContainer,
    ByStart,
    Cycle,
    CycleAction,
    Exited,
    HandingOver,
    Idle,
    Outcome,
    Rewrites,
    Running,
    ServiceState,
    Unseen,
    made_from,
)
from devloop.model import ByCommand, ByItself, ByRestart, BySignal
from devloop.project.classify import Impact

Result: TypeAlias = tuple[ServiceState, Plan]


def step(service: ServiceState, happened: on.ServiceEvent) -> Result:  # noqa: C901, PLR0911, PLR0912 - one arm an input
    """Decide what one input to a service causes."""
    match happened:
        case on.Changed():
            return _changed(service, happened)
        case on.Waited():
            return _waited(service, happened)
        case on.Settled():
            return _settled(service, happened)
        case on.ImageReady():
            return _image_ready(service, happened)
        case on.ImageFailed():
            return _image_failed(service, happened)
        case on.HandedOver():
            return _handed_over(service, happened)
        case on.HandOverFailed():
            return _hand_over_failed(service, happened)
        case on.AppStarted():
            return _app_started(service, happened)
        case on.AppReady():
            return _app_ready(service, happened)
        case on.AppSlow():
            return _app_slow(service, happened)
        case on.AppExited():
            return _app_exited(service, happened)
        case on.RestartFailed():
            return _restart_failed(service, happened)
        case on.ReloadFailed():
            error = f"the app could not be reloaded: {happened.message}"
            return service, (tell(events.Error(error, "see app.reload")),)
        case _:
            assert_never(happened)


# going for what is wanted


def converge(service: ServiceState, now: float, *, rebuild: bool = False) -> Result:
    """Go for what is wanted now: the one place where every work ends."""
    if not isinstance(service.work, Idle):
        return service, ()
    wanted = service.wanted
    if rebuild or not (wanted.same(made_from(service.app)) or wanted.same(service.failed)):
        return ensure(service, cycles.cause(service), forced=rebuild)
    return _settle_for_what_runs(service, now)


def _settle_for_what_runs(service: ServiceState, now: float) -> Result:
    """Let the container that is there see what it has not seen; close what awaited another one."""
    app = service.app
    match app:
        case Absent():
            service, closed = cycles.finish(service, now, Outcome.FAILED)
            return replace(service, unseen=()), closed
        case Exited() if not _due(service):
            return cycles.finish(service, now, _ended(service, app.code), cycles.by_container)
        case Running() if app.starting or not _due(service):
            answered = ByStart(app.ordered)
            service = cycles.awaiting(service, cycles.by_container, answered)
            if app.ready:
                return cycles.finish(service, now, Outcome.OK, cycles.started_by(app.start))
            return service, ()
        case Exited() | Running():
            return _order_unseen(service, now)


def _order_unseen(service: ServiceState, now: float) -> Result:
    """Have the app started for what it has not seen; that answers what awaited a container too."""
    service, plan = _order(service, cycles.unseen_names(service.unseen), now)
    if isinstance(service.app, Running):
        service = cycles.awaiting(service, cycles.by_container, ByStart(service.app.ordered))
    return service, plan


def _due(service: ServiceState) -> bool:
    """Say whether something was saved that no start has read and that need not rest first."""
    return any(not one.resting for one in service.unseen)


def ensure(service: ServiceState, cause: str, *, forced: bool = False) -> Result:
    """Have the image made that is wanted, and the app run from it."""
    generation = service.generation + 1
    work = Building(service.wanted, generation, forced)
    order = EnsureImage(cause, service.name, generation, service.wanted, forced)
    return replace(service, work=work, generation=generation), (order,)


def _order(service: ServiceState, cause: str, now: float) -> Result:
    """Have the app started anew in its container, if there is one."""
    app = service.app
    if isinstance(app, Absent):
        return service, ()
    running = Running(app.container, app.made_from, app.start, app.start + 1, now, now)
    return replace(service, app=running), (RestartApp(cause, service.name),)


def _restart(service: ServiceState, cycle: Cycle, now: float) -> Result:
    """Answer a cycle by a start; those whose start has not answered yet are superseded.

    While a start is under way it is not known whether it has read what was saved since it was
    asked for: then another one follows it.
    """
    service, superseded = cycles.finish(service, now, Outcome.SUPERSEDED, cycles.by_start)
    plan: Plan = ()
    if not (isinstance(service.app, Running) and service.app.starting):
        service, plan = _order(service, cycle.cause, now)
    ordered = service.app.ordered if isinstance(service.app, Running) else 0
    answer = ByStart(ordered if plan else ordered + 1)
    return cycles.wait(service, cycle, CycleAction.RESTART, answer), (*superseded, *plan)


def restart_because(service: ServiceState, cause: str, now: float) -> Result:
    """Start the app anew for something outside of it; one that gets a container needs no start."""
    if not isinstance(service.work, Idle) or isinstance(service.app, Absent):
        return service, ()
    service, cycle, told = cycles.start(service, now, cause)
    service, plan = _restart(_unseen(service, (cause,), now), cycle, now)
    return service, (*told, *plan)


def _unseen(
    service: ServiceState, what: tuple[str, ...], now: float, *, resting: bool = False
) -> ServiceState:
    """Note what no start has read yet; the newest save of a file counts."""
    kept = tuple(one for one in service.unseen if one.what not in what)
    added = tuple(Unseen(one, now, resting) for one in dict.fromkeys(what))
    return replace(service, unseen=(*kept, *added))


# batches


def _changed(service: ServiceState, it: on.Changed) -> Result:
    """Open a cycle for a batch, tell what is wrong in it, and answer it."""
    impact = it.impact
    paths = tuple(one.path for one in it.changes)
    service, cycle, told = cycles.start(service, it.now, cycles.why(impact), paths=paths)
    told += tuple(tell(events.Notice(text)) for text in impact.warnings)
    if impact.error:
        told += (tell(events.Error(impact.error, "the last good state stays in force")),)
    new = [path for path, _ in impact.broken if path not in service.broken]
    told += tuple(Recheck("", service.name, path) for path in new)
    broken = frozenset(path for path, _ in impact.broken)
    service = replace(service, wanted=impact.wanted, broken=broken)
    service, plan = _answer(service, it, cycle)
    return service, (*told, *plan)


def _answer(service: ServiceState, it: on.Changed, cycle: Cycle) -> Result:
    """Choose the least action for a batch."""
    impact, work = it.impact, service.work
    goal = made_from(service.app) if isinstance(work, Idle) else work.goal
    if not impact.wanted.same(goal) and not _hopeless(service, impact):
        return _pursue(_unseen(service, impact.restarts, it.now), it, cycle)
    if impact.restarts:
        return _refresh(service, it, cycle)
    return service, (cycles.end(cycle, it.now, Outcome.OK),)


def _hopeless(service: ServiceState, impact: Impact) -> bool:
    """Say whether what is wanted just failed and this batch cannot mend it."""
    idle = isinstance(service.work, Idle)
    return idle and impact.wanted.same(service.failed) and not impact.mends


def _pursue(service: ServiceState, it: on.Changed, cycle: Cycle) -> Result:
    """Go for another image or container than what runs or is being made."""
    impact = it.impact
    cycle = replace(cycle, cause=_why_made(service, impact) or cycle.cause)
    work = service.work
    match work:
        case HandingOver():
            later = ByContainer(work.generation + 1)
            return cycles.wait(service, cycle, CycleAction.RECREATE, later), ()
        case Building() | Built() if impact.wanted.same_image(work.goal):
            service = replace(service, work=replace(work, goal=impact.wanted))
            return cycles.wait(
                service, cycle, CycleAction.RECREATE, ByContainer(work.generation)
            ), ()
        case Building() | Built():
            service, dropped = _drop_work(service, cycle.cause, it.now)
            if impact.wanted.same(made_from(service.app)):
                service, plan = _back(service, cycle, it.now)
            else:
                service, plan = _make(service, cycle)
            return service, (*dropped, *plan)
        case Idle():
            return _make(service, cycle)


def _why_made(service: ServiceState, impact: Impact) -> str:
    """Say why another container is made, empty if the batch does not tell."""
    if impact.moved:
        return "; ".join(impact.moved)
    if impact.respec:
        return f"{impact.settings} changed"
    return "its container is gone" if service.app == Absent(Absence.GONE) else ""


def _make(service: ServiceState, cycle: Cycle, *, forced: bool = False) -> Result:
    """Answer a cycle by a container that is to be made."""
    service, plan = ensure(service, cycle.cause, forced=forced)
    return cycles.wait(service, cycle, CycleAction.RECREATE, ByContainer(service.generation)), plan


def _drop_work(service: ServiceState, cause: str, now: float) -> Result:
    """Cancel a build, or take no container from one that has ended."""
    cancelled: Plan = ()
    if isinstance(service.work, Building):
        cancelled = (
            CancelBuild(cause, service.name, service.work.generation),
            tell(events.ImageCancelled(cause)),
        )
    service, closed = cycles.finish(service, now, Outcome.SUPERSEDED, cycles.by_container)
    return replace(service, work=Idle()), (*cancelled, *closed)


def _back(service: ServiceState, cycle: Cycle, now: float) -> Result:
    """Go back to what runs: nothing to build, what was saved meanwhile still to be seen."""
    if _due(service) or isinstance(service.app, Exited):
        cause = cycles.unseen_names(service.unseen) or cycle.cause
        return _restart(service, replace(cycle, cause=cause), now)
    cycle = replace(cycle, cause="what runs is what is wanted again")
    return service, (cycles.end(cycle, now, Outcome.OK),)


def _refresh(service: ServiceState, it: on.Changed, cycle: Cycle) -> Result:
    """Let the running app see source changes."""
    impact, now = it.impact, it.now
    names = cycles.names(impact.restarts)
    if impact.unmoved:
        names += f" (no dependency moved in {cycles.names(impact.unmoved)}: no build)"
    if _replaced(service):
        cycle = replace(cycle, cause=f"{names}, with the new image")
        service = _unseen(service, impact.restarts, now)
        return cycles.wait(
            service, cycle, CycleAction.RECREATE, ByContainer(service.generation)
        ), ()
    if isinstance(service.app, Absent):
        cycle = replace(cycle, cause="nothing runs yet")
        return service, (cycles.end(cycle, now, Outcome.OK),)
    service, own = rewrites.count(service, impact.restarts, now)
    if own:
        return _let_rest(service, own, cycle, now)
    cycle = replace(cycle, cause=names)
    if isinstance(impact.reload, ByRestart) or isinstance(service.app, Exited):
        return _restart(_unseen(service, impact.restarts, now), cycle, now)
    return service, (*_reload(service, impact, names), _reloaded(cycle, now))


def _replaced(service: ServiceState) -> bool:
    """Say whether a new container will read what is saved now; a dead app need not wait for it."""
    if isinstance(service.work, Building | Built):
        return not isinstance(service.app, Exited)
    return isinstance(service.work, HandingOver)


def _reloaded(cycle: Cycle, now: float) -> Report:
    return cycles.end(replace(cycle, action=CycleAction.RELOAD), now, Outcome.OK)


def _reload(service: ServiceState, impact: Impact, names: str) -> Plan:
    match impact.reload:
        case BySignal() | ByCommand():
            return (ReloadApp(names, service.name, impact.reload),)
        case ByItself() | ByRestart():
            return ()


def _let_rest(service: ServiceState, own: Rewrites, cycle: Cycle, now: float) -> Result:
    """Wait until a file rests that the app may be writing."""
    seconds = rewrites.rest(own)
    why = f"{own.path}: changed after each of {own.count - 1} starts, waiting until it rests"
    service = _unseen(service, (own.path,), now, resting=True)
    told: Plan = ()
    if own.count == rewrites.CERTAIN + 1:
        notice = f"{own.path}: the app itself may be writing it, so it starts the app ever later"
        told = (tell(events.Notice(notice)),)
    closed = cycles.end(replace(cycle, cause=why), now, Outcome.OK)
    return service, (Settle("", service.name, own.path, now, seconds), *told, closed)


def _settled(service: ServiceState, it: on.Settled) -> Result:
    """Start the app for a file that has come to rest: nothing that a user saved is lost."""
    rested = Unseen(it.path, it.at, resting=True)
    if rested not in service.unseen:
        return service, ()
    service = _unseen(service, (it.path,), it.at)
    if not isinstance(service.work, Idle):
        return service, ()
    return _settle_for_what_runs(service, it.now)


def _waited(service: ServiceState, it: on.Waited) -> Result:
    if not it.complaint or it.path not in service.broken:
        return service, ()
    error = f"{it.path} does not parse: {it.complaint}"
    return service, (tell(events.Error(error, "mend it; the last good one counts till then")),)


# images and containers


def _image_ready(service: ServiceState, it: on.ImageReady) -> Result:
    work = service.work
    if not isinstance(work, Building) or it.generation != work.generation:
        return service, ()
    digest = work.goal.fingerprint.digest
    told = tell(events.ImageBuilt(it.image, digest, it.cached, it.duration, it.size))
    build_s = None if it.cached else it.duration
    return replace(service, work=Built(work.goal, work.generation, it.image, build_s)), (told,)


def _image_failed(service: ServiceState, it: on.ImageFailed) -> Result:
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


def reason(service: ServiceState) -> str:
    """Say why a service gets a container."""
    return cycles.cause(service)


def try_alone(service: ServiceState) -> ServiceState:
    """Have the hand-over tried again, of this service alone: it failed together with others."""
    work = service.work
    if not isinstance(work, HandingOver):
        return service
    again = Built(work.goal, work.generation, work.image, work.build_s, alone=True)
    return replace(service, work=again)


def _handed_over(service: ServiceState, it: on.HandedOver) -> Result:
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
        unseen=_after(service.unseen, it.started_at),
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


def _after(unseen: tuple[Unseen, ...], started_at: float) -> tuple[Unseen, ...]:
    """Give what a start at that time cannot have read."""
    return tuple(one for one in unseen if one.at > started_at)


def _hand_over_failed(service: ServiceState, it: on.HandOverFailed) -> Result:
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
            return replace(service, app=app, unseen=_after(service.unseen, started_at))
        case on.BroughtBack() | on.Nothing():
            return service if old is None else replace(service, app=Absent(Absence.GONE))
        case _:
            assert_never(it.left)


# the app's process


def _app_started(service: ServiceState, it: on.AppStarted) -> Result:
    app = service.app
    if isinstance(app, Absent) or it.container != app.container or it.number <= app.start:
        return service, ()
    asked = isinstance(app, Running) and it.number >= app.ordered
    ordered = app.ordered if isinstance(app, Running) else 0
    ordered_at = app.ordered_at if isinstance(app, Running) else 0.0
    running = Running(
        app.container,
        app.made_from,
        it.number,
        max(ordered, it.number),
        ordered_at,
        it.now,
    )
    unseen = _after(service.unseen, ordered_at) if asked else service.unseen
    service = replace(service, app=running, unseen=unseen)
    if isinstance(service.work, Idle) and not running.starting and _due(service):
        return _order_unseen(service, it.now)
    return service, (Probe("", service.name, it.container, it.number),)


def _answers(service: ServiceState, container: str, number: int) -> Running | None:
    """Give the app if this start of it is the one that counts; None for one of before."""
    app = service.app
    if not isinstance(app, Running) or isinstance(service.work, HandingOver):
        return None
    fits = container == app.container and number == app.start and not app.starting
    return app if fits and not app.ready else None


def _app_ready(service: ServiceState, it: on.AppReady) -> Result:
    app = _answers(service, it.container, it.number)
    if app is None:
        return service, ()
    told = tell(events.AppReady(it.url, it.now - app.since))
    service = replace(service, app=replace(app, ready=True))
    service, closed = cycles.finish(service, it.now, Outcome.OK, cycles.started_by(it.number))
    return service, (told, *closed)


def _app_slow(service: ServiceState, it: on.AppSlow) -> Result:
    if _answers(service, it.container, it.number) is None:
        return service, ()
    told = tell(events.Error("the app does not answer yet", it.hint))
    started = cycles.started_by(it.number)
    service, closed = cycles.finish(service, it.now, Outcome.UNREADY, started)
    return service, (told, *closed)


def _app_exited(service: ServiceState, it: on.AppExited) -> Result:
    app = service.app
    if isinstance(app, Absent) or it.container != app.container:
        return service, ()
    if isinstance(app, Exited) and not it.gone:
        return service, ()
    told = tell(events.AppExited(it.code))
    if it.gone:
        service = replace(service, app=Absent(Absence.GONE))
    elif isinstance(app, Running) and app.starting:
        return service, (told,)  # the process before the one that was asked for
    else:
        service = replace(service, app=Exited(app.container, app.made_from, app.start, it.code))
    outcome = _ended(service, it.code)
    service, closed = cycles.finish(service, it.now, outcome, cycles.by_start)
    return service, (told, *closed)


def _ended(service: ServiceState, code: int) -> Outcome:
    """Say what the end of an app means: one that is there to end has done what it should."""
    return Outcome.OK if service.once and code == 0 else Outcome.CRASHED


def _restart_failed(service: ServiceState, it: on.RestartFailed) -> Result:
    """Take it that nothing runs: what was saved waits for the next save."""
    app = service.app
    if not isinstance(app, Running) or it.container != app.container or not app.starting:
        return service, ()
    service = replace(service, app=Exited(app.container, app.made_from, app.start, 1))
    told = tell(events.Error(f"the app could not be started anew: {it.message}"))
    service, closed = cycles.finish(service, it.now, Outcome.FAILED, cycles.by_start)
    return service, (told, *closed)


# what the user asks for, and the engine


def restart_asked(service: ServiceState, now: float) -> Result:
    """Start the app anew; a container that is being made is a start."""
    service, cycle, told = _asked(service, "restart", now)
    work = service.work
    if not isinstance(work, Idle):
        service = _unseen(service, (cycle.cause,), now)
        awaits = ByContainer(work.generation)
        return cycles.wait(service, cycle, CycleAction.RECREATE, awaits), told
    if isinstance(service.app, Absent):
        service, plan = _make(service, cycle)
    else:
        service, plan = _restart(_unseen(service, (cycle.cause,), now), cycle, now)
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
            service, dropped = _drop_work(service, cycle.cause, now)
        case Idle():
            dropped = ()
    service, plan = _make(service, cycle, forced=True)
    return service, (*dropped, *told, *plan)


def _asked(service: ServiceState, what: str, now: float) -> tuple[ServiceState, Cycle, Plan]:
    return cycles.start(service, now, f"{what} asked for", asked=what)


def without_engine(service: ServiceState, now: float, outcome: Outcome, asked: str = "") -> Result:
    """Answer a wish that nothing can be done for: the engine is gone."""
    service, cycle, told = _asked(service, asked, now)
    cycle = replace(cycle, cause=cycles.NO_ENGINE)
    return service, (*told, cycles.end(cycle, now, outcome))


def saved_without_engine(service: ServiceState, it: on.Changed) -> Result:
    """Note what is wanted when the engine is there again."""
    paths = tuple(one.path for one in it.changes)
    service, cycle, told = cycles.start(service, it.now, cycles.NO_ENGINE, paths=paths)
    service = replace(service, wanted=it.impact.wanted)
    return service, (*told, cycles.end(cycle, it.now, Outcome.OK))


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
    cancelled: Plan = ()
    if isinstance(service.work, Building):
        cancelled = (CancelBuild(cause, service.name, service.work.generation),)
    service, closed = cycles.finish(service, now, Outcome.SUPERSEDED)
    return replace(service, work=Idle(), generation=service.generation + 1), (*cancelled, *closed)
