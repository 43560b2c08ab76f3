"""A Compose project's loops: a state for each developed service, one thread that owns them all.

What happens to a service is put into the one queue with its name. What is said of the whole
project, its compose file and the signal to stop, is handled here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from devloop import events
from devloop.compose import settings
from devloop.compose.command import Compose
from devloop.compose.model import Model
from devloop.compose.settings import Developed
from devloop.config.settings import App, Watch
from devloop.engine.client import Engine
from devloop.errors import ConfigError, DevloopError
from devloop.jobs.workflow.model import Workflow
from devloop.loop.compose_watch import Lookout
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.inputs import Stop
from devloop.loop.driver import Loop, Within
from devloop.loop.signals import signals
from devloop.project import inspect as looks
from devloop.project.inspect import Surroundings
from devloop.project.state import Picture
from devloop.target.attachment import Follower
from devloop.target.compose import Composed
from devloop.target.compose_project import Together
from devloop.yaml.nodes import Node

HEADSTART = 0.5
"""Seconds in which all services may come to be started together, by one command."""


@dataclass(frozen=True)
class Addressed:
    """Something for the loop of one service."""

    service: str
    item: object


@dataclass(frozen=True)
class Saved:
    """Files that Compose may read have changed."""


@dataclass(frozen=True)
class Remodelled:
    """Compose has read its files again; ``error`` is what is wrong with them."""

    found: tuple[Model, Mapping[str, Node]] | None
    error: DevloopError | None = None


class Fleet:
    """Runs a Compose project until it is asked to end."""

    def __init__(
        self,
        folder: str,
        engine: Engine,
        compose: Compose,
        report: Callable[[events.Event], None],
        around: Surroundings,
        at_start: Callable[[str, Picture], tuple[str, ...]],
        port_owner: Callable[[int], str],
    ) -> None:
        self.folder = folder
        self.engine = engine
        self.compose = compose
        self.report = report
        self.around = around
        self.at_start = at_start
        self.port_owner = port_owner
        self.queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.loops: dict[str, Loop] = {}
        self.developed: dict[str, Developed] = {}
        self.services: tuple[str, ...] = ()
        self.watch = Watch()
        self.workflows: tuple[Workflow, ...] = ()
        self.complaint = ""
        self._due = False
        self._reading = threading.Lock()

    def run(self, services: tuple[str, ...]) -> int:
        """Develop these services and all that they need, or all; gives the exit code."""
        model, extensions = self.compose.model(every=bool(services))
        model.check(services)
        self.services = services
        self.report(events.UpStarted(model.name, self.compose.file))
        self._own_settings()
        self.developed = settings.developed(model, self.folder, extensions, self.watch)
        self.lookout = Lookout(self.compose, self.watch, lambda: self.queue.put(Saved()))
        wanted = model.closure(services or model.services)
        self.together = Together(
            self.engine, self.compose, model, self.developed, wanted, self.report
        )
        with signals(self.queue.put, self.together.kill):
            try:
                return self._run(model)
            finally:
                for loop in self.loops.values():
                    loop.end()
                self.lookout.stop()

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        if self.loops:
            self.together.kill()

    def _own_settings(self) -> None:
        """Take the jobs and how to watch from devloop.yaml; the app is the compose file's."""
        config = looks.read_config(self.folder)
        if config.app != App():
            text = "devloop.yaml: `app` counts for a single app; x-devloop says it of a service"
            self.report(events.Notice(text))
        self.watch, self.workflows = config.watch, looks.read_workflows(self.folder, config)

    def _run(self, model: Model) -> int:
        contexts = {one.build.context for one in self.developed.values()}
        self.lookout.look_at_files(contexts, lambda text, _fatal: self.report(events.Notice(text)))
        for text in settings.lefts(model):
            self.report(events.Notice(text))
        self._begin(self._names())
        if not self.loops:
            self.report(events.Notice("no service has a build: nothing here is developed"))
        self._apply(HEADSTART)
        while True:
            code = self._next(self.queue.get())
            if code is not None:
                return self._end(code)

    def _names(self) -> list[str]:
        """List the services to be developed."""
        return sorted(self.together.wanted & set(self.developed))

    # loops

    def _begin(self, names: list[str]) -> None:
        """Look at these services first, all of them, then start their loops."""
        made = [(name, *self._made(name)) for name in names]
        for name, loop, picture in made:
            self.loops[name] = loop
            told = (*self.developed[name].notices, *self.at_start(loop.project.root, picture))
            loop.begin(picture, partial(self.lookout.watching, loop.project.root), told)

    def _made(self, name: str) -> tuple[Loop, Picture]:
        one = self.developed[name]
        around = replace(
            self.around,
            config=lambda: self.developed[name].config,
            finish=lambda spec: self.developed[name].spec(spec),  # noqa: PLW0108 - as it is then
        )
        picture = looks.look(one.project.root, around)
        report = self._reporting(name)

        def hand_over(follower: Follower) -> Composed:
            follower.name = name
            return Composed(self.together, name, follower, self._renewed)

        within = Within(lambda item: self.queue.put(Addressed(name, item)), hand_over)
        flows = self.workflows if name == self._at_work() else ()
        loop = Loop(one.project, self.engine, report, around, self.port_owner, flows, within)
        return loop, picture

    def _at_work(self) -> str:
        """Name the service whose container runs the project's jobs, empty if none does."""
        return self.together.model.workplace(self.folder, self._names())

    def _reporting(self, name: str) -> Callable[[events.Event], None]:
        return lambda event: self.report(events.of_service(event, name))

    def _renewed(self, name: str) -> None:
        """Restart the services that ask for it when this one was made anew."""
        for one in self.together.model.dependents(name):
            if one not in self.together.started:
                continue
            cause = f"{name} was made anew (depends_on, restart: true)"
            self._reporting(one)(events.Notice(f"restarting: {cause}"))
            if one in self.loops:
                self.loops[one].executor.run(do.Restart(cause))
            else:
                self.together.restart(one)

    # what happens

    def _next(self, item: object) -> int | None:
        match item:
            case Addressed() if item.service in self.loops:
                if isinstance(item.item, on.EngineLost):
                    self.together.forget()
                return self.loops[item.service].next(item.item)
            case Saved() if not self._due:
                self._due = True
                threading.Thread(target=self._read, daemon=True, name="compose config").start()
            case Remodelled():
                return self._remodelled(item)
            case on.Input():
                return self._asked(item)
            case Stop():
                return item.exit_code
            case Exception():
                raise item
        return None

    def names(self) -> tuple[str, ...]:
        """List the services that can be asked for something."""
        return tuple(self.loops)

    def _asked(self, item: on.Input) -> int | None:
        """Ask the service that is meant, or all, for what the user asks for."""
        meant = getattr(item, "service", "")
        if isinstance(item, on.JobsAsked):  # one of them has the jobs
            meant = self._at_work()
        loops = [loop for name, loop in self.loops.items() if meant in ("", name)]
        codes = [loop.next(item) for loop in loops]
        return next((code for code in codes if code is not None), None)

    def _read(self) -> None:
        """Have Compose read its files, one reading at a time, the newest last."""
        with self._reading:
            self._due = False  # a save from now on asks once more
            try:
                model = self.compose.model(every=bool(self.services))
                self.queue.put(Remodelled(model))
            except DevloopError as error:
                self.queue.put(Remodelled(None, error))

    def _remodelled(self, it: Remodelled) -> int | None:
        if it.found is None:
            self._complain(it.error)
            return None
        model, extensions = it.found
        try:
            developed = settings.developed(model, self.folder, extensions, self.watch)
        except ConfigError as error:
            self._complain(error)
            return None
        self.complaint = ""
        before, self.developed = self.developed, developed
        wanted = model.closure(self.services or model.services)
        if model.raw == self.together.model.raw and before == developed:
            return None
        self.together.adopt(model, developed, wanted)
        return self._adapt(before)

    def _adapt(self, before: Mapping[str, Developed]) -> int | None:
        """Let the loops follow a new model: end, go on as configured now, begin."""
        names = self._names()
        for name in sorted(set(self.loops) - set(names)):
            gone = self.loops.pop(name)
            gone.next(Stop(0))
            gone.end()
        for name in sorted(self.loops):
            if before[name] != self.developed[name]:
                code = self.loops[name].renew(self.compose.file)
                if code is not None:
                    return code
        try:
            self._begin([name for name in names if name not in self.loops])
        except DevloopError as error:
            self._complain(error)
        self._apply()
        return None

    def _apply(self, patience: float = 0.0) -> None:
        """Let Compose start and change what devloop leaves alone, in a thread of its own."""

        def work() -> None:
            try:
                self.together.apply(patience)
            except DevloopError as error:
                if not self.together.stopping.is_set():
                    self.report(events.Error(error.message, error.hint))

        threading.Thread(target=work, daemon=True, name="compose up").start()

    def _complain(self, error: DevloopError | None) -> None:
        """Tell what is wrong with the compose file, once."""
        text = str(error)
        if error is None or text == self.complaint:
            return
        self.complaint = text
        problems = error.problems if isinstance(error, ConfigError) else (error,)
        for one in problems:
            self.report(events.Error(str(one), "the services go on as they are"))

    def _end(self, code: int) -> int:
        """Cancel what is being built, and stop what was started here."""
        for loop in self.loops.values():
            loop.next(Stop(code))
        self.together.stop()
        return code
