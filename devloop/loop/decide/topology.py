"""Which services a project has, and what each waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Need:
    """A service that another one waits for; ``restart``: it is restarted when that is made anew."""

    service: str
    restart: bool = False


@dataclass(frozen=True)
class Topology:
    """The services of a project; the one of a single app has no name.

    ``needs`` has every service of the project; ``wanted`` are those that are to run, ``developed``
    those of them that devloop builds. ``workplace`` is the developed one in whose container jobs
    run, None if there is none.
    """

    needs: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    developed: frozenset[str] = frozenset()
    workplace: str | None = None

    @property
    def plain(self) -> frozenset[str]:
        """Give the wanted services that devloop does not develop."""
        return self.wanted - self.developed

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """Give these services and all that they wait for."""
        found: set[str] = set()
        todo = [name for name in names if name in self.needs]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [one.service for one in self.needs[name] if one.service in self.needs]
        return frozenset(found)

    def built_for(self, name: str) -> frozenset[str]:
        """Give the developed services that must be there before this one, itself included."""
        return self.closure([name]) & self.developed

    def restarted_with(self, name: str) -> tuple[str, ...]:
        """List the wanted services that ask to be restarted when this one is made anew."""
        return tuple(
            one
            for one, needs in sorted(self.needs.items())
            if one in self.wanted
            if any(need.service == name and need.restart for need in needs)
        )


NO_SERVICES = Topology()
SINGLE = Topology({"": ()}, frozenset({""}), frozenset({""}), "")
"""One app without Compose."""
