"""The laws of the job graph, held over whatever can happen.

No run of a job starts while an older one of it runs, nor while there is no container; one run of
a concurrency group at a time, and no more than the limit; only what runs is cancelled; what is told
to start is told to finish, once; when nothing runs any more, nothing is left to do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from devloop import events
from devloop.config.load import load
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import JobOrder
from devloop.jobs.schedule.graph import JobOutcome, Jobs

FLOW = load(
    b"""
on: change
jobs:
  a: {steps: [{run: x}]}
  b: {needs: a, steps: [{run: x}]}
  c: {needs: [a, b], if: "${{ always() }}", steps: [{run: x}]}
  m: {strategy: {matrix: {x: [1, 2, 3]}, max-parallel: 2}, steps: [{run: x}]}
  g1: {concurrency: {group: G, cancel-in-progress: true}, steps: [{run: x}]}
  g2: {concurrency: G, steps: [{run: x}]}
  g3: {concurrency: {group: G, cancel-in-progress: false}, needs: a, steps: [{run: x}]}
  g4:
    concurrency: {group: G, cancel-in-progress: false}
    strategy: {matrix: {x: [1, 2]}}
    steps: [{run: x}]
"""
).workflow
NAMES = tuple(graph.table(Jobs((FLOW,))))
CONCLUSIONS = ("success", "success", "failure")


@dataclass
class Running:
    """A run that was started; ``cancelled``: it was told to end."""

    order: JobOrder
    cancelled: bool = False


class Runner(RuleBasedStateMachine):
    """Starts and ends what the graph says."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs((FLOW,), held=True)
        self.running: list[Running] = []
        self.started: Counter[tuple[str, str]] = Counter()

    def take(self, result: graph.Result) -> None:
        self.jobs, plan = result
        for action in plan:
            self.perform(action)

    def perform(self, action: graph.Action) -> None:
        match action:
            case graph.StartJob(order):
                self.may_start(order)
                self.running.append(Running(order))
            case graph.CancelJob(order):
                meant = [one for one in self.running if one.order == order]
                assert meant, f"{order.label} is cancelled and does not run"
                meant[0].cancelled = True
            case graph.Tell(event):
                self.hear(event)

    def may_start(self, order: JobOrder) -> None:
        assert not self.jobs.held
        busy = [one.order for one in self.running]
        assert order.label not in {one.label for one in busy}, "an older run of it runs"
        assert not order.group or order.group not in {one.group for one in busy}
        assert len(busy) < self.jobs.limit

    def hear(self, event: events.Event) -> None:
        if isinstance(event, events.JobStarted):
            self.started[event.job, str(event.matrix)] += 1
        if isinstance(event, events.JobFinished):
            key = event.job, str(event.matrix)
            if self.started[key]:
                self.started[key] -= 1
            else:
                assert event.conclusion in ("skipped", "cancelled", "failure"), event

    @initialize(limit=st.sampled_from([1, 2, 4]))
    def begin(self, limit: int) -> None:
        self.jobs = Jobs((FLOW,), limit=limit, held=True)
        self.take(graph.release(self.jobs, "/app"))

    @rule(names=st.sets(st.sampled_from(NAMES), min_size=1), named=st.booleans())
    def asks(self, names: set[str], named: bool) -> None:
        self.take(graph.ask(self.jobs, sorted(names), ("f",), named=named))

    @rule()
    def asks_for_all(self) -> None:
        self.take(graph.ask(self.jobs, NAMES, ("f",)))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), conclusion=st.sampled_from(CONCLUSIONS))
    def ends(self, data: st.DataObject, conclusion: str) -> None:
        self.end(data.draw(st.integers(0, len(self.running) - 1)), conclusion)

    def end(self, number: int, conclusion: str) -> None:
        one = self.running.pop(number)
        how = "cancelled" if one.cancelled else conclusion
        self.take(graph.ended(self.jobs, one.order, JobOutcome(how, how)))

    @rule()
    def the_container_goes(self) -> None:
        self.take(graph.hold(self.jobs))

    @rule()
    def the_container_comes(self) -> None:
        self.take(graph.release(self.jobs, "/app"))

    @invariant()
    def nothing_runs_unseen(self) -> None:
        known = [one for wave in self.jobs.waves.values() for one in wave.running]
        assert sorted(one.label for one in known) == sorted(one.order.label for one in self.running)

    def teardown(self) -> None:
        self.take(graph.release(self.jobs, "/app"))
        for _ in range(300):
            if not self.running:
                break
            self.end(0, "success")
        assert self.jobs.idle, f"asked {list(self.jobs.asked)}, waves {list(self.jobs.waves)}"
        assert not +self.started, f"started and never finished: {+self.started}"


def hold(examples: int, steps: int) -> None:
    chosen: Any = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Runner, settings=chosen)


def test_the_laws_hold() -> None:
    hold(150, 12)


@pytest.mark.slow
def test_the_laws_hold_for_long() -> None:
    hold(5000, 40)
