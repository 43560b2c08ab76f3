"""Runs jobs: threads that carry out what ``jobs.schedule.graph`` decides, in one container."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from devloop import events, threads
from devloop.errors import DevloopError
from devloop.jobs.run.job import JobRun
from devloop.jobs.run.surroundings import JobSurroundings, ShellLink
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.schedule.graph import JobOutcome, Jobs

SPARE_FOR = 3.0

Report = Callable[[events.Event], None]


class SpareShell:
    """A shell opened ahead of its use: a run that ends another one need not wait for it."""

    def __init__(self, container: str, shell: ShellLink) -> None:
        """Keep the shell; it is closed if it was not taken within ``SPARE_FOR`` seconds."""
        self._container = container
        self._shell: ShellLink | None = shell
        self._lock = threading.Lock()
        self._timer = threads.later(SPARE_FOR, self.close, failed=threads.shown)

    def take(self, container: str) -> ShellLink | None:
        """Give the shell, once, if it is in this container."""
        with self._lock:
            if self._container != container:
                return None
            found, self._shell = self._shell, None
        self._timer.cancel()
        return found

    def close(self) -> None:
        """Close the shell if it was not taken."""
        found = self.take(self._container)
        if found:
            with suppress(DevloopError, OSError):
                found.close()


class Pool:
    """Runs orders, each in a thread; ``post`` gets (order, outcome) when one has ended."""

    def __init__(
        self,
        around: JobSurroundings,
        report: Report,
        post: Callable[[JobOrder, JobOutcome], None],
    ) -> None:
        self._around = around
        self._report = report
        self._post = post
        self._runs: dict[str, JobRun] = {}
        self._spares: queue.SimpleQueue[SpareShell] = queue.SimpleQueue()

    def perform(self, action: graph.Action, container: str, host: RunnerContext) -> None:
        """Carry out one action of the graph; jobs run and are cancelled in threads."""
        match action:
            case graph.Tell():
                self._report(action.event)
            case graph.StartJob():
                run = JobRun(
                    action.order,
                    host,
                    lambda: self._shell(container),
                    self._report,
                    self._around.hash_files,
                    self._around.read,
                )
                self._runs[action.order.label] = run
                broke = partial(self._broke, action.order)
                threads.spawn(self._run, action.order, run, failed=broke)
            case graph.CancelJob():
                run = self._runs[action.order.label]
                threads.spawn(self._stop, run, action.abandon, failed=threads.shown)
                if action.abandon:
                    threads.spawn(self._prepare, container, failed=threads.shown)

    def quit(self) -> None:
        """Mark all runs as cancelled, so that none reports that its container has gone."""
        for run in self._runs.values():
            run.cancelled = run.abandoned = True

    def _prepare(self, container: str) -> None:
        with suppress(DevloopError, OSError):
            self._spares.put(SpareShell(container, self._around.open_shell(container)))

    def _shell(self, container: str) -> ShellLink:
        """Give a shell: one that was opened ahead, else a new one."""
        with suppress(queue.Empty):
            while True:
                found = self._spares.get_nowait().take(container)
                if found:
                    return found
        return self._around.open_shell(container)

    def _run(self, order: JobOrder, run: JobRun) -> None:
        self._post(order, run())

    def _broke(self, order: JobOrder, error: Exception) -> None:
        """Report and post a job that could not be run as failed: other jobs may need it."""
        why = str(error) if isinstance(error, (DevloopError, OSError)) else repr(error)
        self._report(events.Error(f"job {order.label} could not be run: {why}"))
        self._post(order, JobOutcome("failure", "failure"))

    @staticmethod
    def _stop(run: JobRun, abandon: bool) -> None:
        try:
            run.stop(abandon=abandon)
        except (DevloopError, OSError):
            return  # the container has gone, and what ran in it


def once(
    around: JobSurroundings,
    container: str,
    jobs: Jobs,
    names: tuple[str, ...],
    report: Report,
    *,
    named: bool,
) -> tuple[Jobs, bool]:
    """Run these jobs to their end; also says whether the user interrupted them."""
    ended: queue.SimpleQueue[tuple[JobOrder, JobOutcome]] = queue.SimpleQueue()
    pool = Pool(around, report, lambda order, outcome: ended.put((order, outcome)))
    jobs, plan = graph.ask(jobs, names, (), named=named)
    interrupted = False
    while True:
        for action in plan:
            pool.perform(action, container, jobs.host)
        if jobs.idle or (interrupted and not jobs.waves):
            return jobs, interrupted
        try:
            jobs, plan = graph.ended(jobs, *ended.get())
        except KeyboardInterrupt:
            interrupted = True
            jobs, plan = graph.hold(jobs)
