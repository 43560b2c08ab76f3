"""What the files were like when last looked at, so that a batch is a difference of states.

Files in folders that are not pruned are known by their stat from the start, and by the hash of
their content as soon as there was time to read them. One thread owns a snapshot.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from devloop.model import Change, ChangeKind
from devloop.watch import files
from devloop.watch.ignore import Ignores
from devloop.watch.tree import join

RACY = 50_000_000
"""Nanoseconds: a file may change again without a new time stamp while the last is this young."""
LATER = 1.0
"""Seconds after which files that were too young are tried again."""
AT_ONCE = 200
"""New files that are read before a batch is given; the rest is left to the background."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file or link; ``digest`` None: not read, ``racy``: the stamp does not prove sameness."""

    stamp: files.Stamp
    digest: bytes | None
    racy: bool


@dataclass(slots=True)
class TreeFolder:
    """A folder that is looked at."""

    files: dict[str, TreeEntry] = field(default_factory=dict)
    folders: dict[str, TreeFolder] = field(default_factory=dict)


class TreeSnapshot:
    """The state of a tree; every look takes the new state over and says what differs."""

    def __init__(
        self, root: str, ignores: Ignores, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.root = root
        self._clock = clock
        self._top = TreeFolder()
        self._changes: dict[str, ChangeKind] = {}
        self._to_read = 0
        self._unread: list[tuple[int, str]] | None = None
        self._young: list[tuple[int, str]] = []
        self._take(ignores)

    def begin(self) -> None:
        """Take the tree as it is; no file is read yet."""
        self._top = TreeFolder()
        self._take(self._ignores)
        for folder, path, found, folders in self._listings(self._top, ""):
            folder.files = {name: self._entry(info, None) for name, info in found.items()}
            folder.folders = {
                name: TreeFolder() for name in folders if not self._ignores.prunes(join(path, name))
            }

    def look(
        self, paths: Iterable[str], folders: Iterable[str] = ()
    ) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """Look at files and through folders.

        Gives the sorted differences, and those of ``paths`` whose content is what it was.
        """
        self._to_read = AT_ONCE
        for path in sorted(folders, key=len):
            self._look_through(path)
        just_seen = set(self._changes)
        same = [path for path in sorted(paths) if path not in just_seen and self._look_at(path)]
        return self._given(), tuple(same)

    def reload(self, ignores: Ignores) -> tuple[Change, ...]:
        """Take other ignores; what they let in is taken as it is, other differences are given."""
        before = self._ignored
        self._take(ignores)
        self._look_through("")
        changes = self._given()
        return tuple(change for change in changes if not before(change.path))

    def fill(self) -> float | None:
        """Read one more file in the background, small ones first.

        Gives the seconds after which to call again, None if all are read. While an event waits
        for a look this must not be called: the content that it tells of would be taken as known.
        """
        if self._unread is None:
            self._unread, self._young = sorted(self._all_unread(), reverse=True), []
        while self._unread:
            if self._fill(self._unread.pop()[1]):
                return 0.0
        self._unread, self._young = self._young, []
        return LATER if self._unread else None

    def count(self) -> int:
        """Count the files."""
        return sum(len(folder.files) for folder, _ in self._below(self._top, ""))

    def _take(self, ignores: Ignores) -> None:
        self._ignores = ignores
        self._ignored = lru_cache(maxsize=1 << 16)(ignores.ignored)
        self._unread = None
        self._young = []

    def _given(self) -> tuple[Change, ...]:
        found = tuple(Change(path, kind) for path, kind in sorted(self._changes.items()))
        self._changes = {}
        return found

    # files

    def _look_at(self, path: str) -> bool:
        """Look at one file; True if it is there with the same content as before."""
        above, _, name = path.rpartition("/")
        folder = self._folder(above)
        if folder is None:
            self._look_through(self._first_unknown(above))
            return False
        return self._compare(folder, path, name, files.look(self._full(path)))

    def _compare(
        self, folder: TreeFolder, path: str, name: str, info: os.stat_result | None
    ) -> bool:
        before = folder.files.get(name)
        if info is None:
            if before is not None:
                del folder.files[name]
                self._tell(path, ChangeKind.DELETED)
            return False
        digest = self._read(path, info, known=before is not None)
        folder.files[name] = self._entry(info, digest)
        if before is None:
            self._tell(path, ChangeKind.CREATED)
        elif digest is None or digest != before.digest:
            self._tell(path, ChangeKind.MODIFIED)
        else:
            return True
        return False

    def _read(self, path: str, info: os.stat_result, *, known: bool) -> bytes | None:
        """Hash a file that an event told of, unless it is one of very many new ones."""
        if self._ignored(path):
            return None
        if not known and self._to_read <= 0:
            self._unread = None
            return None
        self._to_read -= not known
        return files.digest(self._full(path), info)

    def _tell(self, path: str, kind: ChangeKind) -> None:
        if self._ignored(path):
            return
        known = self._changes.get(path)
        if known is ChangeKind.DELETED and kind is ChangeKind.CREATED:
            kind = ChangeKind.MODIFIED
        if known is ChangeKind.CREATED and kind is ChangeKind.DELETED:
            del self._changes[path]
        elif known is not ChangeKind.CREATED:
            self._changes[path] = kind

    def _entry(self, info: os.stat_result, digest: bytes | None) -> TreeEntry:
        return TreeEntry(files.stamp(info), digest, self._age(info) < RACY)

    def _age(self, info: os.stat_result) -> int:
        return self._clock() - max(info.st_ctime_ns, info.st_mtime_ns)

    # folders

    def _look_through(self, path: str) -> None:
        """Look at every file that is below a folder now or was at the last look."""
        above, _, name = path.rpartition("/")
        parent = self._folder(above) if path else None
        if path and parent is None:
            self._look_through(self._first_unknown(above))
            return
        if path and parent is not None:
            if self._ignores.prunes(path) or not files.is_folder(self._full(path)):
                self._drop(parent, path, name)
                return
            start = parent.folders.setdefault(name, TreeFolder())
        else:
            start = self._top
        for folder, here, found, names in self._listings(start, path):
            self._update(folder, here, found, names)

    def _update(
        self, folder: TreeFolder, here: str, found: dict[str, os.stat_result], names: list[str]
    ) -> None:
        for name in folder.files.keys() - found.keys():
            self._compare(folder, join(here, name), name, None)
        for name, info in found.items():
            entry = folder.files.get(name)
            if entry is None or entry.stamp != files.stamp(info) or (entry.racy and entry.digest):
                self._compare(folder, join(here, name), name, info)
        wanted = {name for name in names if not self._ignores.prunes(join(here, name))}
        for name in folder.folders.keys() - wanted:
            self._drop(folder, join(here, name), name)
        for name in wanted - folder.folders.keys():
            folder.folders[name] = TreeFolder()

    def _drop(self, parent: TreeFolder, path: str, name: str) -> None:
        folder = parent.folders.pop(name, None)
        if folder is not None:
            for one, here in self._below(folder, path):
                for file in one.files:
                    self._tell(join(here, file), ChangeKind.DELETED)

    def _listings(
        self, start: TreeFolder, path: str
    ) -> Iterator[tuple[TreeFolder, str, dict[str, os.stat_result], list[str]]]:
        """List folder after folder; those that the receiver puts into one follow.

        An unreadable folder stays as it was known.
        """
        todo = [(start, path)]
        while todo:
            folder, here = todo.pop()
            try:
                found, names = files.listing(self._full(here))
            except (FileNotFoundError, NotADirectoryError):
                found, names = {}, []
            except OSError:
                continue
            yield folder, here, found, names
            todo += [(inner, join(here, name)) for name, inner in folder.folders.items()]

    def _folder(self, path: str) -> TreeFolder | None:
        folder: TreeFolder | None = self._top
        for name in path.split("/") if path else ():
            folder = folder.folders.get(name) if folder is not None else None
        return folder

    def _first_unknown(self, path: str) -> str:
        parts = path.split("/")
        known = (end for end in range(1, len(parts)) if self._folder("/".join(parts[:end])) is None)
        return "/".join(parts[: next(known, len(parts))])

    def _below(self, folder: TreeFolder, path: str) -> Iterator[tuple[TreeFolder, str]]:
        todo = [(folder, path)]
        while todo:
            one, here = todo.pop()
            yield one, here
            todo += [(inner, join(here, name)) for name, inner in one.folders.items()]

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    # background

    def _all_unread(self) -> Iterator[tuple[int, str]]:
        for folder, here in self._below(self._top, ""):
            for name, entry in folder.files.items():
                path = join(here, name)
                size = entry.stamp[3]
                if entry.digest is None and size <= files.MAX_HASHED and not self._ignored(path):
                    yield size, path

    def _fill(self, path: str) -> bool:
        """Read a file that still is what its stamp says: else an event is on its way."""
        above, _, name = path.rpartition("/")
        folder = self._folder(above)
        entry = folder.files.get(name) if folder is not None else None
        if folder is None or entry is None or entry.digest is not None:
            return False
        full = self._full(path)
        info = files.look(full)
        if info is None or files.stamp(info) != entry.stamp:
            return False
        if self._age(info) < RACY:
            self._young += [(info.st_size, path)] if self._age(info) > -RACY else []
            return False
        digest, after = files.digest(full, info), files.look(full)
        if after is not None and files.stamp(after) == entry.stamp:
            folder.files[name] = TreeEntry(entry.stamp, digest, racy=False)
        return True
