"""inotify on a pruned tree: which paths to look at, never what happened to them.

Law: a folder is watched before it is listed, so nothing falls between; whoever gets a folder told
looks through it afterwards. Events only ever lead to another look at the present state, so a
wrong order or a stale name costs a look and loses nothing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from devloop.watch.debounce import Seen
from devloop.watch.ignore import Ignores
from devloop.watch.tree import join

MODIFY, CLOSE_WRITE = 0x2, 0x8
MOVED_FROM, MOVED_TO = 0x40, 0x80
CREATE, DELETE = 0x100, 0x200
DELETE_SELF, MOVE_SELF = 0x400, 0x800
OVERFLOW, IGNORED, ISDIR = 0x4000, 0x8000, 0x40000000
ONLYDIR, DONT_FOLLOW, EXCL_UNLINK = 0x1000000, 0x2000000, 0x4000000

MASK = MODIFY | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
MASK |= ONLYDIR | DONT_FOLLOW | EXCL_UNLINK
"""Never OPEN or CLOSE_NOWRITE: reading a file must not restart anything."""
ROOT_MASK = MASK | DELETE_SELF | MOVE_SELF

HEADER = struct.Struct("iIII")
BUFFER = 1 << 16
PROBE_WAIT_MS = 1000

LIMITS = (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class ExhaustedError(Exception):
    """The kernel gives no more watches; ``number`` is the errno."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Node:
    """A watched folder; its path is that of its parents, so a rename touches one node."""

    __slots__ = ("children", "name", "parent", "wd")

    def __init__(self, name: str, parent: Node | None) -> None:
        self.name = name
        self.parent = parent
        self.wd = -1
        self.children: dict[str, Node] = {}

    @property
    def path(self) -> str:
        """Its path relative to the root."""
        return "/".join(reversed([node.name for node in self.above() if node.parent]))

    def above(self) -> Iterator[Node]:
        """Give this node and all above, the root last."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def below(self) -> Iterator[Node]:
        """Give this node and all below."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo += node.children.values()


class Inotify:
    """The watches of a tree. One thread waits and reads; others may wake, reload and close."""

    def __init__(self, root: str, ignores: Ignores, unreadable: Callable[[str], None]) -> None:
        self.root = root
        self._ignores = ignores
        self._unreadable = unreadable
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._call(self._libc.inotify_init1, os.O_NONBLOCK | os.O_CLOEXEC)
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._wake_read, select.POLLIN)
        self._top = Node("", None)
        self._nodes: dict[int, Node] = {}

    def begin(self) -> None:
        """Watch the whole tree. Raises ``ExhaustedError``, ``OSError`` if the root is gone."""
        with self._lock:
            self._watch_all()
        if self._top.wd < 0:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.root)

    def count(self) -> int:
        """Count the watches."""
        return len(self._nodes)

    def wait(self) -> bool:
        """Block until there is something to read; False if woken by ``wake``."""
        ready = self._poll.poll()
        return all(fd != self._wake_read for fd, _ in ready)

    def wake(self) -> None:
        """End a ``wait``, from any thread."""
        with self._lock:
            if not self._closed:
                os.write(self._wake_write, b"x")

    def close(self) -> None:
        """Give the watches back; nobody may be waiting."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for fd in (self._fd, self._wake_read, self._wake_write):
                    os.close(fd)

    def reload(self, ignores: Ignores) -> None:
        """Take other ignores: watch what they let in, and no longer what they shut out."""
        with self._lock:
            self._ignores = ignores
            if not self._closed:
                self._watch_all()

    def probe(self, folder: str) -> bool:
        """Say whether a file written in a folder (absolute) raises an event.

        True as well where nothing can be written: then there is nothing to find out.
        """
        try:
            wd = self._add(folder, MASK)
            path = os.path.join(folder, f"probe-{os.getpid()}")
            with open(path, "wb"):
                pass
        except OSError:
            return True
        try:
            return self._hears(wd)
        finally:
            self._remove(wd)
            with suppress(OSError):
                os.unlink(path)

    def read(self) -> Seen:
        """Read what the kernel has; empty if that is nothing of interest."""
        with self._lock:
            events = list(self._events())
            if any(mask & OVERFLOW for _, mask, _, _ in events):
                return self._recover()
            return self._digest(events)

    # events

    def _events(self) -> Iterator[tuple[int, int, int, str]]:
        """Read once: watch, mask, cookie and name."""
        try:
            raw = os.read(self._fd, BUFFER)
        except BlockingIOError:
            return
        at = 0
        while at < len(raw):
            wd, mask, cookie, length = HEADER.unpack_from(raw, at)
            at += HEADER.size
            name = os.fsdecode(raw[at : at + length].rstrip(b"\0")) if length else ""
            at += length
            yield wd, mask, cookie, name

    def _recover(self) -> Seen:
        """Events were dropped: take the rest away, watch anew and have all looked through."""
        while any(True for _ in self._events()):
            pass
        self._watch_all()
        return Seen(folders=("",), gone=self._top.wd < 0)

    def _digest(self, events: list[tuple[int, int, int, str]]) -> Seen:
        look = _Look(self.root)
        moves: dict[int, Node] = {}  # by cookie: folders on their way within this read
        for wd, mask, cookie, name in events:
            node = self._nodes.get(wd)
            if node is None:
                continue
            if mask & ISDIR and name:
                self._folder_event(node, mask, cookie, name, moves, look)
            elif name:
                look.file(join(node.path, name), mask)
            elif mask & (IGNORED | DELETE_SELF | MOVE_SELF):
                self._own_event(node, mask, look)
        for node in moves.values():
            self._forget(node)
        return look.seen()

    def _own_event(self, node: Node, mask: int, look: _Look) -> None:
        if node is self._top:
            look.gone = True
        elif mask & IGNORED:
            self._nodes.pop(node.wd, None)

    def _folder_event(
        self, node: Node, mask: int, cookie: int, name: str, moves: dict[int, Node], look: _Look
    ) -> None:
        path = join(node.path, name)
        if mask & (DELETE | MOVED_FROM):
            child = node.children.pop(name, None)
            if child is not None and mask & MOVED_FROM:
                moves[cookie] = child
            elif child is not None:
                self._forget(child)
            if child is not None or not self._ignores.prunes(path):
                look.folders.add(path)
        elif mask & (CREATE | MOVED_TO) and not self._ignores.prunes(path):
            moved = moves.pop(cookie, None) if mask & MOVED_TO else None
            if moved is not None and moved not in node.above():
                self._attach(moved, node, name)
            self._watch(node, name, again=moved is not None)
            look.folders.add(path)

    # watches

    def _watch_all(self) -> None:
        """Watch the tree anew; a folder that is watched already keeps its watch."""
        before, self._nodes = self._nodes, {}
        self._top = Node("", None)
        self._watch_below(self._top)
        for wd in before.keys() - self._nodes.keys():
            self._remove(wd)

    def _watch(self, parent: Node, name: str, *, again: bool) -> None:
        """Watch a folder and all below; one found by an earlier scan only if ``again``."""
        node = parent.children.get(name)
        if node is not None and not again and self._same(node):
            return
        if node is None:
            node = parent.children[name] = Node(name, parent)
        self._watch_below(node)

    def _watch_below(self, top: Node) -> None:
        todo = [top]
        replaced: list[Node] = []
        while todo:
            node = todo.pop()
            path = node.path
            full = os.path.join(self.root, path) if path else self.root
            if not self._register(node, path, full, replaced):
                continue
            found = {
                name: node.children.get(name) or Node(name, node)
                for name in self._folders(path, full)
            }
            for name in node.children.keys() - found.keys():
                self._forget(node.children[name])
            node.children = found
            todo += found.values()
        for node in replaced:
            self._forget(node)

    def _same(self, node: Node) -> bool:
        """Say whether a node's watch is still the one of the folder at its place."""
        try:
            return self._add(os.path.join(self.root, node.path), MASK) == node.wd
        except OSError:
            return False

    def _register(self, node: Node, path: str, full: str, replaced: list[Node]) -> bool:
        """Watch one folder; False if it is gone or may not be watched.

        A node that had its watch, since the folder was moved meanwhile, joins ``replaced``.
        """
        try:
            wd = self._add(full, ROOT_MASK if node is self._top else MASK)
        except OSError as error:
            self._detach(node)
            self._forget(node)
            if error.errno not in GONE:
                self._tell_unreadable(path)
            return False
        known = self._nodes.get(wd)
        if known is not None and known is not node:
            self._detach(known)
            replaced.append(known)
        if self._nodes.get(node.wd) is node:
            del self._nodes[node.wd]
        node.wd = wd
        self._nodes[wd] = node
        return True

    def _folders(self, path: str, full: str) -> list[str]:
        try:
            with os.scandir(full) as entries:
                return [
                    entry.name
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False)
                    and not self._ignores.prunes(join(path, entry.name))
                ]
        except OSError as error:
            if error.errno not in GONE:
                self._tell_unreadable(path)
            return []

    def _tell_unreadable(self, path: str) -> None:
        if path not in self._told:
            self._told.add(path)
            self._unreadable(path)

    def _attach(self, node: Node, parent: Node, name: str) -> None:
        replaced = parent.children.get(name)
        if replaced is not None and replaced is not node:
            self._forget(replaced)
        node.name, node.parent = name, parent
        parent.children[name] = node

    def _detach(self, node: Node) -> None:
        if node.parent is not None and node.parent.children.get(node.name) is node:
            del node.parent.children[node.name]

    def _forget(self, top: Node) -> None:
        """Give up the watches of a folder that left its place."""
        for node in top.below():
            if self._nodes.get(node.wd) is node:
                del self._nodes[node.wd]
                self._remove(node.wd)

    # the kernel

    def _add(self, full: str, mask: int) -> int:
        return self._call(self._libc.inotify_add_watch, self._fd, os.fsencode(full), mask)

    def _remove(self, wd: int) -> None:
        self._libc.inotify_rm_watch(self._fd, wd)

    def _call(self, function: Callable[..., int], *arguments: object) -> int:
        result = function(*arguments)
        if result >= 0:
            return result
        number = ctypes.get_errno()
        if number == errno.EINTR:
            return self._call(function, *arguments)
        if number in LIMITS:
            raise ExhaustedError(number)
        raise OSError(number, os.strerror(number))

    def _hears(self, wd: int) -> bool:
        """Wait for an event of one watch; others tell of looks that the begin takes anyway."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while poll.poll(PROBE_WAIT_MS):
            if any(one == wd for one, _, _, _ in self._events()):
                return True
        return False


class _Look:
    """What one read asks for; several events on a path are one."""

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
        """Say whether a new name needs no writer: a link of either kind."""
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
