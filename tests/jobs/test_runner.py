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
    def __init__(self, engine: Engine, container: str, steps: str, job: str = "") -> None:
        text = f"jobs:\n  a:\n    {job}\n    steps:\n{steps}"
        flow = grammar.load(text.encode(), "ci.yml")
        self.told: list[events.Event] = []
        self.first = threading.Event()
        order = Order(1, flow, flow.jobs[0], "ci/a", "ci/a")
        self.run = Run(order, Host(), lambda: Shell(engine, container), self.tell)

    def tell(self, event: events.Event) -> None:
        self.told.append(event)
        if isinstance(event, events.Log):
            self.first.set()

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
