"""What the app's process does: it starts, answers, is slow, ends."""

from __future__ import annotations

from dataclasses import replace

from devloop import events
from devloop.loop.decide import cycles
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import Probe, tell
from devloop.loop.decide.starts import Result, due, order_unseen, outcome_of, saved_after
from devloop.loop.decide.state import (
    Absence,
    Absent,
    Answer,
    Exited,
    HandingOver,
    Idle,
    Outcome,
    Running,
    ServiceState,
)


def app_started(service: ServiceState, it: on.AppStarted) -> Result:
    """Take a start; what it cannot have read is followed by another one."""
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
    unseen = saved_after(service.unseen, ordered_at) if asked else service.unseen
    service = replace(service, app=running, unseen=unseen)
    if isinstance(service.work, Idle) and not running.starting and due(service):
        return order_unseen(service, it.now)
    return service, (Probe("", service.name, it.container, it.number),)


def _answers(service: ServiceState, container: str, number: int) -> Running | None:
    """Give the app if this start of it is the one that counts; None for one of before."""
    app = service.app
    if not isinstance(app, Running) or isinstance(service.work, HandingOver):
        return None
    fits = container == app.container and number == app.start and not app.starting
    return app if fits and not app.ready else None


def app_ready(service: ServiceState, it: on.AppReady) -> Result:
    """Tell that the app answers, if that is the start that counts."""
    app = _answers(service, it.container, it.number)
    if app is None:
        return service, ()
    told = tell(events.AppReady(it.url, it.now - app.since))
    service = replace(service, app=replace(app, answer=Answer.READY))
    service, closed = cycles.finish(service, it.now, Outcome.OK, cycles.started_by(it.number))
    return service, (told, *closed)


def app_slow(service: ServiceState, it: on.AppSlow) -> Result:
    """Tell that the app does not answer yet."""
    app = _answers(service, it.container, it.number)
    if app is None:
        return service, ()
    service = replace(service, app=replace(app, answer=Answer.LATE))
    told = tell(events.Error("the app does not answer yet", it.hint))
    started = cycles.started_by(it.number)
    service, closed = cycles.finish(service, it.now, Outcome.UNREADY, started)
    return service, (told, *closed)


def app_exited(service: ServiceState, it: on.AppExited) -> Result:
    """Take the end of the app, of its own or with its container."""
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
    outcome = outcome_of(service, it.code)
    service, closed = cycles.finish(service, it.now, outcome, cycles.by_start)
    return service, (told, *closed)


def restart_failed(service: ServiceState, it: on.RestartFailed) -> Result:
    """Take it that nothing runs: what was saved waits for the next save."""
    app = service.app
    if not isinstance(app, Running) or it.container != app.container or not app.starting:
        return service, ()
    service = replace(service, app=Exited(app.container, app.made_from, app.start, 1))
    told = tell(events.Error(f"the app could not be started anew: {it.message}"))
    service, closed = cycles.finish(service, it.now, Outcome.FAILED, cycles.by_start)
    return service, (told, *closed)
