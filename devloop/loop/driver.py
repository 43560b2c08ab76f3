"""The loop's driver: one thread owns the state, one queue is its only door.

It decides nothing: what happens becomes an input, ``step`` says what follows, the target and the
job pool do it in threads of their own and post how that ended.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devloop import events, threads
from devloop.errors import DevloopError, unexpected
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.schedule.graph import JobOutcome, Jobs
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import ProjectState
from devloop.loop.decide.step import step
from devloop.loop.decide.topology import SINGLE
from devloop.loop.signals import signals
from devloop.loop.source import Batch, Reread, Source, saved, tell_problems
from devloop.loop.watching import Watching
from devloop.loop.work import Composed, Work
from devloop.model import APP
from devloop.project import inspect
from devloop.project.git import Head, head
from devloop.project.state import CONFIG_FILE
from devloop.target.base import Post, Target

if TYPE_CHECKING:
    from devloop.jobs.run.pool import Pool
    from devloop.loop.compose_file import ComposeFile

RECHECK_AFTER = 0.5
HEADSTART = 0.5
"""Seconds in which all services may come to be started together, by one command."""
DEADLINE = 120.0
"""Seconds in which all has to be ready in `ci`."""

Report = Callable[[events.Event], None]


@dataclass(frozen=True)
class RecheckDue:
    """It is time to look again at a file that was half-written."""

    service: str
    path: str


@dataclass(frozen=True)
class ComposeSaved:
    """A file that Compose may read has changed."""


Item = on.AnyInput | Batch | RecheckDue | ComposeSaved | Reread | None
"""What comes out of the queue; None only wakes."""


class Driver:
    """Runs a project until it is asked to end, or until its aim is reached.

    ``prepare`` gives what is to be run and the target for it, which posts into the queue; it raises
    ``DevloopError``.
    """

    def __init__(self, report: Report, prepare: Callable[[Post], tuple[Work, Target]]) -> None:
        self.report = report
        self.queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self.state = ProjectState()
        self._work, self._target = prepare(self.post)
        self._sources = self._work.sources
        self._composed = self._work.composed
        self._workflows = self._work.workflows
        self._complaint = ""
        self._pool: Pool | None = None
        compose = self._composed.file.compose if self._composed else None
        self._watching = Watching(
            self.queue.put, self._trouble, compose, lambda: self.queue.put(ComposeSaved())
        )

    # what others may ask

    def names(self) -> tuple[str, ...]:
        """List the services that can be asked for something; the one of a single app is `app`."""
        return tuple(name or APP for name in self._sources)

    def post(self, happened: on.AnyInput) -> None:
        """Let it take something that happened."""
        self.queue.put(happened)

    def kill(self) -> None:
        """Stop at once."""
        self._target.kill()

    # the loop

    def run(self, *, watch: bool = True) -> int:
        """Run; gives the exit code. ``watch``: saves count. However it ends, nothing is left."""
        with signals(self.queue.put, self.kill):
            try:
                return self._run(watch=watch)
            finally:
                if self._pool:
                    self._pool.quit()
                self._target.quit()
                for source in self._sources.values():
                    source.stop()
                self._watching.stop()

    def _run(self, *, watch: bool) -> int:
        for source in self._sources.values():
            self._tell_notices(source)
        if watch:
            self._watch()
        code = self._take(self._begun())
        while code is None:
            code = self._next(self.queue.get())
        return code

    def _watch(self) -> None:
        if self._composed:
            file = self._composed.file
            contexts = {one.build.context for one in file.now.developed.values()}
            self._watching.watch_compose(contexts, file.watch)
        for source in self._sources.values():
            self._watching.watch(source)

    def _begun(self) -> on.Begun:
        work = self._work
        host = work.host or RunnerContext(work.project.name)
        jobs = Jobs(work.workflows, host, limit=max(2, os.cpu_count() or 2))
        file = work.composed.file if work.composed else None
        return on.Begun(
            time.monotonic(),
            {name: one.inspection.wanted for name, one in self._sources.items()},
            topology=file.topology() if file else SINGLE,
            once=file.once() if file else frozenset(),
            jobs=jobs,
            aim=work.aim,
        )

    def _next(self, item: Item) -> int | None:
        """Handle one thing from the queue; gives the exit code at the end."""
        match item:
            case Batch():
                return self._batch(item)
            case RecheckDue():
                return self._recheck(item)
            case ComposeSaved():
                if self._composed:
                    self._composed.file.read_soon(self.queue.put, self._failed)
                return None
            case Reread():
                return self._reread(item)
            case None:
                return None
            case _:
                return self._take(item)

    def _take(self, happened: on.AnyInput) -> int | None:
        self.state, plan = step(self.state, happened)
        for action in plan:
            code = self._perform(action)
            if code is not None:
                return code
        return None

    def _perform(self, action: do.AnyAction) -> int | None:  # noqa: C901, PLR0912 - an arm for each
        """Perform one action, or set it going; gives the exit code at the end."""
        target = self._target
        match action:
            case do.Report():
                self.report(action.event)
            case do.EnsureImage():
                target.ensure_image(action, self._sources[action.service].inspection)
            case do.CancelBuild():
                target.cancel_build(action)
            case do.BringUp():
                target.bring_up(action)
            case do.RestartApp():
                target.restart(action)
            case do.ReloadApp():
                target.reload(action)
            case do.Probe():
                target.probe(action)
            case do.Reconnect():
                target.reconnect()
            case do.JobWork():
                self._job_pool().perform(action.work, action.container, action.host)
            case do.Recheck():
                self._later(RECHECK_AFTER, lambda: RecheckDue(action.service, action.path))
            case do.Settle():
                self._later(
                    action.seconds,
                    lambda: on.Settled(time.monotonic(), action.service, action.path, action.at),
                )
            case do.Headstart():
                self._later(HEADSTART, lambda: on.HeadstartOver(time.monotonic()))
            case do.Deadline():
                self._later(DEADLINE, lambda: on.DeadlinePassed(time.monotonic()))
            case do.Quit():
                return action.exit_code
        return None

    def _job_pool(self) -> Pool:
        if self._pool is None:
            from devloop.jobs.run.pool import Pool  # noqa: PLC0415 - many projects have no jobs

            around = self._target.surroundings(self._work.project.root)
            self._pool = Pool(around, self.report, self._job_ended)
        return self._pool

    def _later(self, seconds: float, item: Callable[[], Item]) -> None:
        threads.later(seconds, lambda: self.queue.put(item()), failed=self._failed)

    def _job_ended(self, order: JobOrder, outcome: JobOutcome) -> None:
        self.queue.put(on.JobEnded(time.monotonic(), order, outcome))

    def _failed(self, error: Exception) -> None:
        self.report(events.Error(unexpected(error)))

    def _trouble(self, message: str, fatal: bool) -> None:
        self.report(events.Error(message) if fatal else events.Notice(message))
        if fatal:
            self.queue.put(on.StopAsked(time.monotonic(), 3))

    # saves

    def _batch(self, batch: Batch) -> int | None:
        """Say what a batch means, and answer it."""
        source = self._sources.get(batch.service)
        if source is None:
            return None
        began = time.monotonic()
        impact = source.impact(batch)
        if batch.changes:
            self.report(self._of(batch.service, events.ChangeSeen(batch.changes)))
        if batch.service == self.state.topology.workplace:
            self._read_workflows(source, batch)
        at = head(source.project.root) if self._workflows else Head()
        moved = tuple(one.path for one in batch.changes)
        return self._take(
            on.Changed(
                began, batch.service, saved(batch), impact, self._workflows, moved, at.sha, at.ref
            )
        )

    def _of(self, service: str, event: events.Event) -> events.Event:
        return events.of_service(event, service) if service else event

    def _tell_notices(self, source: Source) -> None:
        for text in source.notices:
            self.report(self._of(source.name, events.Notice(text)))

    def _recheck(self, due: RecheckDue) -> int | None:
        source = self._sources.get(due.service)
        if source is None:
            return None
        complaint = source.complaint(due.path)
        return self._take(on.Waited(time.monotonic(), due.service, due.path, complaint))

    def _read_workflows(self, source: Source, batch: Batch) -> None:
        """Read the jobs again where their files changed; the last good ones stay in force.

        A service's own configuration has no jobs: those of a Compose project are devloop.yaml's.
        """
        root = source.project.root
        files = (CONFIG_FILE, *(one.path for one in self._workflows))
        if not any(one.path in files for one in batch.changes):
            return
        try:
            config = inspect.read_config(root) if self._composed else source.inspection.config
            self._workflows = inspect.read_workflows(root, config)
        except DevloopError as error:
            tell_problems(error, self.report)

    # the compose file

    def _reread(self, it: Reread) -> int | None:
        if self._composed is None:
            return None
        if isinstance(it.found, DevloopError):
            self._complain(it.found)
            return None
        self._complaint = ""
        file = self._composed.file
        if not file.differs(it.found):
            return None
        before, file.now = file.now, it.found
        self._composed.project.adopt(it.found)
        fresh = self._new_sources(self._composed)
        for name in set(self._sources) - set(file.developed):
            self._sources.pop(name).stop()
        self._sources |= fresh
        wanted = {name: one.inspection.wanted for name, one in fresh.items()}
        code = self._take(on.Remodelled(time.monotonic(), file.topology(), wanted, file.once()))
        changed = [
            name
            for name in sorted(set(self._sources) - set(fresh))
            if before.developed.get(name) != it.found.developed.get(name)
        ]
        for name in changed:
            code = code if code is not None else self._renew(self._sources[name], file)
        return code

    def _new_sources(self, composed: Composed) -> dict[str, Source]:
        """Inspect and watch the services that are new; one that cannot be is told, and left out."""
        fresh = {}
        for name in sorted(set(composed.file.developed) - set(self._sources)):
            try:
                source = composed.file.source(name, composed.notices)
            except DevloopError as error:
                self._complain(error)
                continue
            fresh[name] = source
            self._tell_notices(source)
            self._watching.watch(source)
        return fresh

    def _renew(self, source: Source, file: ComposeFile) -> int | None:
        began = time.monotonic()
        try:
            impact = source.renewed(file.compose.file)
        except DevloopError as error:
            tell_problems(error, self.report)
            return None
        changed = on.Changed(began, source.name, (), impact, self._workflows)
        return self._take(replace(changed, changes=file.changes()))

    def _complain(self, error: DevloopError) -> None:
        """Tell what is wrong with the compose file, once."""
        if str(error) == self._complaint:
            return
        self._complaint = str(error)
        tell_problems(error, lambda told: self.report(_go_on(told)))


def _go_on(told: events.Event) -> events.Event:
    if isinstance(told, events.Error):
        return replace(told, hint="the services go on as they are")
    return told
