"""inotify on a pruned tree: which paths to look at, never what happened to them.

Law: a folder is watched before it is listed, so nothing falls between; whoever gets a folder told
looks through it afterwards. Events only ever lead to another look at the present state, so a
wrong order or a stale name costs a look and loses nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable

from devloop.watch.debounce import Seen
from devloop.watch.ignore import Ignores
from devloop.watch.kernel import (
    CLOSE_WRITE,
    CREATE,
    DELETE,
    DELETE_SELF,
    IGNORED,
    ISDIR,
    MOVE_SELF,
    MOVED_FROM,
    MOVED_TO,
    OVERFLOW,
    Event,
    Kernel,
)
from devloop.watch.tree import join
from devloop.watch.watches import WatchedFolder, Watches


class Inotify:
    """The watches of a tree. One thread waits and reads; others may wake, reload and close."""

    def __init__(self, root: str, ignores: Ignores, unreadable: Callable[[str], None]) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._kernel = Kernel()
        self.wait = self._kernel.wait
        self.probe = self._kernel.probe
        self._watches = Watches(root, self._kernel, ignores, unreadable)

    def begin(self) -> None:
        """Watch the whole tree.

        Raises ``ExhaustedError``, or ``FileNotFoundError`` without a root.
        """
        with self._lock:
            self._watches.watch_all()
        if self._watches.top.wd < 0:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.root)

    def count(self) -> int:
        """Count the watches."""
        return len(self._watches)

    def wake(self) -> None:
        """End a ``wait``, from any thread."""
        with self._lock:
            self._kernel.wake()

    def close(self) -> None:
        """Release the watches; no thread may be in ``wait``."""
        with self._lock:
            self._kernel.close()

    def reload(self, ignores: Ignores) -> None:
        """Take other ignores: watch what they let in, and no longer what they shut out."""
        with self._lock:
            self._watches.ignores = ignores
            if not self._kernel.closed:
                self._watches.watch_all()

    def read(self) -> Seen:
        """Read what the kernel has; empty if that is nothing of interest."""
        with self._lock:
            events = list(self._kernel.events())
            if any(mask & OVERFLOW for _, mask, _, _ in events):
                return self._recover()
            return self._digest(events)

    # events

    def _recover(self) -> Seen:
        """After dropped events: discard the rest, watch anew, give the whole tree to look at."""
        while any(True for _ in self._kernel.events()):
            pass
        self._watches.watch_all()
        return Seen(folders=("",), gone=self._watches.top.wd < 0)

    def _digest(self, events: list[Event]) -> Seen:
        look = _Look(self.root)
        moves: dict[int, WatchedFolder] = {}  # by cookie: folders on their way within this read
        for wd, mask, cookie, name in events:
            node = self._watches.get(wd)
            if node is None:
                continue
            if mask & ISDIR and name:
                self._folder_event(node, mask, cookie, name, moves, look)
            elif name:
                look.file(join(node.path, name), mask)
            elif mask & (IGNORED | DELETE_SELF | MOVE_SELF):
                self._own_event(node, mask, look)
        for node in moves.values():
            self._watches.forget(node)
        return look.seen()

    def _own_event(self, node: WatchedFolder, mask: int, look: _Look) -> None:
        if node is self._watches.top:
            look.gone = True
        elif mask & IGNORED:
            self._watches.drop(node)

    def _folder_event(
        self,
        node: WatchedFolder,
        mask: int,
        cookie: int,
        name: str,
        moves: dict[int, WatchedFolder],
        look: _Look,
    ) -> None:
        path = join(node.path, name)
        if mask & (DELETE | MOVED_FROM):
            child = node.children.pop(name, None)
            if child is not None and mask & MOVED_FROM:
                moves[cookie] = child
            elif child is not None:
                self._watches.forget(child)
            if child is not None or not self._watches.ignores.prunes(path):
                look.folders.add(path)
        elif mask & (CREATE | MOVED_TO) and not self._watches.ignores.prunes(path):
            moved = moves.pop(cookie, None) if mask & MOVED_TO else None
            if moved is not None and moved not in node.above():
                self._watches.attach(moved, node, name)
            self._watches.watch(node, name, again=moved is not None)
            look.folders.add(path)


class _Look:
    """Collects the paths to look at after one read; several events on a path count once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files: dict[str, bool] = {}
        self.folders: set[str] = set()
        self.gone = False

    def file(self, path: str, mask: int) -> None:
        closed = mask & (CLOSE_WRITE | MOVED_FROM | MOVED_TO | DELETE) != 0
        if closed or not self.files.get(path):
            self.files[path] = closed or (mask & CREATE != 0 and self._whole(path))

    def _whole(self, path: str) -> bool:
        """Say whether a new name is complete at once: a symbolic or a hard link, or gone again."""
        try:
            info = os.lstat(os.path.join(self.root, path))
        except OSError:
            return True
        return stat.S_ISLNK(info.st_mode) or info.st_nlink > 1

    def seen(self) -> Seen:
        return Seen(
            closed=tuple(path for path, closed in self.files.items() if closed),
            open=tuple(path for path, closed in self.files.items() if not closed),
            folders=tuple(self.folders),
            gone=self.gone,
        )
