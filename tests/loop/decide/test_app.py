"""Every decision of the loop, by the text of plans; no mocks, no clock."""

from __future__ import annotations

import pytest

from devloop import events
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Absence, Absent, Exited, Idle, made_from
from devloop.model import ByCommand, ByItself, BySignal
from tests.loop.decide.machine import A, B, C, Machine, wanted


def test_a_source_save_restarts(up: Machine) -> None:
    assert up.save("a.py") == "restart: a.py"
    assert up(on.AppStarted, "c1", 2) == "probe start 2"
    up(on.AppReady, "c1", 2, None)
    assert up.closed() == [(1, "restart", "ok")]


def test_many_names_are_shortened(up: Machine) -> None:
    assert up.save("a", "b", "c", "d", "e") == "restart: a, b, c and 2 more"


def test_nothing_to_do_is_said_with_its_reason(up: Machine) -> None:
    assert up.save("README.md", restarts=(), idle=("README.md: not a source",)) == ""
    assert up.closed() == [(1, "none", "ok")]
    assert up.told(events.CycleFinished)[0].cause == "README.md: not a source"


def test_a_second_save_supersedes_a_restart_that_is_under_way(up: Machine) -> None:
    up.save("a.py")
    assert up.save("b.py") == "", "nobody knows whether the start under way has read it"
    assert up.closed() == [(1, "restart", "superseded")]
    assert up(on.AppStarted, "c1", 2) == "restart: b.py"
    up(on.AppReady, "c1", 2, None)
    assert up.closed() == []
    assert up(on.AppStarted, "c1", 3) == "probe start 3"
    up(on.AppReady, "c1", 3, None)
    assert up.closed() == [(2, "restart", "ok")]


def test_saves_while_a_slow_app_stops_are_one_start_after_it(up: Machine) -> None:
    up.save("a.py")
    for path in ("b.py", "c.py", "b.py"):
        assert up.save(path) == ""
    assert up(on.AppStarted, "c1", 2) == "restart: c.py, b.py"
    assert up(on.AppStarted, "c1", 3) == "probe start 3"


def test_back_to_what_runs_while_a_start_is_under_way_awaits_that_start(up: Machine) -> None:
    up.save("a.py")
    up.depend(B)
    assert up.depend(A) == "cancel the build: package.json: x"
    assert up.closed() == [(2, "recreate", "superseded")]
    assert up(on.AppStarted, "c1", 2) == "probe start 2"
    up(on.AppReady, "c1", 2, None)
    assert up.closed() == [(1, "restart", "ok"), (3, "none", "ok")]


def test_back_to_an_app_that_is_known_to_be_late_awaits_nothing(up: Machine) -> None:
    up.save("a.py")
    up(on.AppStarted, "c1", 2)
    up(on.AppSlow, "c1", 2, "hint")
    assert up.closed() == [(1, "restart", "unready")]
    up.depend(B)
    up.depend(A)
    assert up.closed() == [(2, "recreate", "superseded"), (3, "none", "unready")]
    up(on.AppReady, "c1", 2, None)
    assert up.told(events.AppReady)


def test_an_answer_of_the_old_process_does_not_end_the_cycle(up: Machine) -> None:
    up.save("a.py")
    up(on.AppReady, "c1", 1, None)
    assert up.closed() == []
    up(on.AppExited, "c1", 1)
    assert up.closed() == []


def test_an_unknown_containers_reports_are_dropped(up: Machine) -> None:
    for kind, rest in ((on.AppStarted, (5,)), (on.AppReady, (1, None)), (on.AppExited, (1,))):
        before = up.state
        assert up(kind, "other", *rest) == ""
        assert up.state == before
    up(on.AppSlow, "other", 1, "hint")
    assert up.plan == ()


@pytest.mark.parametrize("kind", ["signal", "exec"])
def test_reload_by_the_apps_own_means(up: Machine, kind: str) -> None:
    assert (
        up.save("a.py", reload=BySignal("USR2") if kind == "signal" else ByCommand("USR2"))
        == f"reload by {kind} USR2: a.py"
    )
    assert up.closed() == [(1, "reload", "ok")]
    up(on.ReloadFailed, "no such process")
    assert "no such process" in up.told(events.Error)[0].message


def test_an_app_that_reloads_itself_is_left_alone_unless_it_is_dead(up: Machine) -> None:
    assert up.save("a.ts", reload=ByItself()) == ""
    assert up.closed() == [(1, "reload", "ok")]
    up(on.AppExited, "c1", 1)
    assert up.save("a.ts", reload=ByItself()) == "restart: a.ts"


def test_a_crash_closes_the_cycle_and_the_next_save_restarts(up: Machine) -> None:
    up.save("a.py")
    up(on.AppStarted, "c1", 2)
    up(on.AppExited, "c1", 3)
    assert up.closed() == [(1, "restart", "crashed")]
    assert up.told(events.AppExited)[0].exit_code == 3
    assert up.save("a.py") == "restart: a.py"


def test_an_app_that_never_answers_is_told_and_the_cycle_ends(up: Machine) -> None:
    up.save("a.py")
    up(on.AppStarted, "c1", 2)
    up(on.AppSlow, "c1", 2, "0.0.0.0?")
    assert up.closed() == [(1, "restart", "unready")]
    assert up.told(events.Error)[0].hint == "0.0.0.0?"


def test_slowness_during_a_build_ends_no_cycle(up: Machine) -> None:
    up.depend(B)
    up(on.AppSlow, "c1", 1, "0.0.0.0?")
    assert up.closed() == []
    up(on.AppReady, "c1", 1, None)
    assert up.closed() == []


def test_a_moved_dependency_builds_swaps_and_closes_with_its_times(up: Machine) -> None:
    assert up.depend(B) == f"image {'b' * 12}: package.json: x"
    assert up.built() == "recreate: package.json: x"
    swapped_at = up.now
    up.taken_over("c2", gap=swapped_at)
    up.started()
    up.ready()
    done = up.told(events.CycleFinished)[0]
    assert (done.action, done.outcome, done.build_s) == ("rebuild", "ok", 4.0)
    assert done.gap_s == up.now - swapped_at


def test_an_image_that_is_there_is_a_recreate(up: Machine) -> None:
    up.depend(B)
    up.built(cached=True)
    up.taken_over("c2")
    up.started()
    up.ready()
    assert up.closed() == [(1, "recreate", "ok")]


def test_another_spec_recreates(up: Machine) -> None:
    changed = wanted("a", memory=1 << 30)
    plan = up.save("devloop.yaml", want=changed, restarts=(), respec=True)
    assert plan == f"image {'a' * 12}: devloop.yaml changed"


def test_a_newer_dependency_cancels_the_build(up: Machine) -> None:
    up.depend(B)
    plan = up.depend(C)
    assert plan == f"cancel the build: package.json: x\nimage {'c' * 12}: package.json: x"
    assert up.closed() == [(1, "recreate", "superseded")]
    before = up.state
    assert up(on.ImageReady, 2, "img-b", cached=False, duration=1.0) == ""
    assert up(on.ImageFailed, 2, "step", "no") == ""
    assert up.state == before
    assert up(on.ImageReady, 3, "img-c", cached=False, duration=1.0).startswith("recreate")


def test_taking_a_change_back_during_its_build_needs_nothing(up: Machine) -> None:
    up.depend(B)
    assert up.depend(A) == "cancel the build: package.json: x"
    assert up.closed() == [(1, "recreate", "superseded"), (2, "none", "ok")]
    assert isinstance(up.state.work, Idle)


def test_taking_a_change_back_shows_the_sources_that_waited(up: Machine) -> None:
    up.depend(B)
    assert up.save("a.py") == ""
    assert up.depend(A) == "cancel the build: package.json: x\nrestart: a.py"


def test_the_same_image_with_another_spec_goes_on_building(up: Machine) -> None:
    up.depend(B)
    other = wanted("b", cpus=1.0)
    assert up.save("devloop.yaml", want=other, restarts=(), respec=True) == ""
    up(on.ImageReady, 2, "img-b", cached=False, duration=1.0)
    swap = next(one for one in up.plan if isinstance(one, do.BringUp))
    assert swap.nodes[0].replacement.wanted == other


def test_sources_saved_during_a_build_wait_for_the_new_container(up: Machine) -> None:
    up.depend(B)
    assert up.save("a.py") == ""
    assert up(on.ImageReady, 2, "img-b", cached=False, duration=1.0).startswith("recreate")
    assert up.taken_over("c2") == ""
    assert up.started() == "probe start 1"
    up.ready()
    assert [number for number, _, _ in up.closed()] == [1, 2]


def test_sources_saved_during_a_swap_restart_the_new_app(up: Machine) -> None:
    up.depend(B)
    up.built()
    started_at = up.now
    assert up.save("a.py") == ""
    assert up.taken_over("c2", started_at) == ""
    assert up.started() == "restart: a.py"
    up.ready()
    assert up.closed() == []
    up.started()
    up.ready()
    assert [outcome for _, _, outcome in up.closed()] == ["ok", "ok"]


def test_what_was_saved_before_the_new_app_started_needs_no_start(up: Machine) -> None:
    up.depend(B)
    up.built()
    assert up.save("a.py") == ""
    up.taken_over("c2")
    assert up.started() == "probe start 1"


def test_a_dead_app_is_restarted_even_during_a_build(up: Machine) -> None:
    up(on.AppExited, "c1", 1)
    up.depend(B)
    assert up.save("a.py") == "restart: a.py"


def test_a_dependency_that_moves_during_a_swap_is_built_after_it(up: Machine) -> None:
    up.depend(B)
    up(on.ImageReady, 2, "img-b", cached=False, duration=1.0)
    assert up.depend(C) == ""
    assert f"image {'c' * 12}" in up.taken_over("c2")


def test_a_failed_build_leaves_the_old_app_and_is_not_tried_again_for_nothing(up: Machine) -> None:
    up.depend(B)
    assert up(on.ImageFailed, 2, "RUN npm ci", "E404") == ""
    assert up.closed() == [(1, "rebuild", "failed")]
    assert up.told(events.ImageFailed)[0].message == "E404"
    assert up.save("a.py") == "restart: a.py"
    assert up.save("README.md", restarts=()) == ""
    assert up.save("package.json", restarts=(), mends=True).startswith(f"image {'b' * 12}")


def test_a_failed_build_shows_the_sources_that_waited(up: Machine) -> None:
    up.depend(B)
    up.save("a.py")
    assert up(on.ImageFailed, 2, "", "no") == "restart: a.py"


def test_the_first_build_failing_leaves_the_loop_alive() -> None:
    machine = Machine()
    machine(on.Begun, {"": A})
    assert machine(on.ImageFailed, 1, "step", "no") == ""
    assert machine.save("x.md", restarts=()) == ""
    assert machine.save("a.py", restarts=("a.py",)) == ""
    assert machine.told(events.CycleFinished)[0].cause == "nothing runs yet"
    assert machine.depend(B).startswith(f"image {'b' * 12}")


def test_a_port_that_is_taken_at_the_start_ends_the_loop() -> None:
    machine = Machine()
    machine(on.Begun, {"": A})
    machine(on.ImageReady, 1, "img-a", cached=True, duration=0.0)
    assert failed(machine, on.Nothing(), fatal=3) == "quit 3"
    assert machine.save("a.py") == ""


def failed(machine: Machine, left: on.Left, fatal: int | None = None) -> str:
    generation = machine.state.generation
    return machine(on.HandOverFailed, generation, "taken", "", left, fatal)


def failing(machine: Machine, left: on.Left) -> str:
    machine.depend(B)
    machine.built(cached=True)
    machine.save("a.py")
    return failed(machine, left, 3)


def test_a_failed_hand_over_leaves_the_old_container_untouched(up: Machine) -> None:
    assert failing(up, on.Untouched()) == "restart: a.py"
    assert made_from(up.app) == A
    assert up.told(events.Error)[0].message == "taken"


def test_a_failed_start_brings_the_old_container_back(up: Machine) -> None:
    assert failing(up, on.BroughtBack("c1", up.now + 9)) == ""
    assert [outcome for _, _, outcome in up.closed()] == ["failed", "failed"]
    assert up.container == "c1"
    assert up.started() == "probe start 1"


def test_what_was_saved_after_the_old_container_was_brought_back_is_seen(up: Machine) -> None:
    failing(up, on.BroughtBack("c1", 0.0))
    assert up.started() == "restart: a.py"


def test_a_hand_over_that_loses_both_leaves_the_loop_alive(up: Machine) -> None:
    assert failing(up, on.Nothing()) == ""
    assert up.app == Absent(Absence.GONE)
    assert up.depend(C).startswith(f"image {'c' * 12}")


def test_what_is_wanted_since_a_hand_over_began_is_made_when_that_fails(up: Machine) -> None:
    up.depend(B)
    up.built()
    assert up.depend(C) == ""
    assert failed(up, on.BroughtBack("c1", up.now)) == f"image {'c' * 12}: package.json: x"
    assert up.closed() == [(1, "recreate", "failed")]
    up.started()
    up.built()
    up.taken_over("c3")
    up.started()
    up.ready()
    assert up.closed() == [(2, "rebuild", "ok")]


def test_a_batch_of_source_and_settings_whose_hand_over_fails_restarts_the_old_app(
    up: Machine,
) -> None:
    changed = wanted("a", memory=1 << 30)
    up.save("devloop.yaml", want=changed, restarts=("app.py",), respec=True)
    up.built(cached=True)
    assert failed(up, on.Untouched()) == "restart: app.py"
    assert up.save("README.md", restarts=()) == "", "it failed, and nothing has changed since"


def test_a_restart_that_a_build_overtakes_is_told_as_what_happened(up: Machine) -> None:
    up.save("a.py")
    up.depend(B)
    up.built()
    assert up.closed() == [(1, "restart", "superseded")]


def test_a_restart_is_answered_while_a_build_runs(up: Machine) -> None:
    up.save("a.py")
    up.depend(B)
    up.started()
    up.ready()
    assert up.closed() == [(1, "restart", "ok")]


def test_a_start_that_fails_is_told_and_the_next_save_tries_again(up: Machine) -> None:
    up.save("a.py")
    up(on.RestartFailed, "c1", "no such process")
    assert up.closed() == [(1, "restart", "failed")]
    assert "no such process" in up.told(events.Error)[0].message
    assert up(on.RestartFailed, "c1", "again") == ""
    assert up.save("b.py") == "restart: b.py"


def test_an_app_that_is_there_to_end_has_not_crashed() -> None:
    machine = Machine()
    machine(on.Begun, {"": A}, once=frozenset({""}))
    machine.built()
    machine.taken_over("c1")
    machine.started()
    machine.depend(wanted("a", cpus=1.0))
    machine.built(cached=True)
    machine.taken_over("c2")
    machine.started()
    machine(on.AppExited, "c2", 0)
    assert machine.closed() == [(1, "recreate", "ok")]


def test_outcomes_of_an_old_generation_are_dropped(up: Machine) -> None:
    before = up.state
    assert up(on.HandedOver, 9, "c9", "img", 0.0) == ""
    assert up(on.HandOverFailed, 9, "", "", on.Nothing()) == ""
    assert up.state == before


def test_a_container_that_was_removed_is_made_again_at_the_next_save(up: Machine) -> None:
    up(on.AppExited, "c1", 137, gone=True)
    assert up.save("a.py").startswith(f"image {'a' * 12}")


def test_the_engine_goes_and_comes_back(up: Machine) -> None:
    up.save("a.py")
    assert up(on.EngineLost) == "reconnect: the engine is gone"
    assert up.closed() == [(1, "restart", "failed")]
    assert up(on.EngineLost) == ""
    assert up.save("b.py") == ""
    assert up.told(events.CycleFinished)[0].cause == "the engine is gone"
    assert up(on.EngineFound) == f"image {'a' * 12}: the engine is back"
    assert up(on.EngineFound) == ""


def test_a_half_written_file_is_waited_for_then_told_once(up: Machine) -> None:
    broken = {"restarts": (), "broken": (("package.json", "line 3"),)}
    assert up.save("package.json", **broken) == "wait for package.json"
    assert up.save("package.json", **broken) == ""
    up(on.Waited, "package.json", "line 3")
    assert "line 3" in up.told(events.Error)[0].message
    up.save("package.json", restarts=())
    up(on.Waited, "package.json", "line 3")
    assert up.told(events.Error) == []
    up(on.Waited, "package.json", "")
    assert up.plan == ()


def test_a_broken_config_is_told_and_changes_nothing(up: Machine) -> None:
    assert up.save("devloop.yaml", restarts=(), error="devloop.yaml:1:1: no") == ""
    assert up.told(events.Error)[0].message == "devloop.yaml:1:1: no"
    assert up.told(events.CycleFinished)[0].cause == "devloop.yaml:1:1: no"


def test_warnings_are_told(up: Machine) -> None:
    up.save("package.json", restarts=(), warnings=("package.json counts whole",))
    assert up.told(events.Notice)[0].message == "package.json counts whole"


def test_stopping_cancels_and_quits_and_nothing_happens_after(up: Machine) -> None:
    assert up(on.StopAsked, 130) == "quit 130"
    assert up(on.AppReady, "c1", 1, None) == ""
    busy = Machine()
    busy(on.Begun, {"": A})
    assert busy(on.StopAsked, 130) == "cancel the build: asked to stop\nquit 130"


def test_a_manifest_that_restarts_says_why_it_does_not_rebuild(up: Machine) -> None:
    plan = up.save("package.json", unmoved=("package.json",))
    assert plan == "restart: package.json (no dependency moved in package.json: no build)"


def rewrites(up: Machine, times: int) -> None:
    """An app that writes a source of its own right after each start."""
    for _ in range(times):
        up.since(up.now + 0.7)
        assert up.save("state.json") == "restart: state.json"
        up.started()
        up.ready()


def rests(up: Machine, seconds: float) -> None:
    up.since(up.now + 0.7)
    assert up.save("state.json") == f"wait {seconds:g} s until state.json rests"


def rested(up: Machine) -> str:
    return up(on.Settled, "state.json", up.state.unseen[-1].at)


def test_a_file_that_the_app_writes_itself_starts_it_ever_later(up: Machine) -> None:
    rewrites(up, 3)
    for _ in range(3):
        rests(up, 1.5)
        assert up.closed()[0][1:] == ("none", "ok")
        assert up(on.Settled, "state.json", 0.0) == "", "it changed meanwhile"
        assert rested(up) == "restart: state.json"
        up.started()
    for seconds in (3, 6, 12):
        rests(up, seconds)
        told = up.told(events.Notice)
        assert [("may be writing it" in one.message) for one in told] == [True] * (seconds == 3)
        assert rested(up) == "restart: state.json"
        up.started()
    up.now += 10
    assert up.save("state.json") == "restart: state.json"


def test_saves_after_one_start_count_once(up: Machine) -> None:
    rewrites(up, 3)
    for _ in range(9):
        rests(up, 1.5)
    assert rested(up) == "restart: state.json"


def test_a_user_who_saves_fast_loses_nothing(up: Machine) -> None:
    rewrites(up, 3)
    rests(up, 1.5)
    up.since(up.now + 0.7)
    assert up.save("other.py") == "restart: other.py"
    up.started()
    up.since(up.now + 0.7)
    assert up.save("state.json", "other.py") == "restart: state.json, other.py"
    assert up(on.Settled, "state.json", 1) == ""


def test_a_file_that_rests_while_an_image_is_made_is_seen_when_that_fails(up: Machine) -> None:
    rewrites(up, 3)
    rests(up, 1.5)
    up.depend(B)
    assert rested(up) == ""
    assert up(on.ImageFailed, up.state.generation, "", "no") == "restart: state.json"


def test_an_old_container_that_was_made_anew_goes_on_by_its_new_name(up: Machine) -> None:
    up.depend(B)
    up.built(cached=True)
    assert failed(up, on.BroughtBack("c9", up.now)) == ""
    assert up.started() == "probe start 1"
    up.ready()
    assert up.container == "c9"
    assert up.save("a.py") == "restart: a.py"


def test_an_app_that_has_exited_is_not_ready_any_more(up: Machine) -> None:
    up(on.AppStarted, "c1", 2)
    up(on.AppExited, "c1", 3)
    up(on.AppReady, "c1", 2, None)
    assert up.told(events.AppReady) == []
    assert isinstance(up.app, Exited)
