from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from devloop import events
from devloop.engine.client import Engine, connect
from devloop.engine.logs import Lines
from devloop.errors import HostError
from devloop.jobs import grammar
from devloop.jobs.contexts import Host, Order
from devloop.jobs.graph import Outcome
from devloop.jobs.runner import Run

pytestmark = pytest.mark.engine


class Shell:
    def __init__(self, engine: Engine, container: str) -> None:
        self.link = engine.converse(container, ["sh"])

    def send(self, text: str) -> None:
        self.link.send(text.encode())

    def lines(self) -> Iterator[str]:
        cut = Lines()
        for piece in self.link.pieces():
            yield from cut.feed(piece)
        yield from cut.close()

    def close(self) -> None:
        self.link.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        found = connect()
    except HostError as error:
        pytest.skip(f"no engine: {error}")
    yield found
    found.close()


@pytest.fixture(scope="module")
def container(engine: Engine) -> Iterator[str]:
    body = {
        "Image": "python:3.13-slim",
        "Entrypoint": ["tail", "-f", "/dev/null"],
        "HostConfig": {"Init": True},
    }
    identity = engine.post("/containers/create", body)["Id"]
    engine.post(f"/containers/{identity}/start")
    yield identity
    engine.delete(f"/containers/{identity}", force="true")


class Bench:
    def __init__(
        self,
        engine: Engine,
        container: str,
        steps: str,
        job: str = "",
        files: dict[str, str] | None = None,
    ) -> None:
        text = f"jobs:\n  a:\n    {job}\n    steps:\n{steps}"
        flow = grammar.load(text.encode(), "ci.yml")
        self.told: list[events.Event] = []
        self.first = threading.Event()
        known = {path: content.encode() for path, content in (files or {}).items()}
        order = Order(1, flow, flow.jobs[0], "ci/a", "ci/a")
        host = Host(sha="abc")
        self.run = Run(order, host, lambda: Shell(engine, container), self.tell, read=known.get)

    def tell(self, event: events.Event) -> None:
        self.told.append(event)
        if isinstance(event, events.Log):
            self.first.set()

    def steps(self) -> dict[str, str]:
        ended = (one for one in self.told if isinstance(one, events.StepFinished))
        return {one.step: one.conclusion for one in ended}

    def marks(self) -> list[str]:
        found = (one for one in self.told if isinstance(one, events.Annotation))
        return [f"{one.file}:{one.line}:{one.col}: {one.level}: {one.message}" for one in found]

    def lines(self) -> list[str]:
        return [one.text for one in self.told if isinstance(one, events.Log)]


def left(engine: Engine, container: str) -> tuple[list[str], int, str]:
    found = engine.get(f"/containers/{container}/json")["ExecIDs"] or []
    processes = len(engine.get(f"/containers/{container}/top")["Processes"])
    talk = Shell(engine, container)
    talk.send("ls /tmp; exit\n")
    text = "\n".join(talk.lines())
    talk.close()
    return found, processes, text


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
    found: list[Outcome] = []
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


ACTION = """
name: greet
inputs:
  who: {default: "${{ github.job }}"}
  need: {required: true}
outputs:
  said: {value: "${{ steps.inner.outputs.x }}"}
runs:
  using: composite
  steps:
    - id: inner
      shell: bash
      run: |
        echo "hello ${{ inputs.who }} ${{ inputs.need }} in $GITHUB_ACTION_PATH $FROM"
        echo "x=$GITHUB_ACTION_PATH" >> "$GITHUB_OUTPUT"; echo LEFT=here >> "$GITHUB_ENV"
    - {run: "exit ${{ inputs.need || '0' }}", shell: sh}
    - {run: echo skipped, shell: sh}
    - {run: echo told, shell: sh, if: failure()}
"""


def test_a_local_action_runs_in_the_place_of_a_step(engine: Engine, container: str) -> None:
    files = {"act/action.yml": ACTION, "deep/action.yaml": DEEP}
    steps = """
      - {uses: ./act, id: a, with: {WHO: me}, env: {FROM: there}}
      - {run: 'echo "${{ steps.a.outputs.said }} [${{ steps.inner.outputs.x }}] $LEFT [$FROM]"'}
      - {uses: ./deep/, with: {other: 1}}
      - {run: echo after, if: failure()}
"""
    bench = Bench(engine, container, steps, files=files)
    assert bench.run().conclusion == "failure"
    assert bench.lines() == [
        "hello me  in /act there",
        "skipped",
        "/act [] here []",
        "hello a 3 in /act ",
        "told",
        "after",
    ]
    found = bench.steps()
    assert found["./act"] == "success"
    assert found["./deep/ / ./act"] == "failure"
    assert bench.marks() == [
        "ci.yml:6:9: warning: ./act needs the input `need`",
        "ci.yml:8:9: warning: ./deep/ has no input `other`: there are none",
    ]
    assert left(engine, container)[2] == ""


DEEP = """
runs: {using: composite, steps: [{uses: ./act, with: {need: 3}}]}
"""


@pytest.mark.parametrize(
    ("uses", "words"),
    [
        ("./no", "ci.yml:5:9: error: there is no action.yml in ./no"),
        ("./../up", "ci.yml:5:9: error: ./../up lies outside the project"),
        ("./bad", "bad/action.yml:1:45: error: a step of an action needs a shell"),
        ("./self", "actions use actions more than 10 deep"),
    ],
)
def test_what_is_wrong_with_an_action_is_said_with_its_place(
    engine: Engine, container: str, uses: str, words: str
) -> None:
    files = {
        "bad/action.yml": "{name: x, runs: {using: composite, steps: [ {run: x}]}}",
        "self/action.yml": "runs: {using: composite, steps: [{uses: ./self}]}",
    }
    bench = Bench(engine, container, f"      - uses: {uses}\n", files=files)
    assert bench.run().conclusion == "failure"
    assert words in "\n".join(bench.marks())


def test_an_action_that_is_a_program_is_not_run_here(engine: Engine, container: str) -> None:
    files = {"js/action.yml": "runs: {using: node24, main: x.js}"}
    bench = Bench(engine, container, "      - uses: ./js\n", files=files)
    assert bench.run().not_run == ("./js",)
    assert bench.lines() == ["./js is not run here: it needs node24"]


def test_an_action_ends_when_its_step_has_taken_too_long(engine: Engine, container: str) -> None:
    files = {
        "slow/action.yml": "runs: {using: composite, steps: "
        "[{run: sleep 300, shell: sh}, {run: echo never, shell: sh, if: always()}]}"
    }
    steps = """
      - {uses: ./slow, timeout-minutes: 0.005}
      - {run: echo after, if: always()}
"""
    bench = Bench(engine, container, steps, files=files)
    assert bench.run().conclusion == "failure"
    assert bench.lines() == ["after"]
    assert any("timed out after 0.005 minutes" in one for one in bench.marks())
