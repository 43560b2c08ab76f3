"""A loop that is fed by hand; no mocks, no clock."""

from __future__ import annotations

from typing import Any

from devloop import events
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import State
from devloop.loop.decide.step import step
from devloop.model import Change, ChangeKind, ContainerSpec
from devloop.project.classify import Impact
from devloop.project.state import Wanted
from devloop.stacks.fingerprint import Fingerprint


def wanted(letter: str, **spec: Any) -> Wanted:
    return Wanted(Fingerprint(letter * 64), ContainerSpec("/p", "/app", **spec))


A, B, C = wanted("a"), wanted("b"), wanted("c")


class Machine:
    """Feeds inputs to ``step`` and keeps what came of them."""

    def __init__(self) -> None:
        self.state = State()
        self.plan: do.Plan = ()
        self.now = 0.0

    def __call__(self, kind: type[on.Input], *arguments: Any, **fields: Any) -> str:
        self.now += 1
        self.state, self.plan = step(self.state, kind(self.now, *arguments, **fields))
        return do.text(self.plan)

    def told(self, kind: type[events.Event]) -> list[Any]:
        found = [one.event for one in self.plan if isinstance(one, do.Report)]
        return [one for one in found if isinstance(one, kind)]

    def closed(self) -> list[tuple[int, str, str]]:
        return [(one.cycle, one.action, one.outcome) for one in self.told(events.CycleFinished)]

    def save(self, *paths: str, want: Wanted | None = None, **impact: Any) -> str:
        """A batch of source files (``want``: one that needs another image or container)."""
        goal = want or self.state.wanted
        assert goal
        found = Impact(goal, **({"restarts": paths} | impact))
        return self(on.Changed, tuple(Change(p, ChangeKind.MODIFIED) for p in paths), found)

    def depend(self, want: Wanted, **impact: Any) -> str:
        fields = {"restarts": (), "moved": ("package.json: x",), "mends": True} | impact
        return self.save("package.json", want=want, **fields)
