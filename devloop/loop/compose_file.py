"""The compose file of a project, read by Compose when it changes: which services, and how."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from devloop import threads
from devloop.compose import settings
from devloop.compose.command import Compose
from devloop.compose.model import Model
from devloop.compose.settings import Developed
from devloop.config.settings import Watch
from devloop.errors import DevloopError
from devloop.loop.decide.topology import Need, Topology
from devloop.loop.source import Reread, Source
from devloop.model import Change, ChangeKind
from devloop.project import inspect
from devloop.project.inspect import Surroundings
from devloop.target.compose import ComposeModel


class ComposeFile:
    """What the compose file says; ``services`` are those that were named, none for all."""

    def __init__(
        self,
        compose: Compose,
        services: tuple[str, ...],
        watch: Watch,
        around: Surroundings,
    ) -> None:
        """Read it; raises ``ConfigError``, ``HostError``, ``UserError`` for an unknown service."""
        self.compose = compose
        self._services = services
        self.watch = watch
        self._around = around
        self._reading = threading.Lock()
        self._due = False
        self.now = self.read()

    def read(self) -> ComposeModel:
        """Have Compose resolve the files; raises as the first reading does."""
        model, extensions = self.compose.model(every=bool(self._services))
        model.check(self._services)
        developed = settings.developed(model, self.compose.folder, extensions, self.watch)
        return ComposeModel(model, developed, model.closure(self._services or model.services))

    def read_soon(self, post: Callable[[Reread], None], failed: threads.Failed) -> None:
        """Read in a thread, one reading at a time, the newest last."""
        if not self._due:
            self._due = True
            threads.spawn(self._read, post, failed=failed, name="compose config")

    def _read(self, post: Callable[[Reread], None]) -> None:
        with self._reading:
            self._due = False  # a save from now on asks once more
            try:
                found: ComposeModel | DevloopError = self.read()
            except DevloopError as error:
                found = error
            post(Reread(found))

    def differs(self, found: ComposeModel) -> bool:
        """Say whether the files say something else than they did."""
        return found.model.raw != self.now.model.raw or found.developed != self.now.developed

    @property
    def developed(self) -> Mapping[str, Developed]:
        """Give the wanted services that devloop develops."""
        return {name: one for name, one in self.now.developed.items() if name in self.now.wanted}

    def source(self, name: str, notices: Callable[[Source], tuple[str, ...]]) -> Source:
        """Inspect a service's folder; raises ``ConfigError`` or ``UserError``."""
        one = self.now.developed[name]
        around = replace(
            self._around,
            config=lambda: self.now.developed[name].config,
            finish=lambda spec: self.now.developed[name].spec(spec),  # noqa: PLW0108 - as it is then
        )
        found = Source(name, one.project, around, inspect.look(one.project.root, around))
        found.notices = (*one.notices, *notices(found))
        return found

    def changes(self) -> tuple[Change, ...]:
        """Give the change of the file, as a batch would tell it."""
        return (Change(self.compose.file, ChangeKind.MODIFIED),)

    def topology(self) -> Topology:
        """Give what each service waits for, and which of them are wanted and developed."""
        model, developed = self.now.model, self.developed
        return Topology(
            needs={name: _needs(model, name) for name in model.services},
            wanted=self.now.wanted,
            developed=frozenset(developed),
            workplace=model.workplace(self.compose.folder, developed) or None,
        )

    def once(self) -> frozenset[str]:
        """Give the developed services that are there to end."""
        return frozenset(name for name in self.developed if self.now.model.one_shot(name))


def _needs(model: Model, name: str) -> tuple[Need, ...]:
    return tuple(Need(one.name, one.restart) for one in model.services[name].depends_on)
