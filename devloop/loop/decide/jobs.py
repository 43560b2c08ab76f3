"""The jobs' part of ``step``.

The law: a save's jobs start at once in the container that serves, beside the app's restart; while
an image is made they wait for the new container, and what runs when it takes over runs anew in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from devloop import events
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.graph import Jobs
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import AnyAction, JobWork, Plan, tell
from devloop.loop.decide.state import (
    Absent,
    Ending,
    HandingOver,
    Idle,
    ProjectState,
    ServiceState,
    container,
    made_from,
)

Result: TypeAlias = tuple[ProjectState, Plan]


def follow(project: ProjectState, happened: on.AnyInput) -> Result:
    """Say what an input, already taken by the rest of ``step``, means for the jobs."""
    place = _workplace(project)
    jobs, plan = project.jobs, graph.NOTHING
    if isinstance(happened, on.JobEnded):
        jobs, plan = graph.ended(_held(place, jobs), happened.order, happened.outcome)
    if not isinstance(project.aim, Ending):  # then nothing starts any more
        jobs, placed = _place(place, jobs)
        plan += placed
    if isinstance(happened, on.JobsAsked):
        jobs, asked = _asked(jobs, happened.names)
        plan += asked
    if isinstance(happened, on.Changed) and happened.service == project.topology.workplace:
        jobs, asked = _changed(jobs, happened)
        plan += asked
    return replace(project, jobs=jobs), performed(project, jobs, plan)


def run(project: ProjectState, names: tuple[str, ...], *, named: bool) -> Result:
    """Have these jobs run now."""
    jobs, plan = graph.ask(project.jobs, names, (), named=named)
    return replace(project, jobs=jobs), performed(project, jobs, plan)


def end(project: ProjectState) -> Result:
    """Have all that runs ended; nothing starts any more."""
    jobs, plan = graph.hold(project.jobs)
    return replace(project, jobs=jobs), performed(project, jobs, plan)


def performed(project: ProjectState, jobs: Jobs, plan: graph.Plan) -> Plan:
    """Give the graph's actions as the loop's, in the container where jobs run."""
    place = _workplace(project)
    where = container(place.app) if place else ""
    return tuple(_action(one, where, jobs) for one in plan)


def _action(one: graph.Action, where: str, jobs: Jobs) -> AnyAction:
    return tell(one.event) if isinstance(one, graph.Tell) else JobWork("", one, where, jobs.host)


def _workplace(project: ProjectState) -> ServiceState | None:
    """Give the service in whose container jobs run."""
    name = project.topology.workplace
    return None if name is None else project.services.get(name)


def _changed(jobs: Jobs, it: on.Changed) -> graph.Result:
    host = replace(jobs.host, sha=it.sha, ref=it.ref)
    jobs = replace(jobs, workflows=it.workflows, host=host)
    names = graph.matching(jobs, it.moved) if it.moved else ()
    return graph.ask(jobs, names, it.moved)


def _asked(jobs: Jobs, names: tuple[str, ...]) -> graph.Result:
    """Have the user's jobs run; a name that is none is told."""
    known = graph.table(jobs)
    chosen = names or tuple(name for name in known if not graph.gated(*known[name]))
    runnable = {name for name in known if not known[name][1].unsupported}
    strange = [name for name in chosen if name not in runnable]
    if strange or not chosen:
        what = f"there is no job `{strange[0]}` to run" if strange else "there are no jobs"
        hint = f"there are {', '.join(runnable)}" if runnable else "see docs/jobs.md"
        return jobs, (graph.Tell(events.Error(what, hint)),)
    return graph.ask(jobs, chosen, (), named=bool(names))


def _held(place: ServiceState | None, jobs: Jobs) -> Jobs:
    """Let nothing start while another container is being made."""
    there = place and isinstance(place.work, Idle) and not isinstance(place.app, Absent)
    return jobs if there else replace(jobs, held=True)


def _place(place: ServiceState | None, jobs: Jobs) -> graph.Result:
    """Follow the container: away while another one takes over, there when it serves."""
    if place is None or isinstance(place.app, Absent) or isinstance(place.work, HandingOver):
        return graph.hold(jobs)
    if not isinstance(place.work, Idle):
        return replace(jobs, held=True), ()
    if not jobs.held:
        return jobs, ()
    source = made_from(place.app)
    return graph.release(jobs, (source and source.spec.mount) or "/")
