"""Turns what a watcher has seen into batches: one thread, owner of snapshot and debounce."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TypeAlias

from devloop.config.settings import Watch
from devloop.model import Change
from devloop.watch import debounce, tree
from devloop.watch.debounce import Debounce, Seen
from devloop.watch.ignore import GITIGNORE, Ignores
from devloop.watch.snapshot import TreeSnapshot

Batch: TypeAlias = Callable[[tuple[Change, ...], tuple[str, ...]], None]
"""Differences, and the files that were saved with the content that they had."""


@dataclass(frozen=True)
class Broken:
    """The watcher ended; ``error`` says why."""

    error: Exception


@dataclass(frozen=True)
class WatchNotice:
    """Something to be told to the user."""

    text: str


@dataclass(frozen=True)
class Reconfigured:
    """Other ignores and settings are in force."""

    ignores: Ignores
    settings: Watch


@dataclass(frozen=True)
class Stopped:
    """No more batches."""


Item: TypeAlias = Seen | Broken | WatchNotice | Reconfigured | Stopped


@dataclass(frozen=True)
class Wiring:
    """The callbacks of the batch thread, all called from that thread.

    ``reload`` makes the watcher take other ignores before it returns, ``broken`` mends or replaces
    a watcher and says whether watching goes on, ``resettle`` takes other settings.
    """

    batch: Batch
    trouble: Callable[[str, bool], None]
    reload: Callable[[Ignores], None]
    broken: Callable[[Exception], bool]
    resettle: Callable[[Watch], None]


class Batcher(threading.Thread):
    """Gathers what was seen, waits for quiet, and gives differences."""

    def __init__(
        self,
        root: str,
        ignores: Ignores,
        settings: Watch,
        wiring: Wiring,
        exists: Callable[[str], bool] = os.path.lexists,
    ) -> None:
        super().__init__(name="devloop-batches", daemon=True)
        self.inbox: SimpleQueue[Item] = SimpleQueue()
        self._root = root
        self._settings = settings
        self._wiring = wiring
        self._snapshot = TreeSnapshot(root, ignores)
        self._state = Debounce()
        self._closed: set[str] = set()
        self._open: set[str] = set()
        self._folders: set[str] = set()
        self._lock_file = git_lock(root)
        self._exists = exists
        self._ended = False  # what has gone may be told of twice, the user once
        self._take(ignores)

    def begin(self) -> None:
        """Take the tree as it is; called when watching has begun."""
        self._snapshot.begin()

    def run(self) -> None:
        """Handle items until ``Stopped``; an unexpected error is reported and ends the watching."""
        try:
            while not self._ended and not isinstance(item := self._next(), Stopped):
                self._serve(item)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is watched any more
            self._wiring.trouble(f"watching ended by a fault of devloop: {error!r}", True)

    def _take(self, ignores: Ignores) -> None:
        self._ignores = ignores
        self._ignored = lru_cache(maxsize=1 << 16)(ignores.ignored)

    # what comes in

    def _next(self) -> Item | None:
        """Give the next item, None when something is due."""
        wait = self._patience(time.monotonic())
        with suppress(Empty):
            return self.inbox.get(block=wait is None or wait > 0, timeout=wait)
        return None

    def _patience(self, now: float) -> float | None:
        """Say how many seconds to wait for the next item, None for ever."""
        limit = self._settings.max_wait
        times = [self._due(now), debounce.unclosed(self._state, max_wait=limit)]
        pending = [at for at in times if at is not None]
        if pending:
            return max(0.0, min(pending) - now)
        return self._snapshot.fill() if self.inbox.empty() else 0.0

    def _due(self, now: float) -> float | None:
        quiet, max_wait = self._settings.quiet, self._settings.max_wait
        at = debounce.due(self._state, now, locked=False, quiet=quiet, max_wait=max_wait)
        if at is None or at > now or not self._exists(self._lock_file):
            return at
        return debounce.due(self._state, now, locked=True, quiet=quiet, max_wait=max_wait)

    def _serve(self, item: Item | None) -> None:
        now = time.monotonic()
        if isinstance(item, Seen):
            self._gather(item, now)
        elif isinstance(item, Reconfigured):
            self._reconfigure(item)
        elif isinstance(item, Broken):
            self._mend(item.error, now)
        elif isinstance(item, WatchNotice):
            self._wiring.trouble(item.text, False)
        elif item is None:
            self._give(now)

    def _gather(self, seen: Seen, now: float) -> None:
        closed = [path for path in seen.closed if not self._ignored(path)]
        opened = [path for path in seen.open if not self._ignored(path)]
        self._closed.update(closed)
        self._open.difference_update(closed)
        self._open.update(opened)
        self._folders.update(seen.folders)
        if closed or set(seen.folders) - {""}:
            self._state = debounce.add(self._state, now)
        elif seen.folders:
            self._state = debounce.add_look(self._state, now)
        if opened:
            self._state = debounce.add_open(self._state, now)
        elif not self._open:
            self._state = debounce.closed(self._state)
        if seen.gone:
            self._mend(FileNotFoundError(self._root), now)

    # what goes out

    def _give(self, now: float) -> None:
        """Give a batch if one is due by now."""
        limit = debounce.unclosed(self._state, max_wait=self._settings.max_wait)
        if limit is not None and limit <= now:
            self._closed |= self._open
            self._open = set()
            self._state = debounce.give_up(self._state)
        due = self._due(now)
        if due is not None and due <= now:
            self._flush()

    def _flush(self) -> None:
        paths, folders = self._closed, self._folders
        self._closed, self._folders = set(), set()
        changes, same = self._snapshot.look(paths, folders)
        if any(change.path.rpartition("/")[2] == GITIGNORE for change in changes):
            changes = self._reread(changes)
        if changes or same:
            self._wiring.batch(changes, same)
        now = time.monotonic() if changes else self._state.flushed
        self._state = debounce.flush(self._state, now)

    def _reread(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Read the .gitignore files anew; what they now shut out is in no batch."""
        ignores = tree.load_ignores(self._root, self._ignores.keep, self._ignores.always)
        more = self._reload(ignores)
        kept = {change.path: change for change in changes if not ignores.ignored(change.path)}
        kept.update((change.path, change) for change in more if change.path not in kept)
        return tuple(sorted(kept.values()))

    def _reload(self, ignores: Ignores) -> tuple[Change, ...]:
        """Watch by other ignores, then take the state of what they let in."""
        self._take(ignores)
        self._wiring.reload(ignores)
        return self._snapshot.reload(ignores)

    def _reconfigure(self, item: Reconfigured) -> None:
        self._wiring.resettle(item.settings)
        self._settings = item.settings
        if item.ignores != self._ignores:
            changes = self._reload(item.ignores)
            if changes:
                self._wiring.batch(changes, ())

    def _mend(self, error: Exception, now: float) -> None:
        """Replace a broken watcher; what changed meanwhile is found by a look at everything."""
        if self._wiring.broken(error):
            self._folders.add("")
            self._state = debounce.add(self._state, now)
            return
        self._folders.add("")
        self._flush()
        gone = f"{self._root} is gone; start again where the project is now"
        text = gone if isinstance(error, FileNotFoundError) else f"nothing is watched: {error}"
        self._ended = True
        self._wiring.trouble(text, True)


def git_lock(root: str) -> str:
    """Give the path of the lock of git's index, for a work tree of its own too."""
    folder = os.path.join(root, ".git")
    with suppress(OSError, UnicodeDecodeError), open(folder, encoding="utf-8") as stream:
        folder = os.path.join(root, stream.readline().removeprefix("gitdir:").strip())
    return os.path.join(folder, "index.lock")
