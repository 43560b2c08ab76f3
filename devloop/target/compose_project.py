"""A Compose project that runs: which of its services are changed, started, stopped.

One `docker compose` command at a time. A developed service starts when the images of all that it
depends on are there; whoever comes first starts all that can be started by then, in one command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from devloop import events
from devloop.compose import change as changes
from devloop.compose.change import Change
from devloop.compose.command import Compose
from devloop.compose.model import Model
from devloop.compose.settings import Developed
from devloop.engine import containers, logs
from devloop.engine.client import Engine
from devloop.errors import DevloopError
from devloop.model import LABEL_PROJECT
from devloop.target import prepare

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
GRACE = 10
ONE_OFF = "com.docker.compose.oneoff=False"


class StoppedError(Exception):
    """The loop ends: nothing is started any more."""


class Together:
    """What runs of one Compose project; its methods may be called from several threads."""

    def __init__(
        self,
        engine: Engine,
        compose: Compose,
        model: Model,
        developed: Mapping[str, Developed],
        wanted: frozenset[str],
        report: Callable[[events.Event], None],
    ) -> None:
        self.engine = engine
        self.compose = compose
        self.model = model
        self.developed = developed
        self.wanted = wanted
        self.report = report
        self.changes: dict[str, Change] = {}
        self.started: set[str] = set()
        self._gone: set[str] = set()
        self.others = frozenset(self._running())
        self.preparing = threading.Lock()
        self.stopping = threading.Event()
        self._command = threading.Lock()
        self._news = threading.Condition()
        self._waved = threading.Event()

    def start(self, name: str, change: Change) -> None:
        """Have a service run with this change.

        Raises ``ProjectError`` with Compose's words, ``StoppedError`` if the loop ends.
        """
        with self._news:
            self.changes[name] = change
            self._news.notify_all()
            self._news.wait_for(lambda: self.stopping.is_set() or self._available(name))
        with self._command:
            if self.stopping.is_set():
                raise StoppedError
            if name not in self.started:
                self._wave(name)
            elif not self._runs(name, change):
                self._up([name], deps=False)

    def _available(self, name: str) -> bool:
        """Say whether all that a service depends on can be started."""
        return all(
            one in self.changes for one in self.model.closure([name]) if one in self.developed
        )

    def _wave(self, name: str) -> None:
        """Start a service for the first time, and whatever else can be by now.

        If that fails the service is tried alone, so that another one's fault is not its own.
        """
        ready = {one for one in self.wanted - self.started if self._available(one)}
        began = time.time()
        try:
            self._up(sorted(ready), deps=True)
        except DevloopError:
            if len(ready) == 1 or self.stopping.is_set():
                raise
            ready = set(self.model.closure([name]))
            self._up(sorted(ready), deps=True)
        self._note(ready, began)
        self._waved.set()

    def _up(self, names: list[str], *, deps: bool) -> None:
        document = self.document()
        users = {one: self.changes[one].settings.user for one in names if one in self.changes}
        if any(users.values()):
            self.compose.up(document, names, deps=deps, start=False)
            for one, user in users.items():
                identity = self.container(one)
                if user and identity:
                    prepare.settle_user(self.engine, identity, user)
        self.compose.up(document, names, deps=deps)

    def document(self) -> str:
        """Give the model as it runs now."""
        return changes.document(self.model, self.changes)

    def _runs(self, name: str, change: Change) -> bool:
        """Say whether a wave of another service has started just this."""
        found = self._found(name)
        known = [one for one in found if one.state == "running"]
        return any(one.labels.get(changes.LABEL_CHANGE) == change.id for one in known)

    def adopt(
        self, model: Model, developed: Mapping[str, Developed], wanted: frozenset[str]
    ) -> None:
        """Take another model; ``apply`` then removes the services that it has no more."""
        with self._news:
            gone = self.started - set(model.services)
            self._gone |= gone
            self.started -= gone
            for name in gone:
                self.changes.pop(name, None)
            self.model, self.developed, self.wanted = model, developed, wanted
            self._news.notify_all()

    def apply(self, patience: float = 0.0) -> None:
        """Let Compose start and change the services that devloop leaves alone.

        For ``patience`` seconds a developed service may come that starts them along with it.
        """
        self._waved.wait(patience)
        with self._command:
            self._remove_gone()
            plain = set(self.wanted) - set(self.developed)
            free = {one for one in plain if not self.model.closure([one]) & set(self.developed)}
            late = {one for one in plain - free - self.started if self._available(one)}
            known = (plain - free) & self.started
            if patience and free <= self.started:
                free = set()
            if self.stopping.is_set():
                return
            for names, deps in ((free | late, True), (known, False)):
                if names:
                    began = time.time()
                    self._up(sorted(names), deps=deps)
                    self._note(names, began)

    def _remove_gone(self) -> None:
        while self._gone:
            for one in self._found(self._gone.pop()):
                containers.stop(self.engine, one.id, GRACE)
                containers.remove(self.engine, one.id)

    def _note(self, names: set[str], began: float) -> None:
        """Take services for started, and listen to those that nobody follows."""
        fresh = names - self.started
        self.started |= names
        for one in sorted(fresh - set(self.developed)):
            self._listen(one, began)

    def forget(self) -> None:
        """Take nothing for started: the engine was gone."""
        with self._news:
            self.started.clear()

    def stop(self) -> None:
        """Stop what was started here, in Compose's order and grace."""
        self.stopping.set()
        with self._news:
            self._news.notify_all()
        self.compose.interrupt()
        ours = sorted(self.wanted - (self.others - set(self.developed)))
        with self.preparing, self._command:
            try:
                if ours:
                    self.compose.stop(self.document(), ours)
            except DevloopError as error:
                self.report(events.Error(error.message, error.hint))

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self.stopping.set()
        self.compose.interrupt()
        with suppress(DevloopError):
            for name in self.wanted - self.others:
                for one in self._found(name):
                    containers.kill(self.engine, one.id)

    def _ended(self, name: str, identity: str) -> None:
        """Report the end of a service, unless it was ended here or runs again."""
        if self.stopping.is_set():
            return
        with suppress(DevloopError):
            containers.wait_end(self.engine, identity)
            code = containers.exit_code(self.engine, identity)
            if code is not None and not self.stopping.is_set():
                self._tell(name, events.ServiceExited(code))

    def _tell(self, name: str, event: events.Event) -> None:
        self.report(events.of_service(event, name))

    def restart(self, name: str) -> None:
        """Restart a service that devloop does not develop, in its own grace."""
        identity = self.container(name)
        if identity:
            began = time.time()
            containers.restart_whole(self.engine, identity)
            self._listen(name, began)

    def container(self, name: str) -> str | None:
        """Give the id of a service's container."""
        found = self._found(name)
        return found[0].id if found else None

    def _found(self, name: str) -> tuple[containers.Listed, ...]:
        labels = [f"{PROJECT}={self.model.name}", f"{SERVICE}={name}", ONE_OFF]
        return containers.labelled(self.engine, labels)

    def _running(self) -> Iterable[str]:
        """List the services that ran before, but for what an earlier loop has left."""
        labels = [f"{PROJECT}={self.model.name}", ONE_OFF]
        for one in containers.labelled(self.engine, labels, running=True):
            if LABEL_PROJECT not in one.labels:
                yield one.labels[SERVICE]

    def _listen(self, name: str, since: float) -> None:
        """Report what a service that devloop does not develop is, and writes from a time on."""
        found = next(iter(self._found(name)), None)
        if found is None:
            return
        identity = found.id
        if found.state == "running":
            self._tell(name, events.ServiceStarted(identity, found.image))

        def line(stream: str, text: str) -> None:
            self.report(events.Log(name, stream, text))

        def read() -> None:
            with suppress(DevloopError):
                logs.split(self.engine.logs(identity, since=since), "", line, lambda *_: None)
            self._ended(name, identity)

        threading.Thread(target=read, daemon=True, name=f"logs of {name}").start()
