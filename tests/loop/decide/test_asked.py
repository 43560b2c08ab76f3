"""What the user asks of a loop: a restart, a rebuild, jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devloop import events
from devloop.jobs.workflow.model import Job, Workflow
from devloop.loop.decide import inputs as on
from tests.loop.decide.machine import B, Machine

TESTING = Workflow(path="devloop.yaml", jobs=(Job("test", "devloop.yaml:1:1"),))


def test_a_restart_that_is_asked_for_is_a_cycle(up: Machine) -> None:
    assert up(on.RestartAsked) == "restart: restart asked for"
    assert up.told(events.CycleStarted) == [events.CycleStarted(1, (), "restart")]
    up(on.AppStarted, "c1", 2)
    up(on.AppReady, "c1", 2, None)
    assert up.closed() == [(1, "restart", "ok")]


def test_the_one_app_is_asked_by_the_name_that_people_see(up: Machine) -> None:
    assert up(on.RestartAsked, "app") == "restart: restart asked for"


def test_a_restart_asked_for_while_an_image_is_made_comes_with_it_or_after_its_failure(
    up: Machine,
) -> None:
    up.depend(B)
    assert up(on.RestartAsked) == ""
    assert up(on.ImageFailed, up.state.generation, "RUN x", "no") == "restart: restart asked for"
    assert up.closed() == [(1, "rebuild", "failed"), (2, "rebuild", "failed")]


def test_a_restart_asked_for_during_a_hand_over_is_the_new_container(up: Machine) -> None:
    up.depend(B)
    up(on.ImageReady, up.state.generation, "img-b", cached=True, duration=0.0)
    assert up(on.RestartAsked) == ""
    up.taken_over("c2")
    assert up.started() == "probe start 1"
    up.ready()
    assert up.closed() == [(1, "recreate", "ok"), (2, "recreate", "ok")]


def test_a_restart_asked_for_where_nothing_runs_makes_a_container(up: Machine) -> None:
    up(on.AppExited, "c1", 1, gone=True)
    assert up(on.RestartAsked) == f"image {'a' * 12}: restart asked for"


def test_what_is_wrong_in_a_batch_is_told_without_an_engine_too(up: Machine) -> None:
    up(on.EngineLost)
    broken = (("package.json", "line 3"),)
    plan = up.save("package.json", restarts=(), error="devloop.yaml:1:1: no", broken=broken)
    assert plan == "wait for package.json"
    assert up.told(events.Error)[0].message == "devloop.yaml:1:1: no"
    assert up.told(events.CycleFinished)[0].cause == "the engine is gone"


@pytest.mark.parametrize("kind", [on.RestartAsked, on.RebuildAsked])
def test_nothing_can_be_asked_of_an_engine_that_is_gone(up: Machine, kind: type[on.Input]) -> None:
    up(on.EngineLost)
    assert up(kind) == ""
    assert up.closed() == [(1, "none", "failed")]


def test_a_rebuild_that_is_asked_for_builds_what_is_there(up: Machine) -> None:
    assert up(on.RebuildAsked) == f"build {'a' * 12}: rebuild asked for"
    up(on.ImageReady, up.state.generation, "img-a", cached=False, duration=2.0)
    up.taken_over("c2")
    up.started()
    up.ready()
    assert up.closed() == [(1, "rebuild", "ok")]
    assert up.depend(B) == f"image {'b' * 12}: package.json: x"


def test_a_rebuild_asked_for_cancels_a_build_and_waits_for_a_hand_over(up: Machine) -> None:
    up.depend(B)
    build = f"build {'b' * 12}: rebuild asked for"
    assert up(on.RebuildAsked) == f"cancel the build: rebuild asked for\n{build}"
    assert up.closed() == [(1, "recreate", "superseded")]
    up(on.ImageReady, up.state.generation, "img-b", cached=False, duration=2.0)
    assert up(on.RebuildAsked) == ""
    assert up.taken_over("c2") == build
    up.started()
    up(on.ImageReady, up.state.generation, "img-b", cached=False, duration=2.0)
    up(on.RebuildAsked)
    left = on.Untouched()
    assert up(on.HandOverFailed, up.state.generation, "no", "", left) == build


def test_a_rebuild_asked_for_is_forgotten_with_the_engine(up: Machine) -> None:
    up.depend(B)
    up.built()
    up(on.RebuildAsked)
    up(on.EngineLost)
    assert up.closed() == [(1, "recreate", "failed"), (2, "recreate", "failed")]
    assert up(on.EngineFound) == f"image {'b' * 12}: the engine is back"


def test_jobs_that_are_asked_for_run_at_once(up: Machine) -> None:
    assert up(on.JobsAsked) == ""
    assert up.told(events.Error)[0].message == "there are no jobs"
    up.project = replace(up.project, jobs=replace(up.project.jobs, workflows=(TESTING,)))
    assert up(on.JobsAsked) == "run test"
    assert up(on.JobsAsked, ("strange",)) == ""
    assert up.told(events.Error)[0].hint == "there are test"
