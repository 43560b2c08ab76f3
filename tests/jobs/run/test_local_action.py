"""Actions of the project itself, on a real engine."""

from __future__ import annotations

import pytest

from devloop.engine.client import Engine
from tests.jobs.bench import Bench, left

pytestmark = pytest.mark.engine


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
