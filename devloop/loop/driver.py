"""The loop itself: one thread owns the state, one queue is its only door."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from devloop import events
from devloop.config.settings import Watch
from devloop.engine.client import Engine
from devloop.errors import ConfigError, DevloopError
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import Host
from devloop.jobs.schedule.graph import Jobs
from devloop.jobs.workflow.model import Workflow
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.inputs import Stop
from devloop.loop.decide.state import State
from devloop.loop.decide.step import step
from devloop.loop.executor import Executor, HandOver, RecheckDue
from devloop.loop.signals import signals
from devloop.model import Change, ChangeKind, Project
from devloop.project import inspect as looks
from devloop.project.classify import classify, needs_look
from devloop.project.git import Head, head
from devloop.project.inspect import Surroundings
from devloop.project.state import CONFIG_FILE, Picture
from devloop.target.attachment import Follower
from devloop.watch.ignore import Ignores


@dataclass(frozen=True)
class Batch:
    """What the watcher saw: real changes, and files saved with the content that they had."""

    changes: tuple[Change, ...]
    unchanged: tuple[str, ...] = ()


class Watching(Protocol):
    """What the loop needs of a watcher."""

    def start(self) -> None:
        """Begin; no save after this is lost."""

    def stop(self) -> None:
        """End."""

    def reconfigure(self, ignores: Ignores, settings: Watch) -> None:
        """Watch by other rules from now on."""


MakeWatcher = Callable[[Picture, Callable[[Batch], None], Callable[[str, bool], None]], Watching]


@dataclass(frozen=True)
class Within:
    """What a loop that is one of several takes from their owner: the queue, the hand-over."""

    post: Callable[[object], None]
    hand_over: Callable[[Follower], HandOver]


class Loop:
    """Owns the state; turns what happens into plans and has them carried out."""

    def __init__(
        self,
        project: Project,
        engine: Engine,
        report: Callable[[events.Event], None],
        around: Surroundings,
        port_owner: Callable[[int], str],
        workflows: tuple[Workflow, ...] = (),
        within: Within | None = None,
    ) -> None:
        self.project = project
        self.report = report
        self.around = around
        self.queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.post = within.post if within else self.queue.put
        hand_over = within.hand_over if within else None
        self.executor = Executor(engine, project, self.post, report, port_owner, hand_over)
        self.state = State()
        self.workflows = workflows
        self.picture: Picture | None = None
        self.watcher: Watching | None = None

    def run(self, picture: Picture, make_watcher: MakeWatcher, notices: tuple[str, ...]) -> int:
        """Run until asked to stop; gives the exit code."""
        with signals(self.post, self.executor.kill):
            try:
                self.begin(picture, make_watcher, notices)
                while True:
                    code = self.next(self.queue.get())
                    if code is not None:
                        return code
            finally:
                self.end()

    def begin(self, picture: Picture, make_watcher: MakeWatcher, notices: tuple[str, ...]) -> None:
        """Watch, and go for what is wanted."""
        self.picture = self.executor.picture = picture
        self.watcher = make_watcher(picture, self.post, self._trouble)
        self.watcher.start()
        jobs = Jobs(self.workflows, Host(self.project.name), limit=max(2, os.cpu_count() or 2))
        told = (*notices, *graph.told(jobs))
        self._take(on.Begun(time.monotonic(), picture.wanted, told, jobs))

    def names(self) -> tuple[str, ...]:
        """List the services that can be asked for something: the app alone."""
        return ("app",)

    def kill(self) -> None:
        """Stop the app at once."""
        self.executor.kill()

    def end(self) -> None:
        """Watch no more."""
        if self.watcher:
            self.watcher.stop()

    def next(self, item: object) -> int | None:
        """Handle one thing from the queue; gives the exit code at the end."""
        match item:
            case Batch():
                return self._batch(item)
            case RecheckDue():
                return self._take(self._recheck(item.path))
            case Stop():
                return self._take(on.StopAsked(time.monotonic(), item.exit_code))
            case on.Input():
                return self._take(item)
            case Exception():
                raise item
        return None

    def _take(self, happened: on.Input) -> int | None:
        self.state, plan = step(self.state, happened)
        for action in plan:
            if isinstance(action, do.Quit):
                self.executor.quit()
                return action.exit_code
            self.executor.run(action)
        return None

    def _batch(self, batch: Batch) -> int | None:
        """Say what a batch means: look at what changed, at everything if the structure did."""
        before = self.picture
        if before is None:
            return None
        began = time.monotonic()
        after, error = self._look(before, batch.changes)
        if batch.changes:
            self.report(events.ChangeSeen(batch.changes))
        impact = classify(before, after, batch.changes, error=error)
        if batch.unchanged:
            idle = tuple(f"{path}: the content is what it was" for path in batch.unchanged)
            impact = replace(impact, idle=(*impact.idle, *idle))
        if after is not before:
            self._adopt(before, after)
        saved = tuple(Change(path, ChangeKind.MODIFIED) for path in batch.unchanged)
        self._read_workflows(after, batch.changes)
        moved = tuple(one.path for one in batch.changes)
        changes = (*batch.changes, *saved)
        at = head(self.project.root) if self.workflows else Head()
        changed = on.Changed(began, changes, impact, self.workflows, moved, at.sha, at.ref)
        return self._take(changed)

    def renew(self, file: str) -> int | None:
        """Look at everything again: another file than the project's own configures it anew."""
        before = self.picture
        if before is None:
            return None
        began = time.monotonic()
        try:
            after = looks.look(self.project.root, self.around, before)
        except DevloopError as error:
            self.report(events.Error(str(error), error.hint))
            return None
        impact = replace(classify(before, after, ()), mends=True, settings=file)
        self._adopt(before, after)
        changes = (Change(file, ChangeKind.MODIFIED),)
        return self._take(on.Changed(began, changes, impact, self.workflows))

    def _read_workflows(self, picture: Picture, changes: tuple[Change, ...]) -> None:
        """Read the jobs again where their files changed; the last good ones stay in force."""
        files = (CONFIG_FILE, *picture.config.workflows)
        if not any(one.path in files for one in changes):
            return
        try:
            self.workflows = looks.read_workflows(self.project.root, picture.config)
        except DevloopError as error:
            problems = error.problems if isinstance(error, ConfigError) else (error,)
            for problem in problems:
                self.report(events.Error(str(problem), problem.hint))

    def _look(self, before: Picture, changes: tuple[Change, ...]) -> tuple[Picture, str]:
        """Give the picture after a batch; a broken file leaves the old one, with its error."""
        try:
            if needs_look(before, changes) and not self._same_config(before, changes):
                return looks.look(self.project.root, self.around, before), ""
            after = looks.glance(self.project.root, before, changes)
            if _fields_moved(before, after):
                after = looks.look(self.project.root, self.around, before)
        except ConfigError as error:
            return before, "; ".join(_told(problem) for problem in error.problems)
        except DevloopError as error:
            return before, _told(error)
        return after, ""

    def _same_config(self, before: Picture, changes: tuple[Change, ...]) -> bool:
        """Say whether devloop.yaml alone changed, and says what it said."""
        alone = all(one.path == CONFIG_FILE for one in changes)
        return alone and self.around.configured(self.project.root) == before.config

    def _adopt(self, before: Picture, after: Picture) -> None:
        self.picture = self.executor.picture = after
        if self.watcher and (
            before.config.watch != after.config.watch
            or before.wanted.spec.keep != after.wanted.spec.keep
            or before.inputs.sources != after.inputs.sources
        ):
            self.watcher.reconfigure(looks.ignores(self.project.root, after), after.config.watch)

    def _recheck(self, path: str) -> on.Waited:
        complaint = self.picture.broken.get(path, "") if self.picture else ""
        return on.Waited(time.monotonic(), path, complaint)

    def _trouble(self, message: str, fatal: bool) -> None:
        self.report(events.Error(message) if fatal else events.Notice(message))
        if fatal:
            self.post(Stop(3))


def _told(error: DevloopError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def _fields_moved(before: Picture, after: Picture) -> bool:
    """Say whether a manifest's relevant fields moved: then the stacks must be asked anew."""
    old, new = before.wanted.fingerprint.entries, after.wanted.fingerprint.entries
    return any(
        entry.fields is not None and (path not in old or old[path].digest != entry.digest)
        for path, entry in new.items()
    )
