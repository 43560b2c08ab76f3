from __future__ import annotations

import pytest

from devloop.errors import ConfigError
from devloop.jobs.workflow import action_file

STEPS = "runs: {using: composite, steps: [{run: x, shell: sh}]}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x", "action.yml:1:1: an action needs runs.using"),
        ("runs: {steps: []}", "action.yml:1:7: an action needs runs.using"),
        ("runs: {using: composite}", "a composite action needs steps"),
        (
            "runs: {using: composite, steps: [{run: x}]}",
            "action.yml:1:34: a step of an action needs a",
        ),
        (
            "runs: {using: composite, steps: [{run: x, shell: sh, background: true}]}",
            "unknown key `background`",
        ),
        ("runs: {using: composite, steps: [{wait-all: }]}", "unknown key `wait-all`"),
        (
            "runs: {using: composite, steps: [{run: '${{ secrets.x }}', shell: sh}]}",
            "there is no `secrets`",
        ),
        (f"{STEPS}\noutputs: {{a: {{description: b}}}}", "the output `a` needs a value"),
        (f"{STEPS}\ninputs: [a]", "inputs must be a mapping"),
        (f"{STEPS}\nfoo: 1", "unknown key `foo` in the action"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        action_file.load(text.encode(), "action.yml")
    found = [str(one) for one in caught.value.problems]
    assert any(words in one for one in found), found


def test_inputs_outputs_and_steps_are_read() -> None:
    text = f"""{STEPS}
name: A
inputs:
  Who: {{description: w, default: you, required: true}}
  plain:
outputs: {{o: {{value: "${{{{ steps.x.outputs.o }}}}"}}}}
"""
    found = action_file.load(text.encode(), "action.yml")
    assert found.inputs["who"] == action_file.ActionInput("you", required=True)
    assert found.inputs["plain"] == action_file.ActionInput()
    assert found.outputs == (("o", "${{ steps.x.outputs.o }}"),)
    assert found.steps[0].run == "x"


def test_another_kind_of_action_is_told_by_what_it_needs() -> None:
    found = action_file.load(b"runs: {using: node24, main: x.js, whatever: 1}", "action.yml")
    assert found == action_file.ActionFile("node24")
