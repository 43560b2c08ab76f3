"""`ci`: all is ready once, the jobs run, the loop ends; whatever fails ends it as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from devloop import events
from devloop.loop.decide import inputs as on
from devloop.loop.decide import jobs as job_graph
from devloop.loop.decide import services
from devloop.loop.decide.actions import Deadline, Plan, Quit, Report, tell
from devloop.loop.decide.state import (
    Absent,
    Ending,
    Exited,
    Idle,
    Once,
    Over,
    ProjectState,
    Running,
    RunningJobs,
    Serve,
    ServiceState,
)

Result: TypeAlias = tuple[ProjectState, Plan]

FAILED, ENVIRONMENT = 1, 3


def follow(project: ProjectState, happened: on.AnyInput) -> Result:
    """Say what an input, already taken by the rest of ``step``, means for `ci`."""
    lost = isinstance(happened, on.EngineLost)
    match project.aim:
        case Serve() | Over():
            return project, ()
        case Ending(exit_code):
            return _quit(project, exit_code) if lost or not project.jobs.waves else (project, ())
        case Once() | RunningJobs() if lost:
            return _quit(project, ENVIRONMENT)
        case Once() as aim:
            return _until_ready(project, aim, happened)
        case RunningJobs():
            return _until_idle(project)


def slow(service: str, hint: str) -> Plan:
    """Tell of an app that does not answer yet: it fails only when its time is over."""
    notice = tell(events.Notice(f"the app does not answer yet: {hint}"))
    return services.of_service(service, (notice,))


def stop(project: ProjectState, exit_code: int) -> Result:
    """Be asked to stop: jobs that run are ended first."""
    if isinstance(project.aim, RunningJobs) and project.jobs.waves:
        return job_graph.end(replace(project, aim=Ending(exit_code)))
    return project, (Quit("asked to stop", exit_code),)


def _until_ready(project: ProjectState, aim: Once, happened: on.AnyInput) -> Result:
    if isinstance(happened, on.DeadlinePassed):
        hint = "does it listen on 0.0.0.0 and on the port that is published?"
        return _quit(project, FAILED, tell(events.Error("the app does not answer", hint)))
    if project.given_up or any(map(_failed, project.services.values())):
        return _quit(project, FAILED)
    if services.busy(project) or project.topology.plain - project.started:
        return project, ()
    if not all(map(_ready, project.services.values())):
        if aim.counting:
            return project, ()
        return replace(project, aim=replace(aim, counting=True)), (Deadline(""),)
    project = replace(project, aim=RunningJobs())
    project, plan = job_graph.run(project, aim.jobs, named=aim.named)
    project, end = _until_idle(project)
    return project, (*plan, *end)


def _until_idle(project: ProjectState) -> Result:
    if not project.jobs.idle:
        return project, ()
    failed = project.jobs.red or any(map(_failed, project.services.values()))
    return _quit(project, FAILED if failed else 0)


def _ready(service: ServiceState) -> bool:
    app = service.app
    if isinstance(app, Exited):
        return service.once and app.code == 0
    return isinstance(app, Running) and app.ready and isinstance(service.work, Idle)


def _failed(service: ServiceState) -> bool:
    """Say whether a service has come to an end that is not its purpose."""
    if not isinstance(service.work, Idle):
        return False
    if isinstance(service.app, Exited):
        return not _ready(service)
    return isinstance(service.app, Absent)


def _quit(project: ProjectState, code: int, *told: Report) -> Result:
    return replace(project, aim=Over()), (*told, Quit("", code))
