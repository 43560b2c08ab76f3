from __future__ import annotations

import pytest

from devloop.errors import ConfigError
from devloop.jobs.workflow import grammar


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        grammar.load(text.encode(), "ci.yml")
    return [str(one) for one in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jobs: {a: {steps: [{run: x, foo: 1}]}}", "ci.yml:1:29: unknown key `foo`"),
        ("jobs: {a: {steps: [{}]}}", "a step needs one of run, uses"),
        ("jobs: {a: {needs: b, steps: [{run: x}]}}", "needs `b`, which is no job"),
        ("jobs: {a: {needs: a, steps: [{run: x}]}}", "needs itself"),
        ("jobs: {a: {steps: [{run: '${{ nope }}'}]}}", "there is no `nope`"),
        ("jobs: {a: {steps: [{run: x, if: secrets.x}]}}", "there is no `secrets`"),
        ("jobs: {a: {if: 'steps.x', steps: [{run: x}]}}", "there is no `steps`"),
        ("jobs: {a: {steps: [{run: x, shell: zsh}]}}", "needs {0}"),
        ("jobs: {a: {steps: [{wait: b}]}}", "no earlier background step `b`"),
        ("jobs: {a: {timeout-minutes: -1, steps: [{run: x}]}}", "a number above 0"),
        ("on: {push: {paths: [a], paths-ignore: [b]}}\njobs: {}", "exclude each other"),
        ("jobs: {a: {steps: [{run: x, background: 1}]}}", "true or false is needed here"),
        ("jobs: {a: {steps: [{wait-all: 3}]}}", "ci.yml:1:31: wait-all takes nothing"),
        ("jobs: {a: {steps: [{wait-all: , if: x}]}}", "ci.yml:1:37: `if` means nothing beside"),
        ("jobs: {a: {steps: [{parallel: [{wait-all: }]}]}}", "cannot stand inside `parallel`"),
        ("jobs: {a: {steps: [{run: x, id: b}, {cancel: b}]}}", "no earlier background step `b`"),
        ("jobs: {a: {steps: [{run: x, id: b}, {run: x, id: B}]}}", "another step `B`"),
        ("on: push", "a workflow needs jobs"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    assert any(words in one for one in problems(text)), problems(text)


def test_what_needs_services_is_told_with_its_place() -> None:
    flow = grammar.load(
        b"jobs:\n  a:\n    services: {db: {image: pg}}\n    steps: [{run: x}]\n", "ci.yml"
    )
    assert flow.jobs[0].unsupported.startswith("ci.yml:3:5: services")


def test_steps_in_the_background_are_waited_for_by_name() -> None:
    text = """jobs:
  a:
    steps:
      - {run: x, id: one, background: true}
      - {parallel: [{run: y, id: two}, {run: z}], name: both}
      - wait: [one, two]
      - cancel: one
      - wait-all:
      - wait-all: false
"""
    steps = grammar.load(text.encode(), "ci.yml").jobs[0].steps
    assert steps[0].background
    assert [one.run for one in steps[1].parallel] == ["y", "z"]
    assert [one.wait for one in steps] == [(), (), ("one", "two"), (), ("*",), ()]
    assert [one.title for one in steps] == ["x", "both", "wait", "cancel one", "wait", "wait"]


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("[push, pull_request]", ((None, None),)),
        ("[release]", None),
        ("push", ((None, None),)),
        ("schedule", None),
        ("{push: , schedule: [{cron: x}]}", ((None, None),)),
        ("{push: {paths: [a], branches: [main]}}", ((("a",), None),)),
    ],
)
def test_what_is_like_a_save(text: str, filters: object) -> None:
    content = f"on: {text}\njobs: {{a: {{steps: [{{run: x}}]}}}}"
    assert grammar.load(content.encode(), "ci.yml").filters == filters


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("permissions: write-all", "write permissions"),
        ("permissions: {contents: write}", "write permissions"),
        ("permissions: {contents: read}", ""),
        ("environment: prod", "its environment"),
        ("env: {A: '${{ secrets.A }}'}", "secrets"),
    ],
)
def test_what_publishes_is_gated(text: str, gate: str) -> None:
    content = f"jobs: {{a: {{{text}, steps: [{{run: x}}]}}}}"
    assert grammar.load(content.encode(), "ci.yml").jobs[0].gate == gate


def test_values_with_expressions() -> None:
    content = """
on: 3
jobs:
  a:
    strategy: {matrix: "${{ fromJSON('{}') }}", fail-fast: "${{ 1 }}"}
    timeout-minutes: ${{ 5 }}
    continue-on-error: ${{ true }}
    env: {A: [1]}
    steps: [{run: x, continue-on-error: maybe}]
"""
    found = problems(content)
    assert [one.split(": ", 1)[1] for one in found] == [
        "on needs events, not a number",
        "a text is needed here, not a list",
        "true, false or an expression is needed here, not a text",
    ]
