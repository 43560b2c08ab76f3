"""One watcher for all subscriptions to the same folder."""

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
    """What one subscriber gets of a watched folder, by ignores of its own."""

    def __init__(self, folder: SharedFolder, ignores: Ignores, took: Took) -> None:
        self.ignores = ignores
        self.took = took
        self._folder = folder

    def start(self) -> None:
        """Begin; every save after the return is in a batch."""
        self._folder.join(self)

    def stop(self) -> None:
        """End."""
        self._folder.leave(self)

    def reconfigure(self, ignores: Ignores, settings: Watch) -> None:
        """Watch by other rules from now on."""
        self.ignores = ignores
        self._folder.renew(settings)


class SharedFolder:
    """Watches a folder while it has subscriptions; used by one thread, but for batches."""

    def __init__(self, root: str, settings: Watch, trouble: Trouble) -> None:
        self._root = root
        self._settings = settings
        self._trouble = trouble
        self._subscriptions: tuple[Subscription, ...] = ()
        self._watcher: Watcher | None = None

    def join(self, begun: Subscription) -> None:
        """Add a subscription; the first one starts the watcher."""
        self._subscriptions = (*self._subscriptions, begun)
        if self._watcher:
            self._watcher.reconfigure(self._ignores(), self._settings)
            return
        self._watcher = Watcher(
            self._root, self._ignores(), self._settings, self._batch, self._trouble
        )
        self._watcher.start()

    def leave(self, ended: Subscription) -> None:
        """Remove a subscription; the last one stops the watcher."""
        self._subscriptions = tuple(one for one in self._subscriptions if one is not ended)
        if self._watcher and not self._subscriptions:
            self._watcher.stop()
            self._watcher = None

    def renew(self, settings: Watch) -> None:
        """Watch by the ignores that the subscriptions have now."""
        self._settings = settings
        if self._watcher:
            self._watcher.reconfigure(self._ignores(), settings)

    def _ignores(self) -> Ignores:
        """Give the ignores of all subscriptions together: what one of them wants is watched."""
        return reduce(_both, (one.ignores for one in self._subscriptions))

    def _batch(self, changes: tuple[Change, ...], unchanged: tuple[str, ...]) -> None:
        for one in self._subscriptions:
            one.took(changes, unchanged)


def _both(one: Ignores, other: Ignores) -> Ignores:
    keep = tuple(path for path in one.keep if path in other.keep)
    always = tuple(sorted({*one.always, *other.always}))
    return Ignores(keep, always, one.gitignores)
