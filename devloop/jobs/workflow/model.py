"""Workflows, jobs and steps, typed; texts may hold ``${{ }}``, which are read already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Env: TypeAlias = tuple[tuple[str, str], ...]
Flag: TypeAlias = bool | str
"""True, false, or a text with an expression."""
Filter: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...] | None]
"""``paths`` and ``paths-ignore`` of one event."""


@dataclass(frozen=True)
class Defaults:
    """``defaults.run``."""

    shell: str = ""
    directory: str = ""


@dataclass(frozen=True)
class Concurrency:
    """A group in which one job runs and one waits; ``cancel`` None: nothing is said of it."""

    group: str
    cancel: Flag | None = None


@dataclass(frozen=True)
class Step:
    """One step; ``wait`` names background steps, ``*`` all; ``timeout`` in minutes."""

    location: str
    id: str = ""
    name: str = ""
    condition: str = ""
    run: str = ""
    uses: str = ""
    inputs: Env = ()
    shell: str = ""
    directory: str = ""
    env: Env = ()
    continue_on_error: Flag = False
    timeout: float | str = 0.0
    background: bool = False
    wait: tuple[str, ...] = ()
    cancel: str = ""
    parallel: tuple[Step, ...] = ()

    @property
    def title(self) -> str:
        """What the step is called where it has no name."""
        first = self.run.strip().splitlines()[:1]
        what = first[0] if first else self.uses or (f"cancel {self.cancel}" if self.cancel else "")
        return self.name or what or ("parallel" if self.parallel else "wait")


@dataclass(frozen=True)
class Job:
    """One job. ``matrix`` is data or a text with an expression; ``timeout`` in minutes.

    ``gate`` says why it runs only when it is named, ``unsupported`` why it cannot run here.
    """

    id: str
    location: str
    name: str = ""
    needs: tuple[str, ...] = ()
    condition: str = ""
    filter: Filter = (None, None)
    env: Env = ()
    defaults: Defaults = field(default_factory=Defaults)
    concurrency: Concurrency | None = None
    continue_on_error: Flag = False
    timeout: float | str = 0.0
    outputs: Env = ()
    matrix: Mapping[str, Any] | str | None = field(default=None, hash=False)
    fail_fast: Flag = True
    max_parallel: float | str = 0.0
    steps: tuple[Step, ...] = ()
    gate: str = ""
    unsupported: str = ""


@dataclass(frozen=True)
class Workflow:
    """One file's jobs. ``filters`` None: no save starts them; one that fits is enough."""

    path: str = "devloop.yaml"
    name: str = ""
    filters: tuple[Filter, ...] | None = ((None, None),)
    env: Env = ()
    defaults: Defaults = field(default_factory=Defaults)
    concurrency: Concurrency | None = None
    jobs: tuple[Job, ...] = ()
    gate: str = ""
