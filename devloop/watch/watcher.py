"""The watcher of a project: chooses where events come from, and replaces what fails."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from devloop.config.settings import Watch
from devloop.watch import limits, observer, tree
from devloop.watch.batches import Batch, Batcher, Broken, Reconfigured, Stopped, WatchNotice, Wiring
from devloop.watch.debounce import Seen
from devloop.watch.ignore import Ignores
from devloop.watch.kernel import ExhaustedError
from devloop.watch.observer import EventSource, NoEventsError

STATE = ".devloop"
POLL = 0.5
"""Seconds between two polls where events do not come."""
RESTARTS, PER = 3, 60.0
"""How often in how many seconds a watcher that failed is started again."""


class Watcher:
    """Watches a project until it is stopped.

    ``batch`` gets the sorted differences and the files that were saved with the content that they
    had; ``trouble`` a sentence, and whether watching has ended by it. Both are called from one
    thread of ours.
    """

    def __init__(
        self,
        root: str,
        ignores: Ignores,
        settings: Watch,
        batch: Batch,
        trouble: Callable[[str, bool], None],
    ) -> None:
        self._root = os.path.realpath(root)
        self._ignores = ignores
        self._settings = settings
        self._source: EventSource | None = None
        self._restarts: list[float] = []
        self._stopping = False
        wiring = Wiring(batch, trouble, self._reload, self._mend, self._resettle)
        self._batcher = Batcher(self._root, ignores, settings, wiring)

    def start(self) -> None:
        """Watch: every save after the return is in a batch.

        Raises ``FileNotFoundError`` without a root.
        """
        if not os.path.isdir(self._root):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._root)
        self._open()
        self._batcher.begin()
        self._batcher.start()

    def stop(self) -> None:
        """Stop; no batch is given after the return (from another thread than that of batches)."""
        self._stopping = True
        self._batcher.inbox.put(Stopped())
        if self._batcher.is_alive() and threading.current_thread() is not self._batcher:
            self._batcher.join()
        self._close()

    def reconfigure(self, ignores: Ignores, settings: Watch) -> None:
        """Take other ignores and settings, soon; what they let in is taken as it is."""
        self._batcher.inbox.put(Reconfigured(ignores, settings))

    # called from the thread of the batches

    def _reload(self, ignores: Ignores) -> None:
        self._ignores = ignores
        if self._source is not None:
            try:
                self._source.reload(ignores)
            except ExhaustedError as error:
                self._close()
                self._exhausted(error)

    def _resettle(self, settings: Watch) -> None:
        before, self._settings = self._settings, settings
        if before.poll != settings.poll:
            self._close()
            try:
                self._open()
            except OSError as error:
                self._batcher.inbox.put(Broken(error))
            self._batcher.inbox.put(Seen(folders=("",)))

    def _mend(self, error: Exception) -> bool:
        """Replace a watcher that failed; False if there is nothing to be watched any more."""
        self._close()
        if self._stopping or not os.path.isdir(self._root):
            return False
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < PER] + [now]
        if isinstance(error, ExhaustedError):
            self._exhausted(error)
        elif len(self._restarts) > RESTARTS:
            self._poll(f"the watcher failed {RESTARTS} times ({error})")
        else:
            with suppress(OSError):  # the root may go just now; a poll finds that
                self._open()
        return self._source is not None

    # where events come from

    def _open(self) -> None:
        interval = self._settings.poll
        if interval:
            self._source = observer.polling(self._root, self._batcher.inbox.put, interval)
            return
        try:
            self._source = self._begin()
        except ExhaustedError as error:
            self._exhausted(error)
        except NoEventsError:
            self._poll("this file system raises no events")

    def _begin(self) -> EventSource:
        post = self._batcher.inbox.put
        if sys.platform != "linux":
            return observer.stock(self._root, self._ignores, post)
        state = self._state_folder() if self._settings.poll is None else None
        return observer.native(self._root, self._ignores, post, self._unreadable, state)

    def _exhausted(self, error: ExhaustedError) -> None:
        needed = tree.count_folders(self._root, self._ignores.prunes)
        self._poll(limits.why(error.number, needed))

    def _poll(self, why: str) -> None:
        self._tell(f"{why}; looking every {POLL * 1000:.0f} ms instead")
        self._source = observer.polling(self._root, self._batcher.inbox.put, POLL)

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.end()

    def _unreadable(self, path: str) -> None:
        self._tell(f"{path or '.'} cannot be read, so nothing in it is watched")

    def _tell(self, text: str) -> None:
        self._batcher.inbox.put(WatchNotice(text))

    def _state_folder(self) -> str:
        """Give the folder for the probe, made if it can be."""
        folder = os.path.join(self._root, STATE)
        with suppress(OSError):
            if not os.path.isdir(folder):
                os.mkdir(folder)
            with open(os.path.join(folder, ".gitignore"), "xb") as stream:
                stream.write(b"*\n")
        return folder
