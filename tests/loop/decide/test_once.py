"""`ci`, by the text of plans: ready once, the jobs, the end."""

from __future__ import annotations

from typing import Any

import pytest

from devloop import events
from devloop.jobs.schedule.contexts import JobOrder
from devloop.jobs.schedule.graph import JobOutcome, Jobs
from devloop.jobs.workflow.model import Job, Workflow
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Once
from tests.loop.decide.machine import A, Machine

TESTING = Jobs((Workflow(path="devloop.yaml", jobs=(Job("test", "devloop.yaml:1:1"),)),))


def trying(*jobs: str, **fields: Any) -> Machine:
    machine = Machine()
    plan = machine(on.Begun, {"": A}, jobs=TESTING, aim=Once(jobs), **fields)
    assert plan == f"image {'a' * 12}: ci", "a build may take as long as it does"
    return machine


def served(machine: Machine) -> str:
    machine.built()
    machine.taken_over("c1")
    machine.started()
    return machine.ready()


def order(machine: Machine) -> JobOrder:
    work = next(one.work for one in machine.plan if isinstance(one, do.JobWork))
    return work.order


def test_the_time_to_answer_begins_when_the_app_was_started() -> None:
    machine = trying()
    assert machine.built() == "create: start"
    assert machine.taken_over("c1") == "deadline"
    assert machine.started() == "probe start 1"


def test_an_app_that_is_slow_in_ci_is_no_error_yet() -> None:
    machine = trying()
    machine.built()
    machine.taken_over("c1")
    machine.started()
    assert machine(on.AppSlow, "c1", 1, "0.0.0.0?") == ""
    assert machine.told(events.Error) == []
    assert "0.0.0.0?" in machine.told(events.Notice)[0].message
    assert machine.ready() == "quit 0"


def test_without_jobs_it_ends_when_the_app_answers() -> None:
    assert served(trying()) == "quit 0"


@pytest.mark.parametrize(("conclusion", "code"), [("success", 0), ("failure", 1)])
def test_the_jobs_run_then_it_ends(conclusion: str, code: int) -> None:
    machine = trying("test")
    assert served(machine) == "run test"
    outcome = JobOutcome(conclusion, conclusion)
    assert machine(on.JobEnded, order(machine), outcome) == f"quit {code}"
    assert machine(on.AppExited, "c1", 1) == ""


def test_an_app_that_ends_while_the_jobs_run_fails_it() -> None:
    machine = trying("test")
    served(machine)
    running = order(machine)
    assert machine(on.AppExited, "c1", 3) == ""
    assert machine(on.JobEnded, running, JobOutcome("success", "success")) == "quit 1"


def test_a_failed_build_ends_it() -> None:
    machine = trying()
    assert machine(on.ImageFailed, 1, "RUN x", "no") == "quit 1"
    assert machine.told(events.ImageFailed)[0].step == "RUN x"


def test_an_app_that_crashes_ends_it() -> None:
    machine = trying()
    machine.built()
    machine.taken_over("c1")
    machine.started()
    assert machine(on.AppExited, "c1", 3) == "quit 1"


def test_a_hand_over_that_fails_ends_it() -> None:
    machine = trying()
    machine.built()
    assert machine(on.HandOverFailed, 1, "no", "", on.Nothing()) == "quit 1"


def test_an_app_that_never_answers_ends_it() -> None:
    machine = trying()
    machine.built()
    machine.taken_over("c1")
    machine.started()
    assert machine(on.DeadlinePassed) == "quit 1"
    assert machine.told(events.Error)[0].message == "the app does not answer"


def test_a_service_that_is_there_to_end_is_ready_when_it_has() -> None:
    machine = trying(once=frozenset({""}))
    machine.built()
    machine.taken_over("c1")
    machine.started()
    assert machine(on.AppExited, "c1", 0) == "quit 0"


@pytest.mark.parametrize("jobs", [(), ("test",)])
def test_a_lost_engine_ends_it(jobs: tuple[str, ...]) -> None:
    machine = trying(*jobs)
    if jobs:
        served(machine)
    assert machine(on.EngineLost).splitlines()[-1] == "quit 3"


def test_jobs_that_run_are_ended_before_the_end() -> None:
    machine = trying("test")
    served(machine)
    running = order(machine)
    assert machine(on.StopAsked, 130) == "abandon test"
    assert machine(on.AppExited, "c1", 1) == ""
    assert machine(on.JobEnded, running, JobOutcome("cancelled", "cancelled")) == "quit 130"
    assert machine.told(events.JobFinished)[0].conclusion == "cancelled"


def test_what_runs_no_job_ends_at_once() -> None:
    assert trying()(on.StopAsked, 130).endswith("quit 130")


def test_the_deadline_of_what_was_ready_means_nothing() -> None:
    machine = trying("test")
    served(machine)
    assert machine(on.DeadlinePassed) == ""
