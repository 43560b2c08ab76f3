"""Which jobs run when: a state machine without clock, threads or containers.

The law: a job starts when all that it needs has ended; a newer save that asks for a job ends its
older run first, and what of that run's dependents had not ended runs anew with it. Nothing starts
while ``held`` (no container). A job's result stays until the job runs again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from devloop import events
from devloop.jobs.expressions import templates
from devloop.jobs.expressions.evaluate import ExpressionError
from devloop.jobs.schedule import contexts
from devloop.jobs.schedule import orders as rows
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.schedule.needs import ancestors
from devloop.jobs.workflow import filters
from devloop.jobs.workflow.model import Job, Workflow

GREEN = ("success", "skipped")


@dataclass(frozen=True)
class JobOutcome:
    """How a run of a job ended; ``conclusion`` is its outcome less what continue-on-error forgives.

    ``duration`` in seconds; ``not_run`` lists actions that cannot run here.
    """

    outcome: str
    conclusion: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    duration: float = 0.0
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True)
class StartJob:
    """Run a job."""

    order: JobOrder

    def __str__(self) -> str:
        return f"run {self.order.label}"


@dataclass(frozen=True)
class CancelJob:
    """End a run; ``abandon``: not even its ``always()`` steps run."""

    order: JobOrder
    abandon: bool

    def __str__(self) -> str:
        return f"{'abandon' if self.abandon else 'cancel'} {self.order.label}"


@dataclass(frozen=True)
class Tell:
    """Tell the user."""

    event: events.Event

    def __str__(self) -> str:
        return f"tell {self.event.event}"


Action: TypeAlias = StartJob | CancelJob | Tell
Plan: TypeAlias = tuple[Action, ...]


@dataclass(frozen=True)
class Wave:
    """A job that has been started: its rows that wait, run and have ended."""

    todo: tuple[JobOrder, ...] = ()
    running: tuple[JobOrder, ...] = ()
    ended: tuple[JobOutcome, ...] = ()
    dropped: bool = False


@dataclass(frozen=True)
class Jobs:
    """All that is known of the jobs; names are unique over all workflows.

    ``limit`` is how many run at once. ``reds`` counts failures in a row.
    """

    workflows: tuple[Workflow, ...] = ()
    host: RunnerContext = field(default_factory=RunnerContext)
    limit: int = 4
    held: bool = False
    number: int = 0
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    waves: Mapping[str, Wave] = field(default_factory=dict)
    done: Mapping[str, JobOutcome] = field(default_factory=dict)
    reds: Mapping[str, int] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Say whether nothing runs and nothing waits."""
        return not self.asked and not self.waves

    @property
    def red(self) -> bool:
        """Say whether a job's last run did not end well."""
        return any(one.conclusion not in GREEN for one in self.done.values())


Result: TypeAlias = tuple[Jobs, Plan]
NOTHING: Plan = ()


def name(workflow: Workflow, job: str) -> str:
    """Name a job over all workflows: those of files bear the file's."""
    stem = workflow.path.rpartition("/")[2].rpartition(".")[0]
    return job if workflow.path == "devloop.yaml" else f"{stem}/{job}"


def table(jobs: Jobs) -> dict[str, tuple[Workflow, Job]]:
    """List every job by its name."""
    return {name(flow, job.id): (flow, job) for flow in jobs.workflows for job in flow.jobs}


def gated(flow: Workflow, job: Job) -> str:
    """Say why no save starts a job; empty if one may."""
    if job.unsupported:
        return job.unsupported
    why = job.gate or flow.gate
    return f"it uses {why}: name it to run it" if why else ""


def told(jobs: Jobs) -> tuple[str, ...]:
    """Say once which jobs no save starts, and why."""
    return tuple(
        f"job {label} is not run on a save: {why}"
        for label, (flow, job) in table(jobs).items()
        if (why := gated(flow, job) or ("" if flow.filters else "no event of it is like a save"))
    )


def matching(jobs: Jobs, files: tuple[str, ...]) -> tuple[str, ...]:
    """List the jobs that a save of these files starts."""
    return tuple(
        label
        for label, (flow, job) in table(jobs).items()
        if not gated(flow, job)
        and any(filters.runs(files, *one) for one in flow.filters or ())
        and filters.runs(files, *job.filter)
    )


def ask(jobs: Jobs, names: Iterable[str], files: tuple[str, ...], *, named: bool = False) -> Result:
    """Have jobs run, with what they need, and end their older runs."""
    known = table(jobs)
    needs = {label: _needs(*known[label]) for label in known}
    wanted = _closure(jobs, needs, tuple(names))
    if not wanted:
        return jobs, ()
    asked = {label: files for label in known if label in wanted} | {
        label: old for label, old in jobs.asked.items() if label not in wanted
    }
    done = {label: one for label, one in jobs.done.items() if label not in wanted}
    chosen = jobs.named | (frozenset(names) if named else frozenset())
    jobs = replace(jobs, asked=asked, done=done, named=chosen, number=jobs.number + 1)
    jobs, plan = _drop(jobs, wanted)
    jobs, started = _advance(jobs)
    return jobs, plan + started


def _needs(flow: Workflow, job: Job) -> tuple[str, ...]:
    return tuple(name(flow, one) for one in job.needs)


def _closure(
    jobs: Jobs, needs: Mapping[str, tuple[str, ...]], names: tuple[str, ...]
) -> frozenset[str]:
    """Add what is needed and did not end well, and dependents that are under way."""
    wanted = {label for label in names if label in needs}
    for label in tuple(wanted):
        wanted |= (
            {
                one
                for one in ancestors(needs, label)
                if one not in jobs.done or jobs.done[one].conclusion != "success"
            }
            - set(jobs.asked)
            - set(jobs.waves)
        )
    under_way = {*jobs.asked, *jobs.waves}
    wanted |= {one for one in under_way if one in needs and ancestors(needs, one) & wanted}
    return frozenset(wanted)


def _drop(jobs: Jobs, names: frozenset[str]) -> Result:
    """End the older runs of these jobs, unless they say that they are not to be cancelled."""
    plan: list[Action] = []
    waves = dict(jobs.waves)
    for label in sorted(names & set(waves)):
        wave = waves[label]
        if wave.dropped or (wave.running and _stays(wave.running[0])):
            continue
        plan += [CancelJob(order, abandon=True) for order in wave.running]
        waves[label] = replace(wave, todo=(), dropped=True)
        if not wave.running:
            del waves[label]
    return replace(jobs, waves=waves), tuple(plan)


def _stays(order: JobOrder) -> bool:
    found = order.job.concurrency or order.workflow.concurrency
    return found is not None and found.cancel is False


def hold(jobs: Jobs) -> Result:
    """End what runs, because its container goes: it runs anew in the next one."""
    again = {
        label: wave.running[0].files
        for label, wave in jobs.waves.items()
        if wave.running and not wave.dropped
    }
    jobs = replace(jobs, held=True, asked={**again, **jobs.asked})
    plan: list[Action] = []
    waves = {}
    for label, wave in jobs.waves.items():
        plan += [] if wave.dropped else [CancelJob(order, abandon=True) for order in wave.running]
        waves[label] = replace(wave, todo=(), dropped=True)
    kept = {label: wave for label, wave in waves.items() if wave.running}
    return replace(jobs, waves=kept), tuple(plan)


def release(jobs: Jobs, workspace: str | None = None) -> Result:
    """There is a container again."""
    host = jobs.host if workspace is None else replace(jobs.host, workspace=workspace)
    return _advance(replace(jobs, held=False, host=host))


def ended(jobs: Jobs, order: JobOrder, outcome: JobOutcome) -> Result:
    """Take the result of a run, and start what waited for it."""
    wave = jobs.waves.get(order.name)
    plan: list[Action] = [Tell(_finished(order, outcome))]
    if wave is None:
        return jobs, tuple(plan)
    running = tuple(one for one in wave.running if one is not order and one != order)
    wave = replace(wave, running=running, ended=(*wave.ended, outcome))
    if outcome.conclusion == "failure" and order.fail_fast and not wave.dropped:
        plan += [CancelJob(one, abandon=False) for one in wave.running]
        skipped = tuple(JobOutcome("cancelled", "cancelled") for _ in wave.todo)
        wave = replace(wave, todo=(), ended=(*wave.ended, *skipped))
    waves = {**jobs.waves, order.name: wave}
    jobs = replace(jobs, waves=waves)
    if not wave.running and not wave.todo:
        del waves[order.name]
        jobs = replace(jobs, waves=waves)
        if not wave.dropped:
            jobs, more = _close(jobs, order.name, wave.ended)
            plan += more
    jobs, started = _advance(jobs)
    return jobs, (*plan, *started)


def _finished(order: JobOrder, outcome: JobOutcome) -> events.Event:
    return events.JobFinished(
        order.name,
        dict(order.row) or None,
        outcome.conclusion,
        outcome.duration,
        outcome.outcome if outcome.outcome != outcome.conclusion else None,
        outcome.not_run or None,
    )


def _close(jobs: Jobs, label: str, found: tuple[JobOutcome, ...]) -> Result:
    """Sum up the rows of a job, and say what changed since its last run."""
    conclusions = {one.conclusion for one in found}
    whole = next(
        (one for one in ("failure", "cancelled", "success") if one in conclusions), "skipped"
    )
    outputs: dict[str, str] = {}
    for one in found:
        outputs.update({key: value for key, value in one.outputs.items() if value})
    before = jobs.reds.get(label, 0)
    count = {"failure": before + 1, "cancelled": before}.get(whole, 0)
    jobs = replace(
        jobs,
        done={**jobs.done, label: JobOutcome(whole, whole, outputs)},
        reds={**jobs.reds, label: count},
        named=jobs.named - {label},
    )
    text = ""
    if count > 1 and whole == "failure":
        text = f"{label}: failing since {count} saves"
    elif before and whole == "success":
        text = f"{label}: mended, it failed {before} time{'s' if before > 1 else ''} before"
    return jobs, (Tell(events.Notice(text)),) if text else ()


def _advance(jobs: Jobs) -> Result:
    """Start all that may start."""
    plan: list[Action] = []
    known = table(jobs)
    moved = not jobs.held
    while moved:
        moved = False
        for label, files in jobs.asked.items():
            flow, job = known.get(label, (None, None))
            if flow is None or job is None:
                jobs = replace(jobs, asked={k: v for k, v in jobs.asked.items() if k != label})
                moved = True
                break
            waits = (*_needs(flow, job), label)
            if any(one in jobs.waves or (one in jobs.asked and one != label) for one in waits):
                continue
            jobs = replace(jobs, asked={k: v for k, v in jobs.asked.items() if k != label})
            jobs, more = _open(jobs, label, flow, job, files)
            plan += more
            moved = True
            break
    jobs, started = _fill(jobs)
    return jobs, (*plan, *started)


def _open(jobs: Jobs, label: str, flow: Workflow, job: Job, files: tuple[str, ...]) -> Result:
    """Decide whether a job runs, and with which rows."""
    needed = {
        one: jobs.done.get(name(flow, one), JobOutcome("skipped", "skipped")) for one in job.needs
    }
    seen = {
        "github": contexts.github(jobs.host, flow, job.id, jobs.number),
        "inputs": {},
        "vars": {},
        "needs": {
            one: {"result": it.conclusion, "outputs": dict(it.outputs)}
            for one, it in needed.items()
        },
    }
    above = ancestors({one.id: one.needs for one in flow.jobs}, job.id)
    results = [
        jobs.done[name(flow, one)].conclusion for one in above if name(flow, one) in jobs.done
    ]
    status = {
        "success": lambda: (
            all(it.conclusion == "success" for it in needed.values()) and "failure" not in results
        ),
        "failure": lambda: "failure" in results,
        "always": lambda: True,
        "cancelled": lambda: "cancelled" in results,
    }
    try:
        if not templates.holds(job.condition, seen, status):
            return _skip(jobs, label)
        named = label in jobs.named
        orders = rows.orders(jobs.number, label, (flow, job), files, seen, named=named)
    except (ExpressionError, ValueError) as error:
        problem = Tell(events.Error(f"{job.location}: job {label}: {error}"))
        failed = JobOutcome("failure", "failure")
        order = JobOrder(jobs.number, flow, job, label, label)
        jobs, more = _close(jobs, label, (failed,))
        return jobs, (problem, Tell(_finished(order, failed)), *more)
    if not orders:
        return _skip(jobs, label)
    plan: Plan = ()
    for order in {one.group: one for one in orders if one.group}.values():
        jobs, more = _supersede(jobs, order)
        plan += more
    return replace(jobs, waves={**jobs.waves, label: Wave(orders)}), plan


def _supersede(jobs: Jobs, order: JobOrder) -> Result:
    """Let a job take the place of the one that waits in its group; one runs, one waits."""
    plan: list[Action] = []
    others = {
        label: wave
        for label, wave in jobs.waves.items()
        if any(one.group == order.group for one in (*wave.todo, *wave.running))
    }
    waiting = [label for label, wave in others.items() if not wave.running]
    runs = len(waiting) < len(others)
    for label in waiting if runs or order.cancels else waiting[1:]:
        older = JobOutcome("cancelled", "cancelled")
        plan.append(Tell(_finished(others[label].todo[0], older)))
        waves = {key: wave for key, wave in jobs.waves.items() if key != label}
        jobs, more = _close(replace(jobs, waves=waves), label, (older,))
        plan += more
    if order.cancels:
        busy = [one for wave in others.values() if not wave.dropped for one in wave.running]
        plan += [CancelJob(one, abandon=True) for one in busy if one.group == order.group]
    return jobs, tuple(plan)


def _skip(jobs: Jobs, label: str) -> Result:
    done = {**jobs.done, label: JobOutcome("skipped", "skipped")}
    return replace(jobs, done=done), (Tell(events.JobFinished(label, None, "skipped", 0.0)),)


def _excludes(busy: JobOrder, order: JobOrder) -> bool:
    """Say whether two runs are of one group: of jobs, or of two workflows."""
    if order.group and busy.group == order.group:
        return True
    same = busy.workflow.path == order.workflow.path
    return bool(order.flow_group) and busy.flow_group == order.flow_group and not same


def _fill(jobs: Jobs) -> Result:
    """Start rows while there is room: over all, in a matrix, in a concurrency group."""
    plan: list[Action] = []
    if jobs.held:
        return jobs, ()
    waves = dict(jobs.waves)
    for label, wave in jobs.waves.items():
        while waves[label].todo:
            current, order = waves[label], waves[label].todo[0]
            busy = [one for it in waves.values() for one in it.running]
            full = order.max_parallel and len(current.running) >= order.max_parallel
            if full or len(busy) >= jobs.limit or wave.dropped:
                break
            if any(_excludes(one, order) for one in busy):
                break
            running = (*current.running, order)
            waves[label] = replace(current, todo=current.todo[1:], running=running)
            plan += [Tell(events.JobStarted(label, dict(order.row) or None)), StartJob(order)]
    return replace(jobs, waves=waves), tuple(plan)
