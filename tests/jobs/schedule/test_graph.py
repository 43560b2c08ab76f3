from __future__ import annotations

from dataclasses import replace

import pytest

from devloop import events
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import JobOrder
from devloop.jobs.schedule.graph import JobOutcome, Jobs, Plan, StartJob
from devloop.jobs.workflow import grammar

OK, BAD = JobOutcome("success", "success"), JobOutcome("failure", "failure")


def loaded(text: str) -> Jobs:
    flow = grammar.load(("on: push\njobs:\n" + text).encode(), ".github/workflows/ci.yml")
    return Jobs(workflows=(flow,))


def shown(plan: Plan) -> list[str]:
    return [str(one) for one in plan if not isinstance(one, graph.Tell)]


def orders(plan: Plan) -> list[JobOrder]:
    return [one.order for one in plan if isinstance(one, StartJob)]


TWO = "  lint: {steps: [{run: a}]}\n  test: {needs: lint, steps: [{run: b}]}\n"


def test_needs_come_first_and_a_failed_one_skips_its_dependents() -> None:
    jobs, plan = graph.ask(loaded(TWO), ("ci/test", "ci/lint"), ("a",))
    assert shown(plan) == ["run ci/lint"]
    after, plan = graph.ended(jobs, orders(plan)[0], OK)
    assert shown(plan) == ["run ci/test"]
    again, plan = graph.ask(after, ("ci/lint",), ("a",))
    assert shown(plan) == ["abandon ci/test", "run ci/lint"]
    skipped, _ = graph.ended(again, orders(plan)[0], BAD)
    assert not skipped.idle  # the abandoned run has not ended yet


def test_a_failed_need_skips_unless_the_if_asks_for_it() -> None:
    text = TWO + "  told: {needs: test, if: failure(), steps: [{run: c}]}\n"
    jobs, plan = graph.ask(loaded(text), ("ci/lint", "ci/test", "ci/told"), ())
    jobs, plan = graph.ended(jobs, orders(plan)[0], BAD)
    assert jobs.done["ci/test"].conclusion == "skipped"
    assert shown(plan) == ["run ci/told"]


def test_a_newer_save_ends_the_older_run_before_the_new_one_starts() -> None:
    jobs, plan = graph.ask(loaded(TWO), ("ci/lint",), ("a",))
    first = orders(plan)[0]
    jobs, plan = graph.ask(jobs, ("ci/lint",), ("b",))
    assert shown(plan) == ["abandon ci/lint"]
    jobs, plan = graph.ended(jobs, first, JobOutcome("cancelled", "cancelled"))
    assert shown(plan) == ["run ci/lint"]
    assert orders(plan)[0].files == ("b",)


MATRIX = "  m:\n    strategy: {matrix: {n: [1, 2, 3]}}\n    steps: [{run: x}]\n"


def test_a_failed_row_cancels_the_others() -> None:
    jobs, plan = graph.ask(loaded(MATRIX), ("ci/m",), ())
    assert shown(plan) == ["run ci/m (1)", "run ci/m (2)", "run ci/m (3)"]
    rows = orders(plan)
    jobs, plan = graph.ended(jobs, rows[1], BAD)
    assert shown(plan) == ["cancel ci/m (1)", "cancel ci/m (3)"]
    for row in (rows[0], rows[2]):
        jobs, plan = graph.ended(jobs, row, JobOutcome("cancelled", "cancelled"))
    assert jobs.idle
    assert jobs.red
    jobs, plan = graph.ask(jobs, ("ci/m",), ())
    for row in orders(plan):
        jobs, told = graph.ended(jobs, row, BAD)
    assert "ci/m: failing since 2 saves" in str(told)


def test_while_held_nothing_starts_and_what_ran_runs_anew() -> None:
    jobs, plan = graph.ask(loaded(TWO), ("ci/lint",), ("a",))
    first = orders(plan)[0]
    jobs, plan = graph.hold(jobs)
    assert shown(plan) == ["abandon ci/lint"]
    jobs, plan = graph.ended(jobs, first, JobOutcome("cancelled", "cancelled"))
    assert shown(plan) == []
    assert shown(graph.release(jobs)[1]) == ["run ci/lint"]


def test_gated_jobs_run_only_by_name() -> None:
    text = (
        "  d: {environment: prod, steps: [{run: x}]}\n  s: {steps: [{run: 'x ${{ secrets.T }}'}]}\n"
    )
    jobs = loaded(text)
    assert graph.matching(jobs, ("a",)) == ()
    assert len(graph.told(jobs)) == 2
    assert shown(graph.ask(jobs, ("ci/d",), (), named=True)[1]) == ["run ci/d"]


def group(extra: str = "") -> Jobs:
    job = "  {}: {{concurrency: {{group: g{}}}, steps: [{{run: x}}]}}\n"
    return loaded("".join(job.format(one, extra) for one in "abc"))


def test_in_a_group_one_runs_and_a_newer_job_replaces_the_one_that_waits() -> None:
    jobs, first = graph.ask(group(), ("ci/a",), ())
    jobs, plan = graph.ask(jobs, ("ci/b",), ())
    assert shown(first + plan) == ["run ci/a"]
    jobs, plan = graph.ask(jobs, ("ci/c",), ())
    assert shown(plan) == []
    assert jobs.done["ci/b"].conclusion == "cancelled"
    jobs, plan = graph.ended(jobs, orders(first)[0], OK)
    assert shown(plan) == ["run ci/c"]


def test_the_jobs_of_one_save_share_a_group_one_after_the_other() -> None:
    jobs, plan = graph.ask(group(), ("ci/a", "ci/b"), ())
    assert shown(plan) == ["run ci/a"]
    assert shown(graph.ended(jobs, orders(plan)[0], OK)[1]) == ["run ci/b"]


def test_a_group_that_cancels_ends_what_runs_in_it() -> None:
    jobs, first = graph.ask(group(", cancel-in-progress: true"), ("ci/a",), ())
    jobs, plan = graph.ask(jobs, ("ci/b",), ())
    assert shown(plan) == ["abandon ci/a"]
    gone = JobOutcome("cancelled", "cancelled")
    assert shown(graph.ended(jobs, orders(first)[0], gone)[1]) == ["run ci/b"]


GROUPS = """  a:
    strategy: {matrix: {n: [1, 2]}}
    concurrency: 'g${{ matrix.n }}'
    steps: [{run: x}]
  b: {concurrency: {group: g2, cancel-in-progress: true}, steps: [{run: y}]}
"""


def test_each_row_has_its_own_group() -> None:
    jobs, plan = graph.ask(loaded(GROUPS), ("ci/a",), ())
    assert shown(plan) == ["run ci/a (1)", "run ci/a (2)"]
    jobs, plan = graph.ask(jobs, ("ci/b",), ())
    assert shown(plan) == ["abandon ci/a (2)"]


def test_two_workflows_of_a_group_take_turns() -> None:
    text = "on: push\nconcurrency: g\njobs: {a: {steps: [{run: x}]}, b: {steps: [{run: y}]}}"
    flows = tuple(grammar.load(text.encode(), f"{name}.yml") for name in ("one", "two"))
    names = ("one/a", "one/b", "two/a", "two/b")
    jobs, plan = graph.ask(Jobs(workflows=flows), names, ())
    first = orders(plan)
    assert shown(plan) == ["run one/a", "run one/b"]
    jobs, plan = graph.ended(jobs, first[0], OK)
    assert shown(plan) == []
    jobs, plan = graph.ended(jobs, first[1], OK)
    assert shown(plan) == ["run two/a", "run two/b"]


def errors(plan: Plan) -> list[str]:
    told = (one.event for one in plan if isinstance(one, graph.Tell))
    return [one.message for one in told if isinstance(one, events.Error)]


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ("\"${{ fromJSON('[1]') }}\"", "the matrix is no mapping"),
        ("{n: \"${{ fromJSON('3') }}\"}", "`n` of the matrix is no list"),
        ("{n: [1], include: [3]}", "include of the matrix must list mappings"),
        (f"{{a: {list(range(20))}, b: {list(range(20))}}}", "more than 256 rows"),
    ],
)
def test_a_matrix_that_is_none_fails_its_job(matrix: str, words: str) -> None:
    text = f"  m:\n    strategy: {{matrix: {matrix}}}\n    steps: [{{run: x}}]\n"
    jobs, plan = graph.ask(loaded(text), ("ci/m",), ())
    assert words in errors(plan)[0]
    assert jobs.done["ci/m"].conclusion == "failure"


def test_a_matrix_without_rows_is_skipped() -> None:
    text = "  m:\n    strategy: {matrix: {n: [1], exclude: [{n: 1}]}}\n    steps: [{run: x}]\n"
    jobs, _ = graph.ask(loaded(text), ("ci/m",), ())
    assert jobs.done["ci/m"].conclusion == "skipped"


def test_a_job_that_is_not_to_be_cancelled_ends_before_its_next_run() -> None:
    text = "  a: {concurrency: {group: g, cancel-in-progress: false}, steps: [{run: x}]}\n"
    jobs, plan = graph.ask(loaded(text), ("ci/a",), ("1",))
    first = orders(plan)[0]
    jobs, plan = graph.ask(jobs, ("ci/a",), ("2",))
    assert shown(plan) == []
    jobs, plan = graph.ended(jobs, first, OK)
    assert orders(plan)[0].files == ("2",)


def test_a_mended_job_and_one_that_has_gone_are_told_and_forgotten() -> None:
    jobs, plan = graph.ask(loaded(TWO), ("ci/lint",), ())
    jobs, _ = graph.ended(jobs, orders(plan)[0], BAD)
    jobs, plan = graph.ask(jobs, ("ci/lint",), ())
    order = orders(plan)[0]
    jobs, plan = graph.ended(jobs, order, OK)
    assert "ci/lint: mended, it failed 1 time before" in str(plan)
    assert "tell" in str(plan[-1])
    jobs, plan = graph.ended(jobs, order, OK)
    assert shown(plan) == []
    jobs, _ = graph.ask(replace(jobs, held=True), ("ci/lint",), ())
    jobs, plan = graph.release(replace(jobs, workflows=()))
    assert (jobs.idle, shown(plan)) == (True, [])


def test_a_save_that_comes_twice_before_the_first_run_has_ended() -> None:
    jobs, plan = graph.ask(loaded(TWO), ("ci/lint",), ("1",))
    first = orders(plan)[0]
    jobs, _ = graph.ask(jobs, ("ci/lint",), ("2",))
    jobs, plan = graph.ask(jobs, ("ci/lint",), ("3",))
    assert shown(plan) == []
    jobs, plan = graph.ended(jobs, first, JobOutcome("cancelled", "cancelled"))
    assert orders(plan)[0].files == ("3",)


def test_what_cannot_run_here_is_told() -> None:
    text = "  a: {services: {db: {image: pg}}, steps: [{run: x}]}\n"
    assert "services, containers" in graph.told(loaded(text))[0]
    assert graph.matching(loaded(text), ("x",)) == ()
