"""The jobs' part of ``step``: pure.

The law: a save's jobs start at once in the container that serves, beside the app's restart; while
an image is made they wait for the new container, and what runs when it takes over runs anew in it.
"""

from __future__ import annotations

from dataclasses import replace

from devloop import events
from devloop.jobs.schedule import graph
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import Action, JobWork, Plan, Report
from devloop.loop.decide.state import State, Work


def follow(state: State, happened: on.Input) -> tuple[State, Plan]:
    """Say what an input, already taken by the rest of ``step``, means for the jobs."""
    jobs = state.jobs
    plan: graph.Plan = ()
    match happened:
        case on.Begun():
            jobs = replace(happened.jobs, held=True)
        case on.JobEnded():
            jobs, plan = graph.ended(_placed(state, jobs), happened.order, happened.outcome)
    jobs, held = _placing(state, jobs)
    if isinstance(happened, on.JobsAsked):
        jobs, asked = _asked(jobs, happened.names)
        held += asked
    if isinstance(happened, on.Changed):
        host = replace(jobs.host, sha=happened.sha, ref=happened.ref)
        jobs = replace(jobs, workflows=happened.workflows, host=host)
        names = graph.matching(jobs, happened.moved) if happened.moved else ()
        jobs, asked = graph.ask(jobs, names, happened.moved)
        held += asked
    return replace(state, jobs=jobs), tuple(_action(state, one, jobs) for one in plan + held)


def _asked(jobs: graph.Jobs, names: tuple[str, ...]) -> graph.Result:
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


def _placed(state: State, jobs: graph.Jobs) -> graph.Jobs:
    """Let nothing start while another container is being made."""
    away = state.work is not Work.IDLE or not state.container
    return replace(jobs, held=True) if away else jobs


def _placing(state: State, jobs: graph.Jobs) -> graph.Result:
    """Follow the container: away while another is made, there when it serves."""
    if state.work is Work.SWAP or not state.container:
        return graph.hold(jobs)
    if state.work is Work.IMAGE:
        return replace(jobs, held=True), ()
    if not jobs.held:
        return jobs, ()
    return graph.release(jobs, (state.serving and state.serving.spec.mount) or "/")


def _action(state: State, one: graph.Action, jobs: graph.Jobs) -> Action:
    if isinstance(one, graph.Tell):
        return Report("", one.event)
    return JobWork("", one, state.container, jobs.host)
