"""``step(project, input) -> (project, plan)``: every decision of the loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias, assert_never

from devloop import events
from devloop.jobs.schedule import graph
from devloop.loop.decide import app as apps
from devloop.loop.decide import batches, jobs, once, services, wishes
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import Plan, Quit, Reconnect, tell
from devloop.loop.decide.cycles import NO_ENGINE
from devloop.loop.decide.services import each, of_service, put
from devloop.loop.decide.state import EngineState, Once, Over, ProjectState, Serve, ServiceState
from devloop.model import APP

Result: TypeAlias = tuple[ProjectState, Plan]


def step(project: ProjectState, happened: on.AnyInput) -> Result:
    """Decide what one input causes; nothing after the end."""
    if isinstance(project.aim, Over):
        return project, ()
    project, plan = _take(project, happened)
    if _over(plan):
        return _end(project, plan, happened.now)
    project, more = services.reconcile(project, happened.now)
    project, started = jobs.follow(project, happened)
    project, end = once.follow(project, happened)
    plan = (*started, *plan, *more, *end)
    return _end(project, plan, happened.now) if _over(plan) else (project, plan)


def _over(plan: Plan) -> bool:
    return any(isinstance(one, Quit) for one in plan)


def _end(project: ProjectState, plan: Plan, now: float) -> Result:
    """Close what is open before the end, of which there is one."""
    quits = [one for one in plan if isinstance(one, Quit)]
    rest = tuple(one for one in plan if not isinstance(one, Quit))
    stopped = [wishes.stopped(one, now, quits[0].cause) for one in project.services.values()]
    project, closed = each(project, stopped)
    return replace(project, aim=Over()), (*rest, *closed, quits[0])


def _take(project: ProjectState, happened: on.AnyInput) -> Result:
    """Hand an input to whom it concerns."""
    if isinstance(happened, on.ServiceInput):
        return _to_service(project, happened)
    return _to_project(project, happened)


def _to_service(project: ProjectState, happened: on.ServiceEvent) -> Result:
    service = project.services.get(happened.service)
    if service is None:  # it is not in the project any more
        return project, ()
    if isinstance(happened, on.AppSlow) and isinstance(project.aim, Once):
        return project, once.slow(service.name, happened.hint)
    lost = project.engine is EngineState.LOST
    if lost and isinstance(happened, on.Changed):
        service, plan = batches.changed_without_engine(service, happened)
    else:
        service, plan = apps.step(service, happened)
    project = put(project, service)
    plan = of_service(service.name, plan)
    if isinstance(happened, on.HandedOver) and not lost:
        project, more = services.handed_over(project, happened)
        plan += more
    return project, plan


def _to_project(  # noqa: C901, PLR0911 - one arm an input
    project: ProjectState, happened: on.ProjectEvent
) -> Result:
    match happened:
        case on.Begun():
            return _begun(project, happened)
        case on.Remodelled():
            return services.remodelled(project, happened)
        case on.HeadstartOver():
            return replace(project, headstart=False), ()
        case on.BroughtUp():
            return services.brought_up(project, happened)
        case on.RestartAsked():
            return _asked(project, happened, "restart")
        case on.RebuildAsked():
            return _asked(project, happened, "rebuild")
        case on.EngineLost():
            return _engine_lost(project, happened)
        case on.EngineFound():
            return _engine_found(project)
        case on.StopAsked():
            return once.stop(project, happened.exit_code)
        case on.JobEnded() | on.JobsAsked() | on.DeadlinePassed():
            return project, ()  # the jobs and `ci` follow
        case _:
            assert_never(happened)


def _begun(project: ProjectState, it: on.Begun) -> Result:
    found = replace(it.jobs, held=True)
    project = replace(project, jobs=found, aim=it.aim)
    texts = graph.told(found) if isinstance(it.aim, Serve) else ()
    notices = tuple(tell(events.Notice(text)) for text in texts)
    project, plan = services.begun(project, it)
    return project, (*notices, *plan)


def _asked(project: ProjectState, it: on.RestartAsked | on.RebuildAsked, what: str) -> Result:
    """Ask the service that is meant, or all, for what the user asks for."""
    meant = [one for name, one in project.services.items() if it.service in (None, name or APP)]
    return each(project, [_asked_of(project, one, it, what) for one in meant])


def _asked_of(
    project: ProjectState, service: ServiceState, it: on.RestartAsked | on.RebuildAsked, what: str
) -> tuple[ServiceState, Plan]:
    if project.engine is EngineState.LOST:
        return wishes.without_engine(service, it.now, what)
    if isinstance(it, on.RestartAsked):
        return wishes.restart_asked(service, it.now)
    return wishes.rebuild_asked(service, it.now)


def _engine_lost(project: ProjectState, it: on.EngineLost) -> Result:
    if project.engine is EngineState.LOST:
        return project, ()
    lost = [wishes.engine_lost(one, it.now) for one in project.services.values()]
    project, closed = each(services.engine_lost(project), lost)
    error = tell(events.Error("the Docker Engine is gone", "waiting until it answers again"))
    return project, (error, *closed, Reconnect(NO_ENGINE))


def _engine_found(project: ProjectState) -> Result:
    if project.engine is EngineState.ANSWERS:
        return project, ()
    told = tell(events.Notice("the Docker Engine answers again"))
    project = replace(project, engine=EngineState.ANSWERS)
    project, plan = each(project, map(wishes.engine_found, project.services.values()))
    project, more = services.headstart(project)
    return project, (told, *plan, *more)
