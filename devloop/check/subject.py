"""What `devloop check` looks at, and what it finds: values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from devloop.image import dockerfile as df
from devloop.image import ignorefile
from devloop.image.sources import CopySource, sources
from devloop.model import Command
from devloop.stacks.base import Detection, Snapshot


class Level(StrEnum):
    """How bad a finding is: an error breaks the build or the app, a warning costs time or trust."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Edit:
    """A safe mend: lines of one file that are replaced.

    ``start`` and ``end`` count from 1, ``end`` is the first line that stays; equal ones insert.
    """

    path: str
    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what, why that matters and how to mend it.

    ``line`` and ``column`` count from 1; ``column`` is 0 where it is the whole line. ``edit`` is
    there where the mend is safe to make.
    """

    level: Level
    rule: str
    path: str
    line: int
    what: str
    why: str
    mend: str
    column: int = 0
    edit: Edit | None = None


@dataclass(frozen=True)
class CheckSubject:
    """A project as the rules see it; ``run`` is app.run of devloop.yaml with its line."""

    text: str
    path: str
    ignore: str
    ignore_path: str
    detections: tuple[Detection, ...]
    snapshot: Snapshot
    target: str | None = None
    build_args: dict[str, str] = field(default_factory=dict)
    run: Command | None = None
    run_line: int = 0

    @cached_property
    def dockerfile(self) -> df.Dockerfile:
        """The parsed Dockerfile."""
        return df.parse(self.text, self.build_args)

    @cached_property
    def ends(self) -> tuple[df.Stage, ...]:
        """The stages that are run: the one under development and the last one."""
        parsed = self.dockerfile
        chosen = parsed.stage(self.target) if self.target else parsed.default_target()
        found = [stage for stage in (chosen, *parsed.stages[-1:]) if stage is not None]
        return tuple(dict.fromkeys(found))

    @cached_property
    def sources(self) -> tuple[CopySource, ...]:
        """What all stages take from the build context."""
        stages = self.dockerfile.stages
        return tuple(
            one
            for stage in stages
            for one in sources(self.dockerfile, stage, stages, self.build_args, "/")
        )

    @cached_property
    def ignores(self) -> ignorefile.Ignore:
        """The ignore file in force."""
        return ignorefile.parse(self.ignore)

    def before(self, stage: df.Stage, line: int) -> tuple[CopySource, ...]:
        """Give the sources that are in a stage when its instruction at a line runs."""
        lower = {one.index for one in df.chain(self.dockerfile, stage)} - {stage.index}
        return tuple(
            one
            for one in self.sources
            if (one.stage in lower and not one.bound)
            or (one.stage == stage.index and one.line < line and not one.bound)
            or (one.stage == stage.index and one.line == line)
        )

    def detection(self, name: str) -> Detection | None:
        """Give what a stack says of the project."""
        return next((one for one in self.detections if one.name == name), None)


Rule = Callable[[CheckSubject], list[Finding]]
