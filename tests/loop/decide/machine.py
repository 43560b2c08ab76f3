"""A loop that is fed by hand; no mocks, no clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from devloop import events
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import App, ProjectState, Running, ServiceState, container
from devloop.loop.decide.step import step
from devloop.loop.decide.topology import Need, Topology
from devloop.model import Change, ChangeKind, ContainerSpec
from devloop.project.classify import Impact
from devloop.project.state import Wanted
from devloop.stacks.fingerprint import Fingerprint


def wanted(letter: str, **spec: Any) -> Wanted:
    return Wanted(Fingerprint(letter * 64), ContainerSpec("/p", "/app", **spec))


A, B, C = wanted("a"), wanted("b"), wanted("c")


class Machine:
    """Feeds inputs to ``step`` and keeps what came of them; ``name`` is the service that is meant.

    The target's end of what it brought up follows each hand-over by itself.
    """

    def __init__(self) -> None:
        self.project = ProjectState()
        self.plan: do.Plan = ()
        self.now = 0.0
        self.name = ""

    def __call__(self, kind: type[on.Input], *arguments: Any, **fields: Any) -> str:
        self.now += 1
        named = (self.name,) if issubclass(kind, on.ServiceInput) else ()
        self.take(kind(self.now, *named, *arguments, **fields))  # type: ignore[arg-type]
        plan = self.plan
        if issubclass(kind, on.HandedOver | on.HandOverFailed) and self.project.bringing:
            self.take(on.BroughtUp(self.now, self.project.bringing.number))
            self.plan = (*plan, *self.plan)
        return do.text(self.plan)

    def take(self, happened: on.AnyInput) -> None:
        self.project, self.plan = step(self.project, happened)

    @property
    def state(self) -> ServiceState:
        return self.project.services[self.name]

    @property
    def app(self) -> App:
        return self.state.app

    @property
    def container(self) -> str:
        return container(self.state.app)

    def told(self, kind: type[events.Event]) -> list[Any]:
        found = [one.event for one in self.plan if isinstance(one, do.Report)]
        return [one for one in found if isinstance(one, kind)]

    def closed(self) -> list[tuple[int, str, str]]:
        return [
            (one.cycle, str(one.action), str(one.outcome))
            for one in self.told(events.CycleFinished)
        ]

    def save(self, *paths: str, want: Wanted | None = None, **impact: Any) -> str:
        """A batch of source files (``want``: one that needs another image or container)."""
        found = Impact(want or self.state.wanted, **({"restarts": paths} | impact))
        return self(on.Changed, tuple(Change(p, ChangeKind.MODIFIED) for p in paths), found)

    def depend(self, want: Wanted, **impact: Any) -> str:
        fields = {"restarts": (), "moved": ("package.json: x",), "mends": True} | impact
        return self.save("package.json", want=want, **fields)

    def built(self, *, cached: bool = False, duration: float = 4.0) -> str:
        """The image that is being made is there."""
        return self(on.ImageReady, self.state.generation, "img", cached, duration)

    def taken_over(
        self, name: str, started_at: float | None = None, gap: float | None = None
    ) -> str:
        """The new container runs."""
        at = self.now if started_at is None else started_at
        return self(on.HandedOver, self.state.generation, name, "img", at, gap)

    def started(self) -> str:
        """The start that was asked for last has happened."""
        assert isinstance(self.app, Running)
        return self(on.AppStarted, self.container, self.app.ordered)

    def ready(self) -> str:
        """The app answers."""
        assert isinstance(self.app, Running)
        return self(on.AppReady, self.container, self.app.start, None)

    def since(self, at: float) -> None:
        """Take it that the app was started then."""
        assert isinstance(self.app, Running)
        service = replace(self.state, app=replace(self.app, since=at))
        self.project = replace(self.project, services={self.name: service})


def composed(needs: dict[str, tuple[str | Need, ...]], *developed: str, **fields: Any) -> Topology:
    """A topology of a Compose project: what each service waits for, and which are developed."""
    found = {
        name: tuple(Need(one) if isinstance(one, str) else one for one in needed)
        for name, needed in needs.items()
    }
    return Topology(found, frozenset(found), frozenset(developed), **fields)
