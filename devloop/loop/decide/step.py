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
from typing import Any

from devloop import events
from devloop.loop.decide import changed, moves
from devloop.loop.decide import cycles as closing
from devloop.loop.decide import inputs as on
from devloop.loop.decide import jobs as jobwork
from devloop.loop.decide.actions import CancelBuild, Plan, Probe, Quit, Reconnect, Report, Swap
from devloop.loop.decide.moves import Result
from devloop.loop.decide.state import App, Cycle, State, Work


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
    state, plan = moves.ensure(replace(state, wanted=it.wanted), "start")
    return state, notices + plan


def _asked(state: State, what: str, now: float) -> tuple[State, Cycle, Plan]:
    """Open a cycle for what the user asks for."""
    cycle = Cycle(state.count + 1, now, "none", f"{what} asked for")
    told = Report("", events.CycleStarted(cycle.number, (), what))
    return replace(state, count=cycle.number), cycle, (told,)


def _restart_asked(state: State, it: on.RestartAsked) -> Result:
    state, cycle, told = _asked(state, "restart", it.now)
    if not state.engine:
        cycle = replace(cycle, cause=closing.NO_ENGINE)
        state, plan = closing.close(state, cycle, it.now, "failed")
    elif state.work is not Work.IDLE:  # the new container is a restart
        waiting = replace(cycle, action="recreate")
        late = state.late if state.work is Work.SWAP else (*state.late, cycle.cause)
        state, plan = replace(state, cycles=(*state.cycles, waiting), late=late), ()
    elif state.container:
        state, plan = moves.restart(state, cycle, cycle.cause, it.now)
    else:
        recreate = replace(cycle, action="recreate")
        state, plan = moves.ensure(replace(state, cycles=(*state.cycles, recreate)), cycle.cause)
    return state, (*told, *plan)


def _rebuild_asked(state: State, it: on.RebuildAsked) -> Result:
    """Build whatever there is; what is being built is built anew, a hand-over is waited for."""
    state, cycle, told = _asked(state, "rebuild", it.now)
    if not state.engine:
        cycle = replace(cycle, cause=closing.NO_ENGINE)
        state, plan = closing.close(state, cycle, it.now, "failed")
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
    state, plan = moves.ensure(replace(state, cycles=(cycle,), forced=True), cycle.cause)
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
    state, plan = moves.late_restart(state)
    return state, (told, *closed, *plan)


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
        state, plan = moves.ensure(state, closing.cause(state))
    else:
        state, plan = moves.late_restart(state)
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
        state, plan = moves.late_restart(state)
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
    return state, (Report("", error), *closed, Reconnect(closing.NO_ENGINE))


def _engine_found(state: State, _it: on.EngineFound) -> Result:
    if state.engine:
        return state, ()
    told = Report("", events.Notice("the Docker Engine answers again"))
    state, plan = moves.ensure(replace(state, engine=True, failed=None), "the engine is back")
    return state, (told, *plan)


def _stop_asked(state: State, it: on.StopAsked) -> Result:
    plan: Plan = (Quit("asked to stop", it.exit_code),)
    if state.work is Work.IMAGE:
        plan = (CancelBuild("asked to stop", state.generation), *plan)
    return replace(state, ended=True, generation=state.generation + 1), plan


HANDLERS: dict[type[on.Input], Callable[[State, Any], Result]] = {
    on.Begun: _begun,
    on.Changed: changed.changed,
    on.Waited: _waited,
    on.Settled: changed.settled,
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
