"""One watcher for all that look at the same folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from devloop.config.settings import Watch
from devloop.model import Change
from devloop.watch.ignore import Ignores
from devloop.watch.watcher import Watcher

Took = Callable[[tuple[Change, ...], tuple[str, ...]], None]
Trouble = Callable[[str, bool], None]


class Subscription:
    """One looker's part of a folder's watcher: what a loop takes for a watcher."""

    def __init__(self, folder: SharedFolder, ignores: Ignores, took: Took) -> None:
        self.ignores = ignores
        self.took = took
        self._folder = folder

    def start(self) -> None:
        """Begin; no save after this is lost."""
        self._folder.join(self)

    def stop(self) -> None:
        """End."""
        self._folder.leave(self)

    def reconfigure(self, ignores: Ignores, settings: Watch) -> None:
        """Watch by other rules from now on."""
        self.ignores = ignores
        self._folder.renew(settings)


class SharedFolder:
    """Watches a folder as long as somebody looks; used by one thread, but for batches."""

    def __init__(self, root: str, settings: Watch, trouble: Trouble) -> None:
        self._root = root
        self._settings = settings
        self._trouble = trouble
        self._lookers: tuple[Subscription, ...] = ()
        self._watcher: Watcher | None = None

    def join(self, looker: Subscription) -> None:
        """Let somebody look too."""
        self._lookers = (*self._lookers, looker)
        if self._watcher:
            self._watcher.reconfigure(self._ignores(), self._settings)
            return
        self._watcher = Watcher(
            self._root, self._ignores(), self._settings, self._batch, self._trouble
        )
        self._watcher.start()

    def leave(self, looker: Subscription) -> None:
        """Let somebody look no more."""
        self._lookers = tuple(one for one in self._lookers if one is not looker)
        if self._watcher and not self._lookers:
            self._watcher.stop()
            self._watcher = None

    def renew(self, settings: Watch) -> None:
        """Take it that a looker's ignores have changed."""
        self._settings = settings
        if self._watcher:
            self._watcher.reconfigure(self._ignores(), settings)

    def _ignores(self) -> Ignores:
        """Leave out what nobody wants: what one of them wants is watched."""
        return reduce(_both, (one.ignores for one in self._lookers))

    def _batch(self, changes: tuple[Change, ...], unchanged: tuple[str, ...]) -> None:
        for one in self._lookers:
            one.took(changes, unchanged)


def _both(one: Ignores, other: Ignores) -> Ignores:
    keep = tuple(path for path in one.keep if path in other.keep)
    always = tuple(sorted({*one.always, *other.always}))
    return Ignores(keep, always, one.gitignores)
