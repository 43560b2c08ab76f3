from __future__ import annotations

import threading
import time

import pytest

from devloop import events
from devloop.engine.client import Engine
from devloop.jobs.schedule.graph import JobOutcome
from tests.jobs.bench import Bench, left

pytestmark = pytest.mark.engine


STEPS = """
      - id: one
        run: |
          echo "v=x y" >> "$GITHUB_OUTPUT"
          printf 'E<<EOF\\nl1\\nl2\\nEOF\\n' >> "$GITHUB_ENV"
          echo "::add-mask::hunter2"
          echo "pass hunter2"
          echo "::error file=/src/a.py,line=3::bad hunter2"
          printf 'no end'
      - run: test "$E" = "$(printf 'l1\\nl2')" && echo "got ${{ steps.one.outputs.v }}"
      - run: exit 3
        continue-on-error: true
      - run: echo src/b.py:4:2':' error':' wrong
      - run: |
          mkdir -p "$RUNNER_TEMP/bin" && cd "$RUNNER_TEMP/bin" && echo 'echo tool runs' > tool
          chmod +x tool && pwd >> "$GITHUB_PATH"
      - run: tool
      - {run: "import sys; print(sys.version_info.major)", shell: "python3 {0}"}
      - uses: actions/checkout@v4
      - uses: a/b@v1
      - run: false
      - {run: echo never}
      - {run: echo mended, if: failure()}
"""


def test_a_job_of_every_kind_of_step(engine: Engine, container: str) -> None:
    bench = Bench(engine, container, STEPS, "outputs: {o: '${{ steps.one.outputs.v }}'}")
    outcome = bench.run()
    assert outcome.conclusion == "failure"
    assert outcome.outputs == {"o": "x y"}
    assert outcome.not_run == ("a/b@v1",)
    lines = bench.lines()
    assert "pass ***" in lines
    assert "got x y" in lines
    assert "no end" in lines
    assert "3" in lines
    assert "mended" in lines
    assert "tool runs" in lines
    assert "never" not in lines
    assert "hunter2" not in str(bench.told)
    marks = [one for one in bench.told if isinstance(one, events.Annotation)]
    assert [(one.file, one.line, one.message) for one in marks] == [
        ("src/a.py", 3, "bad ***"),
        ("src/b.py", 4, "wrong"),
    ]
    assert left(engine, container)[2] == ""


@pytest.mark.parametrize("trap", ["", "trap '' INT TERM; "])
def test_a_cancelled_job_leaves_nothing(engine: Engine, container: str, trap: str) -> None:
    steps = f'      - run: "{trap}echo on; sleep 301 & while :; do sleep 300; done"\n'
    bench = Bench(engine, container, steps)
    found: list[JobOutcome] = []
    thread = threading.Thread(target=lambda: found.append(bench.run()))
    before = left(engine, container)
    thread.start()
    assert bench.first.wait(10)
    began = time.monotonic()
    bench.run.stop(abandon=True)
    thread.join(10)
    assert time.monotonic() - began < 2.5
    assert found[0].conclusion == "cancelled"
    assert left(engine, container)[1:] == before[1:]


def test_a_step_that_is_too_slow_fails(engine: Engine, container: str) -> None:
    bench = Bench(engine, container, "      - {run: sleep 300, timeout-minutes: 0.005}\n")
    assert bench.run().conclusion == "failure"
    assert any("timed out" in str(one) for one in bench.told)


def test_a_job_that_is_too_slow_is_cancelled(engine: Engine, container: str) -> None:
    bench = Bench(engine, container, "      - run: sleep 300\n", "timeout-minutes: 0.01")
    assert bench.run().conclusion == "cancelled"
    assert any("the job timed out" in str(one) for one in bench.told)


def test_a_job_that_may_fail_is_forgiven(engine: Engine, container: str) -> None:
    bench = Bench(engine, container, "      - run: exit 3\n", "continue-on-error: true")
    outcome = bench.run()
    assert (outcome.outcome, outcome.conclusion) == ("failure", "success")


def test_missing_bash_is_said_with_what_to_do(engine: Engine, container: str) -> None:
    steps = "      - {run: echo never, shell: bash, env: {PATH: /nothing}}\n"
    bench = Bench(engine, container, steps)
    assert bench.run().conclusion == "failure"
    assert "this image has no bash: install it, or write `shell: sh`" in bench.lines()


def test_the_env_context_holds_what_the_files_and_steps_set(engine: Engine, container: str) -> None:
    steps = """
      - {run: 'echo W=written >> $GITHUB_ENV'}
      - run: 'echo "[$J ${{ env.J }}] [$W ${{ env.W }}] [$S ${{ env.S }}]"'
        env: {S: 's ${{ env.J }}'}
      - run: echo "it is ${{ github.sha }}"
        if: env.S == 'x' && env.J == 'job'
        env: {S: x}
"""
    bench = Bench(engine, container, steps, "env: {J: job, W: job}")
    assert bench.run().conclusion == "success"
    assert bench.lines() == ["[job job] [written written] [s job s job]", "it is abc"]


def test_what_a_cancel_leaves_to_do_is_done(engine: Engine, container: str) -> None:
    steps = """
      - run: "echo on; sleep 300"
      - {run: echo never}
      - {run: "sleep 0.3; echo always", if: always()}
      - {run: echo cancelled, if: cancelled()}
"""
    bench = Bench(engine, container, steps)
    threading.Thread(
        target=lambda: bench.first.wait(10) and bench.run.stop(abandon=False), daemon=True
    ).start()
    assert bench.run().conclusion == "cancelled"
    assert bench.lines() == ["on", "always", "cancelled"]
