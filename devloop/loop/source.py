"""A developed service's folder: what it is now, and what a batch of changes in it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devloop import events
from devloop.errors import ConfigError, DevloopError
from devloop.model import Change, ChangeKind, Project
from devloop.project import inspect
from devloop.project.classify import Impact, classify, needs_look
from devloop.project.inspect import Surroundings
from devloop.project.state import CONFIG_FILE, Inspection
from devloop.watch.folder import Subscription

if TYPE_CHECKING:  # a single app needs nothing of Compose's
    from devloop.target.compose import ComposeModel


@dataclass(frozen=True)
class Batch:
    """What the watcher saw of a service's folder: changes, and files saved as they were."""

    service: str
    changes: tuple[Change, ...]
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reread:
    """Compose has read its files again: what they say, or what is wrong with them."""

    found: ComposeModel | DevloopError


class Source:
    """Owned by the loop's thread; ``notices`` are worth telling once, at its start."""

    def __init__(
        self,
        name: str,
        project: Project,
        around: Surroundings,
        inspection: Inspection,
        notices: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.project = project
        self.around = around
        self.inspection = inspection
        self.notices = notices
        self.watching: Subscription | None = None

    def stop(self) -> None:
        """Watch it no more."""
        if self.watching:
            self.watching.stop()

    def impact(self, batch: Batch) -> Impact:
        """Say what a batch means; the inspection is that of after it."""
        before = self.inspection
        after, error = self._inspected(before, batch.changes)
        impact = classify(before, after, batch.changes, error=error)
        same = tuple(f"{path}: the content is what it was" for path in batch.unchanged)
        self._adopt(after)
        return replace(impact, idle=(*impact.idle, *same))

    def renewed(self, file: str) -> Impact:
        """Inspect all of it: another file than the project's own configures it anew.

        Raises ``DevloopError``; then the last inspection stays in force.
        """
        before = self.inspection
        after = inspect.look(self.project.root, self.around, before)
        self._adopt(after)
        return replace(classify(before, after, ()), mends=True, settings=file)

    def complaint(self, path: str) -> str:
        """Say why a manifest does not parse, empty if it does."""
        return self.inspection.broken.get(path, "")

    def _inspected(self, before: Inspection, changes: tuple[Change, ...]) -> tuple[Inspection, str]:
        """Inspect after a batch; a broken file leaves what was known, with its error."""
        root = self.project.root
        try:
            if needs_look(before, changes) and not self._same_config(before, changes):
                return inspect.look(root, self.around, before), ""
            after = inspect.glance(root, before, changes)
            if _fields_moved(before, after):
                after = inspect.look(root, self.around, before)
        except ConfigError as error:
            return before, "; ".join(_said(problem) for problem in error.problems)
        except DevloopError as error:
            return before, _said(error)
        return after, ""

    def _same_config(self, before: Inspection, changes: tuple[Change, ...]) -> bool:
        """Say whether devloop.yaml alone changed, and says what it said."""
        alone = all(one.path == CONFIG_FILE for one in changes)
        return alone and self.around.configured(self.project.root) == before.config

    def _adopt(self, after: Inspection) -> None:
        before, self.inspection = self.inspection, after
        if self.watching and (
            before.config.watch != after.config.watch
            or before.wanted.spec.keep != after.wanted.spec.keep
            or before.inputs.sources != after.inputs.sources
        ):
            ignores = inspect.ignores(self.project.root, after)
            self.watching.reconfigure(ignores, after.config.watch)


def saved(batch: Batch) -> tuple[Change, ...]:
    """Give all that was saved, also what is as it was."""
    same = (Change(path, ChangeKind.MODIFIED) for path in batch.unchanged)
    return (*batch.changes, *same)


def tell_problems(error: DevloopError, report: Callable[[events.Event], None]) -> None:
    """Report an error, all of a file's at once."""
    for problem in error.problems if isinstance(error, ConfigError) else (error,):
        report(events.Error(str(problem), problem.hint))


def _said(error: DevloopError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def _fields_moved(before: Inspection, after: Inspection) -> bool:
    """Say whether a manifest's relevant fields moved: then the stacks must be asked anew."""
    old, new = before.wanted.fingerprint.entries, after.wanted.fingerprint.entries
    return any(
        entry.fields is not None and (path not in old or old[path].digest != entry.digest)
        for path, entry in new.items()
    )
