"""What a batch of saved files causes: the least action that makes the running app true again."""

from __future__ import annotations

from dataclasses import replace

from devloop import events
from devloop.loop.decide import cycles, rewrites
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import Plan, Recheck, ReloadApp, Report, Settle, tell
from devloop.loop.decide.converge import drop_work, make, settle_for_what_runs
from devloop.loop.decide.starts import Result, due, note_unseen, restart
from devloop.loop.decide.state import (
    Absence,
    Absent,
    Building,
    Built,
    ByContainer,
    Cycle,
    CycleAction,
    Exited,
    HandingOver,
    Idle,
    Outcome,
    Rewrites,
    ServiceState,
    Unseen,
    made_from,
)
from devloop.model import ByCommand, ByItself, ByRestart, BySignal
from devloop.project.classify import Impact


def changed(service: ServiceState, it: on.Changed) -> Result:
    """Open a cycle for a batch, tell what is wrong in it, and answer it."""
    service, cycle, told = _opened(service, it)
    service, plan = _answer(service, it, cycle)
    return service, (*told, *plan)


def changed_without_engine(service: ServiceState, it: on.Changed) -> Result:
    """Note what is wanted when the engine is there again."""
    service, cycle, told = _opened(service, it)
    ended = cycles.end(replace(cycle, cause=cycles.NO_ENGINE), it.now, Outcome.OK)
    return service, (*told, ended)


def _opened(service: ServiceState, it: on.Changed) -> tuple[ServiceState, Cycle, Plan]:
    impact = it.impact
    paths = tuple(one.path for one in it.changes)
    service, cycle, told = cycles.start(service, it.now, cycles.why(impact), paths=paths)
    told += tuple(tell(events.Notice(text)) for text in impact.warnings)
    if impact.error:
        told += (tell(events.Error(impact.error, "the last good state stays in force")),)
    new = [path for path, _ in impact.broken if path not in service.broken]
    told += tuple(Recheck("", service.name, path) for path in new)
    broken = frozenset(path for path, _ in impact.broken)
    return replace(service, wanted=impact.wanted, broken=broken), cycle, told


def _answer(service: ServiceState, it: on.Changed, cycle: Cycle) -> Result:
    """Choose the least action for a batch."""
    impact, work = it.impact, service.work
    goal = made_from(service.app) if isinstance(work, Idle) else work.goal
    if not impact.wanted.same(goal) and not _hopeless(service, impact):
        return _pursue(note_unseen(service, impact.restarts, it.now), it, cycle)
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
            service, dropped = drop_work(service, cycle.cause, it.now)
            if impact.wanted.same(made_from(service.app)):
                service, plan = _back(service, cycle, it.now)
            else:
                service, plan = make(service, cycle)
            return service, (*dropped, *plan)
        case Idle():
            return make(service, cycle)


def _why_made(service: ServiceState, impact: Impact) -> str:
    """Say why another container is made, empty if the batch does not tell."""
    if impact.moved:
        return "; ".join(impact.moved)
    if impact.respec:
        return f"{impact.settings} changed"
    return "its container is gone" if service.app == Absent(Absence.GONE) else ""


def _back(service: ServiceState, cycle: Cycle, now: float) -> Result:
    """Go back to what runs: nothing to build, what was saved meanwhile still to be seen."""
    if due(service) or isinstance(service.app, Exited):
        cause = cycles.unseen_names(service.unseen) or cycle.cause
        return restart(service, replace(cycle, cause=cause), now)
    cycle = replace(cycle, cause="what runs is what is wanted again")
    awaits = ByContainer(service.generation)
    return settle_for_what_runs(cycles.wait(service, cycle, CycleAction.NONE, awaits), now)


def _refresh(service: ServiceState, it: on.Changed, cycle: Cycle) -> Result:
    """Let the running app see source changes."""
    impact, now = it.impact, it.now
    names = cycles.names(impact.restarts)
    if impact.unmoved:
        names += f" (no dependency moved in {cycles.names(impact.unmoved)}: no build)"
    if _replaced(service):
        cycle = replace(cycle, cause=f"{names}, with the new image")
        service = note_unseen(service, impact.restarts, now)
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
        return restart(note_unseen(service, impact.restarts, now), cycle, now)
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
    service = note_unseen(service, (own.path,), now, resting=True)
    told: Plan = ()
    if own.count == rewrites.CERTAIN + 1:
        notice = f"{own.path}: the app itself may be writing it, so it starts the app ever later"
        told = (tell(events.Notice(notice)),)
    closed = cycles.end(replace(cycle, cause=why), now, Outcome.OK)
    return service, (Settle("", service.name, own.path, now, seconds), *told, closed)


def settled(service: ServiceState, it: on.Settled) -> Result:
    """Start the app for a file that has come to rest: nothing that a user saved is lost."""
    rested = Unseen(it.path, it.at, resting=True)
    if rested not in service.unseen:
        return service, ()
    service = note_unseen(service, (it.path,), it.at)
    if not isinstance(service.work, Idle):
        return service, ()
    return settle_for_what_runs(service, it.now)


def waited(service: ServiceState, it: on.Waited) -> Result:
    """Tell of a file that is still half-written after a while."""
    if not it.complaint or it.path not in service.broken:
        return service, ()
    error = f"{it.path} does not parse: {it.complaint}"
    return service, (tell(events.Error(error, "mend it; the last good one counts till then")),)
