"""Steps that run beside others, on a real engine."""

from __future__ import annotations

import threading

import pytest

from devloop import events
from devloop.engine.client import Engine
from tests.jobs.bench import Bench, left

pytestmark = pytest.mark.engine


BACKGROUND = """
      - id: one
        background: true
        run: |
          until [ -e "$RUNNER_TEMP/go" ]; do sleep 0.02; done
          echo v=1 >> "$GITHUB_OUTPUT"; echo E=set >> "$GITHUB_ENV"; echo one
      - {run: 'echo "before [${{ steps.one.outputs.v }}] [$E]"; touch "$RUNNER_TEMP/go"'}
      - wait: one
      - {run: 'echo "after [${{ steps.one.outputs.v }}] [$E]"'}
"""


def test_what_a_background_step_leaves_counts_from_when_it_was_waited_for(
    engine: Engine, container: str
) -> None:
    bench = Bench(engine, container, BACKGROUND)
    assert bench.run().conclusion == "success"
    lines = bench.lines()
    assert lines == ["before [] []", "one", "after [1] [set]"]
    assert left(engine, container)[2] == ""


def test_a_failure_in_the_background_counts_when_it_is_waited_for(
    engine: Engine, container: str
) -> None:
    steps = """
      - {id: bad, run: exit 3, background: true}
      - {id: good, run: exit 3, background: true, continue-on-error: true}
      - {run: sleep 0.2; echo still}
      - {name: forgiven, wait: good}
      - {run: echo yes}
      - {name: all, wait-all: }
      - {run: echo never}
      - {run: echo mended, if: failure() && steps.bad.outcome == 'failure'}
"""
    bench = Bench(engine, container, steps)
    assert bench.run().conclusion == "failure"
    assert bench.lines() == ["still", "yes", "mended"]
    assert (bench.steps()["forgiven"], bench.steps()["all"]) == ("success", "failure")


def test_a_background_step_is_ended_alone(engine: Engine, container: str) -> None:
    steps = """
      - id: s
        run: trap 'echo bye; exit 0' INT; echo up; while :; do sleep 0.05; done
        background: true
      - id: other
        run: until [ -e $RUNNER_TEMP/go ]; do sleep 0.02; done; echo other
        background: true
      - {run: sleep 0.3; echo work}
      - cancel: s
      - {run: touch "$RUNNER_TEMP/go"}
      - wait-all:
      - {run: 'echo "${{ steps.s.outcome }} ${{ steps.other.outcome }}"'}
"""
    before = left(engine, container)
    bench = Bench(engine, container, steps)
    assert bench.run().conclusion == "success"
    lines = bench.lines()
    assert sorted(lines[:2]) == ["up", "work"]
    assert lines[2:] == ["bye", "other", "cancelled success"]
    assert left(engine, container)[1:] == before[1:]


def test_steps_run_side_by_side_and_one_that_fails_fails_the_group(
    engine: Engine, container: str
) -> None:
    meet = "touch $RUNNER_TEMP/{0}; until [ -e $RUNNER_TEMP/{1} ]; do sleep 0.02; done; echo {0}"
    one, two = (
        meet.replace("{0}", "a").replace("{1}", "b"),
        meet.replace("{0}", "b").replace("{1}", "a"),
    )
    steps = f"""
      - parallel:
          - {{id: x, run: "{one}; echo o=1 >> $GITHUB_OUTPUT"}}
          - {{run: "{two}"}}
      - {{run: 'echo "${{{{ steps.x.outputs.o }}}}"'}}
      - parallel: [{{run: exit 3}}, {{run: echo fine}}]
      - {{run: echo never}}
"""
    bench = Bench(engine, container, steps)
    assert bench.run().conclusion == "failure"
    lines = bench.lines()
    assert sorted(lines) == ["1", "a", "b", "fine"]
    services = {one.text: one.service for one in bench.told if isinstance(one, events.Log)}
    assert (services["a"], services["fine"]) == ("ci/a/x", "ci/a/echo fine")


def test_background_steps_end_with_the_job(engine: Engine, container: str) -> None:
    steps = """
      - {id: s, background: true, run: "echo on; sleep 300"}
      - wait-all:
"""
    before = left(engine, container)
    bench = Bench(engine, container, steps)
    ends = threading.Thread(target=lambda: bench.first.wait(10) and bench.run.stop(abandon=True))
    ends.start()
    assert bench.run().conclusion == "cancelled"
    ends.join()
    assert left(engine, container)[1:] == before[1:]


def test_a_slow_step_is_ended_without_those_beside_it(engine: Engine, container: str) -> None:
    steps = """
      - run: until [ -e $RUNNER_TEMP/go ]; do sleep 0.02; done; echo other
        background: true
      - {run: sleep 300, timeout-minutes: 0.005, continue-on-error: true}
      - {run: touch "$RUNNER_TEMP/go"}
"""
    bench = Bench(engine, container, steps)
    assert bench.run().conclusion == "success"
    assert "other" in bench.lines()
