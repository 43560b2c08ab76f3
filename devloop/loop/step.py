"""``step(state, input) -> (state, plan)``: every decision of the loop, pure.

The law: the least action that makes the running app true again. At most one long work at a time,
an image or a swap, with a generation; a newer change that needs another image cancels it, and the
results of old generations are dropped. While an image is made the serving app is left alone, and
source changes wait for the new container, which reads them at its start; if the work fails they
restart the old app. A source change that comes while nothing long is under way restarts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from devloop import events
from devloop.loop import closing, jobwork
from devloop.loop import inputs as on
from devloop.loop.actions import (
    Action,
    CancelBuild,
    EnsureImage,
    Plan,
    Probe,
    Quit,
    Recheck,
    Reconnect,
    Reload,
    Report,
    Restart,
    Settle,
    Swap,
)
from devloop.loop.classify import Impact
from devloop.loop.state import App, Cycle, State, Work

Result: TypeAlias = tuple[State, Plan]

FRESH = 0.5
"""A change within so many seconds after a start may be the app's own doing."""
LOOPS, CERTAIN = 3, 6
NO_ENGINE = "the engine is gone"


def step(state: State, happened: on.Input) -> Result:
    """Decide what one input causes; nothing after the end."""
    if state.ended:
        return state, ()
    state, plan = HANDLERS[type(happened)](state, happened)
    if state.ended:
        return state, plan
    state, jobs = jobwork.follow(state, happened)
    return state, jobs + plan


def _begun(state: State, it: on.Begun) -> Result:
    notices = tuple(Report("", events.Notice(text)) for text in it.notices)
    state, plan = _ensure(replace(state, wanted=it.wanted), "start")
    return state, notices + plan


def _changed(state: State, it: on.Changed) -> Result:
    impact = it.impact
    number = state.count + 1
    told: list[Action] = [
        Report("", events.CycleStarted(number, tuple(one.path for one in it.changes)))
    ]
    told += [Report("", events.Notice(text)) for text in impact.warnings]
    if impact.error:
        told.append(Report("", events.Error(impact.error, "the last good state stays in force")))
    new = [path for path, _ in impact.broken if path not in state.broken]
    told += [Recheck("", path) for path in new]
    state = replace(
        state,
        count=number,
        wanted=impact.wanted,
        broken=frozenset(path for path, _ in impact.broken),
    )
    state, plan = _answer(state, it, Cycle(number, it.now, "none", closing.why(impact)))
    return state, (*told, *plan)


def _answer(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Choose the least action for a batch."""
    wanted, impact = it.impact.wanted, it.impact
    if not state.engine:
        return closing.close(state, replace(cycle, cause=NO_ENGINE), it.now, "ok")
    current = state.serving if state.work is Work.IDLE else state.goal
    if not wanted.same(current) and not _hopeless(state, impact):
        return _pursue(state, it, cycle)
    if impact.restarts:
        return _refresh(state, it, cycle)
    return closing.close(state, cycle, it.now, "ok")


def _hopeless(state: State, impact: Impact) -> bool:
    """Say whether what is wanted just failed and this batch cannot mend it."""
    return state.work is Work.IDLE and impact.wanted.same(state.failed) and not impact.mends


def _pursue(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Go for another image or container than what runs or is being made."""
    impact = it.impact
    cause = "; ".join(impact.moved) or (
        f"{impact.settings} changed" if impact.respec else cycle.cause
    )
    cycle = replace(cycle, action="recreate", cause=cause)
    late = (*state.late, *impact.restarts)
    if state.work is Work.SWAP:
        return replace(state, cycles=(*state.cycles, cycle), late=late), ()
    if state.work is Work.IMAGE:
        if impact.wanted.same_image(state.goal):
            joined = (*state.cycles, cycle)
            return replace(state, goal=impact.wanted, cycles=joined, late=late), ()
        cancel = CancelBuild(cause, state.generation)
        state, closed = closing.supersede(replace(state, late=late), it.now)
        told = Report("", events.ImageCancelled(cause))
        if impact.wanted.same(state.serving):
            state, plan = _back(state, it, cycle)
        else:
            state, plan = _ensure(replace(state, cycles=(cycle,)), cause)
        return state, (cancel, told, *closed, *plan)
    return _ensure(replace(state, cycles=(*state.cycles, cycle), late=late), cause)


def _back(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Go back to what runs: nothing to build, late changes still to be seen."""
    late, app = state.late, state.app
    state = replace(
        state, work=Work.IDLE, goal=None, late=(), generation=state.generation + 1, built_s=None
    )
    if late or app is App.EXITED:
        return _restart(state, cycle, closing.names(late), it.now)
    cycle = replace(cycle, action="none", cause="what runs is what is wanted again")
    return closing.close(state, cycle, it.now, "ok")


def _refresh(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Let the running app see source changes."""
    impact = it.impact
    names = closing.names(impact.restarts)
    if impact.unmoved:
        names += f" (no dependency moved in {closing.names(impact.unmoved)}: no build)"
    if state.work is not Work.IDLE and not (state.work is Work.IMAGE and state.app is App.EXITED):
        waiting = replace(cycle, action="recreate", cause=f"{names}, with the new image")
        late = (*state.late, *impact.restarts)
        return replace(state, cycles=(*state.cycles, waiting), late=late), ()
    if not state.container:
        return closing.close(state, replace(cycle, cause="nothing runs yet"), it.now, "ok")
    state, own = _count_own(state, impact.restarts, it.now)
    if own:
        return _own(state, cycle, own, it.now)
    if impact.reload == "restart" or state.app is App.EXITED:
        return _restart(state, cycle, names, it.now)
    cycle = replace(cycle, action="reload", cause=names)
    state, closed = closing.close(state, cycle, it.now, "ok")
    if impact.reload == "none":
        return state, closed
    return state, (Reload(names, impact.reload, impact.reload_argument), *closed)


def _count_own(state: State, paths: tuple[str, ...], now: float) -> tuple[State, str]:
    """Count changes that come right after a start; name the file that all of a batch is about.

    An app that writes one of its own sources would be restarted for ever. Three restarts in a row
    are let through; then the file has to come to rest before each restart; what is written right
    after three of those too is the app's own doing.
    """
    started = state.starts >= state.expected and state.app is not App.EXITED
    if not (started and now - state.started_at < FRESH):
        return replace(state, own=()), ""
    known = {path: (count, start) for path, count, start in state.own}
    own = tuple((path, *_counted(known.get(path), state.starts)) for path in sorted(set(paths)))
    suspect = len(own) == 1 and own[0][1] > LOOPS
    return replace(state, own=own), own[0][0] if suspect else ""


def _counted(known: tuple[int, int] | None, start: int) -> tuple[int, int]:
    """Count a start once, however often the file changes after it."""
    count, last = known or (0, 0)
    return (count if last == start else count + 1), start


def _own(state: State, cycle: Cycle, path: str, now: float) -> Result:
    """Do not restart for a file that the app may be writing: wait, or let it be."""
    if state.own[0][1] > CERTAIN:
        why = f"{path}: the app itself writes it after each start, which restarts nothing"
        state, closed = closing.close(state, replace(cycle, cause=why), now, "ok")
        return state, (Report("", events.Notice(f"{why}; a later save does")), *closed)
    why = f"{path}: changed after each of {LOOPS} restarts, waiting until it rests"
    state, closed = closing.close(state, replace(cycle, cause=why), now, "ok")
    return state, (Settle("", path, cycle.number), *closed)


def _settled(state: State, it: on.Settled) -> Result:
    """Restart for a file that has come to rest: nothing that a user saved is lost."""
    if it.cycle != state.count or not state.container or state.work is not Work.IDLE:
        return state, ()
    state = replace(state, expected=state.starts + 1)
    return state, (Restart(it.path),)


def _restart(state: State, cycle: Cycle, names: str, now: float) -> Result:
    """Restart the app; cycles whose restart has not been answered yet are superseded."""
    superseded: Plan = ()
    if state.work is Work.IDLE:
        state, superseded = closing.supersede(state, now)
    cycle = replace(cycle, action="restart", cause=names or cycle.cause)
    state = replace(
        state,
        cycles=(*state.cycles, cycle),
        expected=state.starts + 1,
        app=App.STARTING,
        gap_since=None,
    )
    return state, (*superseded, Restart(cycle.cause))


def _asked(state: State, what: str, now: float) -> tuple[State, Cycle, Plan]:
    """Open a cycle for what the user asks for."""
    cycle = Cycle(state.count + 1, now, "none", f"{what} asked for")
    told = Report("", events.CycleStarted(cycle.number, (), what))
    return replace(state, count=cycle.number), cycle, (told,)


def _restart_asked(state: State, it: on.RestartAsked) -> Result:
    state, cycle, told = _asked(state, "restart", it.now)
    if not state.engine:
        state, plan = closing.close(state, replace(cycle, cause=NO_ENGINE), it.now, "failed")
    elif state.work is not Work.IDLE:  # the new container is a restart
        waiting = replace(cycle, action="recreate")
        late = state.late if state.work is Work.SWAP else (*state.late, cycle.cause)
        state, plan = replace(state, cycles=(*state.cycles, waiting), late=late), ()
    elif state.container:
        state, plan = _restart(state, cycle, cycle.cause, it.now)
    else:
        recreate = replace(cycle, action="recreate")
        state, plan = _ensure(replace(state, cycles=(*state.cycles, recreate)), cycle.cause)
    return state, (*told, *plan)


def _rebuild_asked(state: State, it: on.RebuildAsked) -> Result:
    """Build whatever there is; what is being built is built anew, a hand-over is waited for."""
    state, cycle, told = _asked(state, "rebuild", it.now)
    if not state.engine:
        state, plan = closing.close(state, replace(cycle, cause=NO_ENGINE), it.now, "failed")
        return state, (*told, *plan)
    cycle = replace(cycle, action="recreate")
    if state.work is Work.SWAP:
        return replace(state, cycles=(*state.cycles, cycle), forced=True), told
    cancelled: Plan = ()
    if state.work is Work.IMAGE:
        cancelled = (
            CancelBuild(cycle.cause, state.generation),
            Report("", events.ImageCancelled(cycle.cause)),
        )
    state, closed = closing.supersede(state, it.now)
    state, plan = _ensure(replace(state, cycles=(cycle,), forced=True), cycle.cause)
    return state, (*cancelled, *told, *closed, *plan)


def _waited(state: State, it: on.Waited) -> Result:
    if not it.complaint or it.path not in state.broken:
        return state, ()
    error = events.Error(
        f"{it.path} does not parse: {it.complaint}", "mend it; the last good one counts till then"
    )
    return state, (Report("", error),)


def _image_ready(state: State, it: on.ImageReady) -> Result:
    goal = state.goal
    if it.generation != state.generation or state.work is not Work.IMAGE or goal is None:
        return state, ()
    built = events.ImageBuilt(it.image, goal.fingerprint.digest, it.cached, it.duration)
    state = replace(
        state,
        work=Work.SWAP,
        late=(),  # the new container reads them at its start
        built_s=None if it.cached else it.duration,
    )
    return state, (Report("", built), Swap(closing.cause(state), it.generation, it.image, goal))


def _image_failed(state: State, it: on.ImageFailed) -> Result:
    if it.generation != state.generation or state.work is not Work.IMAGE:
        return state, ()
    told = Report("", events.ImageFailed(it.step, it.message))
    built = tuple(replace(one, action="rebuild") for one in state.cycles)
    state, closed = closing.finish(replace(state, cycles=built), it.now, "failed")
    state = replace(state, work=Work.IDLE, failed=state.goal, goal=None)
    state, plan = _late(state)
    return state, (told, *closed, *plan)


def _late(state: State) -> Result:
    """Restart the app for changes that waited for work which has ended."""
    if not state.late or not state.container:
        return replace(state, late=()), ()
    cause = closing.names(state.late)
    state = replace(state, late=(), expected=state.starts + 1, app=App.STARTING)
    return state, (Restart(cause),)


def _swapped(state: State, it: on.Swapped) -> Result:
    if it.generation != state.generation or state.work is not Work.SWAP:
        return state, ()
    state = replace(
        state,
        work=Work.IDLE,
        serving=state.goal,
        goal=None,
        failed=None,
        container=it.container,
        app=App.STARTING,
        starts=1,
        expected=1,
        started_at=it.now,
        gap_since=it.gap_since,
        ever_ran=True,
    )
    told = Report("", events.AppStarted(it.container, it.image))
    if state.wanted is not None and (state.forced or not state.wanted.same(state.serving)):
        state, plan = _ensure(state, closing.cause(state))
    else:
        state, plan = _late(state)
    return state, (told, *plan, Probe("", it.container, 1))


def _swap_failed(state: State, it: on.SwapFailed) -> Result:
    if it.generation != state.generation or state.work is not Work.SWAP:
        return state, ()
    told = Report("", events.Error(it.message, it.hint))
    if it.fatal is not None and not state.ever_ran:
        return replace(state, ended=True), (told, Quit(it.message, it.fatal))
    state, closed = closing.finish(state, it.now, "failed")
    state = replace(state, work=Work.IDLE, failed=state.goal, goal=None, forced=False)
    if it.untouched:
        state, plan = _late(state)
        return state, (told, *closed, *plan)
    state = replace(state, late=())
    if not it.restored:
        state = replace(state, container="", serving=None, app=App.ABSENT)
        return state, (told, *closed)
    container = it.container or state.container
    state = replace(
        state, container=container, app=App.STARTING, starts=1, expected=1, started_at=it.now
    )
    return state, (told, *closed, Probe("", container, 1))


def _app_started(state: State, it: on.AppStarted) -> Result:
    if it.container != state.container or it.number <= state.starts:
        return state, ()
    state = replace(state, starts=it.number, app=App.STARTING, started_at=it.now)
    return state, (Probe("", it.container, it.number),)


def _app_ready(state: State, it: on.AppReady) -> Result:
    if it.container != state.container or it.number != state.starts or state.app is App.EXITED:
        return state, ()
    told = Report("", events.AppReady(it.url, it.now - state.started_at))
    state = replace(state, app=App.READY)
    if state.work is Work.IDLE and it.number >= state.expected:
        state, closed = closing.finish(state, it.now, "ok")
        return state, (told, *closed)
    return state, (told,)


def _app_slow(state: State, it: on.AppSlow) -> Result:
    if it.container != state.container or it.number != state.starts:
        return state, ()
    told = Report("", events.Error("the app does not answer yet", it.hint))
    if state.work is Work.IDLE:
        state, closed = closing.finish(state, it.now, "unready")
        return state, (told, *closed)
    return state, (told,)


def _app_exited(state: State, it: on.AppExited) -> Result:
    if it.container != state.container:
        return state, ()
    told = Report("", events.AppExited(it.code))
    state = replace(state, app=App.EXITED)
    if it.gone:
        state = replace(state, app=App.ABSENT, container="", serving=None)
    closed: Plan = ()
    if state.work is Work.IDLE and (it.gone or state.starts >= state.expected):
        state, closed = closing.finish(state, it.now, "crashed")
    return state, (told, *closed)


def _reload_failed(state: State, it: on.ReloadFailed) -> Result:
    error = events.Error(f"the app could not be reloaded: {it.message}", "see app.reload")
    return state, (Report("", error),)


def _engine_lost(state: State, it: on.EngineLost) -> Result:
    if not state.engine:
        return state, ()
    state, closed = closing.finish(state, it.now, "failed")
    state = replace(
        state,
        engine=False,
        work=Work.IDLE,
        goal=None,
        generation=state.generation + 1,
        serving=None,
        container="",
        app=App.ABSENT,
        late=(),
    )
    error = events.Error("the Docker Engine is gone", "waiting until it answers again")
    return state, (Report("", error), *closed, Reconnect(NO_ENGINE))


def _engine_found(state: State, _it: on.EngineFound) -> Result:
    if state.engine:
        return state, ()
    told = Report("", events.Notice("the Docker Engine answers again"))
    state, plan = _ensure(replace(state, engine=True, failed=None), "the engine is back")
    return state, (told, *plan)


def _stop_asked(state: State, it: on.StopAsked) -> Result:
    plan: Plan = (Quit("asked to stop", it.exit_code),)
    if state.work is Work.IMAGE:
        plan = (CancelBuild("asked to stop", state.generation), *plan)
    return replace(state, ended=True, generation=state.generation + 1), plan


def _ensure(state: State, cause: str) -> Result:
    wanted = state.wanted
    if wanted is None:
        return state, ()
    generation = state.generation + 1
    ensure = EnsureImage(cause, generation, wanted, state.forced)
    state = replace(
        state, work=Work.IMAGE, goal=wanted, generation=generation, built_s=None, forced=False
    )
    return state, (ensure,)


HANDLERS: dict[type[on.Input], Callable[[State, Any], Result]] = {
    on.Begun: _begun,
    on.Changed: _changed,
    on.Waited: _waited,
    on.Settled: _settled,
    on.ImageReady: _image_ready,
    on.ImageFailed: _image_failed,
    on.Swapped: _swapped,
    on.SwapFailed: _swap_failed,
    on.AppStarted: _app_started,
    on.AppReady: _app_ready,
    on.AppSlow: _app_slow,
    on.AppExited: _app_exited,
    on.ReloadFailed: _reload_failed,
    on.JobEnded: lambda state, _it: (state, ()),
    on.RestartAsked: _restart_asked,
    on.RebuildAsked: _rebuild_asked,
    on.JobsAsked: lambda state, _it: (state, ()),
    on.EngineLost: _engine_lost,
    on.EngineFound: _engine_found,
    on.StopAsked: _stop_asked,
}
