"""A watcher under test: batches are kept, and a sentinel file says that all before was seen."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from devloop.config.settings import Watch
from devloop.model import Change, ChangeKind
from devloop.watch import tree
from devloop.watch.ignore import Ignores
from devloop.watch.watcher import Watcher

PATIENCE = 30
"""Seconds after which a test gives up; nothing waits for this long when all is well."""
NOW = Watch(quiet=0.0)


class Eye:
    """Collects what a watcher tells about a folder."""

    def __init__(self, root: Path, settings: Watch = NOW, ignores: Ignores | None = None) -> None:
        self.root = root
        self.batches: SimpleQueue[tuple[tuple[Change, ...], tuple[str, ...]]] = SimpleQueue()
        self.troubles: SimpleQueue[tuple[str, bool]] = SimpleQueue()
        self.unchanged: set[str] = set()
        self.contents: dict[str, bytes | None] = {}
        self.known = set(tree.walk(str(root), lambda _: False))
        ignores = ignores if ignores is not None else tree.load_ignores(str(root))
        self._sentinels = 0
        self._outside = root.parent / f"{root.name}-outside"
        self._outside.mkdir(exist_ok=True)
        self.watcher = Watcher(str(root), ignores, settings, self._batch, self._trouble)

    def _batch(self, changes: tuple[Change, ...], unchanged: tuple[str, ...]) -> None:
        for path in (*(change.path for change in changes), *unchanged):
            self.contents[path] = content(self.root / path)  # maybe that of a save under way
        self.batches.put((changes, unchanged))

    def _trouble(self, text: str, fatal: bool) -> None:
        self.troubles.put((text, fatal))

    def next(self) -> tuple[Change, ...]:
        """Wait for the next batch."""
        changes, unchanged = self.batches.get(timeout=PATIENCE)
        self._judge(changes)
        self.unchanged.update(unchanged)
        return changes

    def trouble(self) -> tuple[str, bool]:
        """Wait for the next sentence."""
        return self.troubles.get(timeout=PATIENCE)

    def seen(self) -> dict[str, str]:
        """Give all that happened up to now: the last kind of each path, the sentinel left out."""
        name = self.put_sentinel()
        found: dict[str, str] = {}
        while name not in found:
            for change in self.next():
                fold(found, change)
        del found[name]
        return {path: kind for path, kind in found.items() if not path.startswith("zz-sentinel")}

    def put_sentinel(self) -> str:
        """Put a file into the tree at once and whole, as the last thing that happens."""
        self._sentinels += 1
        name = f"zz-sentinel-{self._sentinels}"
        source = self._outside / name
        source.write_bytes(name.encode())
        os.rename(source, self.root / name)
        return name

    def _judge(self, changes: tuple[Change, ...]) -> None:
        """Hold each change against what was told before: a batch is a difference of states."""
        assert list(changes) == sorted(changes)
        for change in changes:
            if change.kind is ChangeKind.CREATED:
                assert change.path not in self.known, change
                self.known.add(change.path)
            else:
                assert change.path in self.known, change
            if change.kind is ChangeKind.DELETED:
                self.known.discard(change.path)


def fold(found: dict[str, str], change: Change) -> None:
    """Add a later change to what is found on a path, so that two batches count as one."""
    both = found.pop(change.path, None), change.kind.value
    if both == ("deleted", "created"):
        found[change.path] = "modified"
    elif both == ("created", "modified"):
        found[change.path] = "created"
    elif both != ("created", "deleted"):
        found[change.path] = change.kind.value


@contextmanager
def watching(root: Path, settings: Watch = NOW, ignores: Ignores | None = None) -> Iterator[Eye]:
    """Watch a folder; every thread is gone afterwards."""
    before = set(threading.enumerate())
    eye = Eye(root, settings, ignores)
    eye.watcher.start()
    try:
        yield eye
    finally:
        eye.watcher.stop()
    left = [one for one in threading.enumerate() if one not in before]
    assert left == []


def content(path: Path) -> bytes | None:
    """Read what a file or link says, None if there is none."""
    try:
        if path.is_symlink():
            return os.readlink(os.fsencode(path))
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # never a pipe
            return stream.read() if path.is_file() else None
    except OSError:
        return None


def put(root: Path, *paths: str, text: str = "") -> None:
    """Write files, with their folders."""
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text or path)
