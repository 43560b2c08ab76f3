"""Which folders are watched: a tree of nodes that follows every rename.

A folder is watched before it is listed, so nothing falls between.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

from devloop.watch.ignore import Ignores
from devloop.watch.kernel import (
    CLOSE_WRITE,
    CREATE,
    DELETE,
    DELETE_SELF,
    DONT_FOLLOW,
    EXCL_UNLINK,
    MODIFY,
    MOVE_SELF,
    MOVED_FROM,
    MOVED_TO,
    ONLYDIR,
    Kernel,
)
from devloop.watch.tree import join

MASK = MODIFY | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
MASK |= ONLYDIR | DONT_FOLLOW | EXCL_UNLINK
"""Never OPEN or CLOSE_NOWRITE: reading a file must not restart anything."""
ROOT_MASK = MASK | DELETE_SELF | MOVE_SELF

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class WatchedFolder:
    """A watched folder; its path is that of its parents, so a rename touches one node."""

    __slots__ = ("children", "name", "parent", "wd")

    def __init__(self, name: str, parent: WatchedFolder | None) -> None:
        self.name = name
        self.parent = parent
        self.wd = -1
        self.children: dict[str, WatchedFolder] = {}

    @property
    def path(self) -> str:
        """Its path relative to the root."""
        return "/".join(reversed([node.name for node in self.above() if node.parent]))

    def above(self) -> Iterator[WatchedFolder]:
        """Give this node and all above, the root last."""
        node: WatchedFolder | None = self
        while node is not None:
            yield node
            node = node.parent

    def below(self) -> Iterator[WatchedFolder]:
        """Give this node and all below."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo += node.children.values()


class Watches:
    """The watched folders below a root. Methods raise ``ExhaustedError``."""

    def __init__(
        self, root: str, kernel: Kernel, ignores: Ignores, unreadable: Callable[[str], None]
    ) -> None:
        self.ignores = ignores
        self.top = WatchedFolder("", None)
        self._root = root
        self._kernel = kernel
        self._unreadable = unreadable
        self._told: set[str] = set()
        self._nodes: dict[int, WatchedFolder] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, wd: int) -> WatchedFolder | None:
        """Give the node that has a watch."""
        return self._nodes.get(wd)

    def drop(self, node: WatchedFolder) -> None:
        """Note that the kernel took a node's watch away."""
        self._nodes.pop(node.wd, None)

    def watch_all(self) -> None:
        """Watch the tree anew; a folder that is watched already keeps its watch."""
        before, self._nodes = self._nodes, {}
        self.top = WatchedFolder("", None)
        self._watch_below(self.top)
        for wd in before.keys() - self._nodes.keys():
            self._kernel.remove(wd)

    def watch(self, parent: WatchedFolder, name: str, *, again: bool) -> None:
        """Watch a folder and all below; one found by an earlier scan only if ``again``."""
        node = parent.children.get(name)
        if node is not None and not again and self._same(node):
            return
        if node is None:
            node = parent.children[name] = WatchedFolder(name, parent)
        self._watch_below(node)

    def _watch_below(self, top: WatchedFolder) -> None:
        todo = [top]
        replaced: list[WatchedFolder] = []
        while todo:
            node = todo.pop()
            path = node.path
            full = os.path.join(self._root, path) if path else self._root
            if not self._register(node, path, full, replaced):
                continue
            found = {
                name: node.children.get(name) or WatchedFolder(name, node)
                for name in self._folders(path, full)
            }
            for name in node.children.keys() - found.keys():
                self.forget(node.children[name])
            node.children = found
            todo += found.values()
        for node in replaced:
            self.forget(node)

    def _same(self, node: WatchedFolder) -> bool:
        """Say whether a node's watch is still the one of the folder at its place."""
        try:
            return self._kernel.add(os.path.join(self._root, node.path), MASK) == node.wd
        except OSError:
            return False

    def _register(
        self, node: WatchedFolder, path: str, full: str, replaced: list[WatchedFolder]
    ) -> bool:
        """Watch one folder; False if it is gone or may not be watched.

        A node that had its watch, since the folder was moved meanwhile, joins ``replaced``.
        """
        try:
            wd = self._kernel.add(full, ROOT_MASK if node is self.top else MASK)
        except OSError as error:
            self._detach(node)
            self.forget(node)
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
                    and not self.ignores.prunes(join(path, entry.name))
                ]
        except OSError as error:
            if error.errno not in GONE:
                self._tell_unreadable(path)
            return []

    def _tell_unreadable(self, path: str) -> None:
        if path not in self._told:
            self._told.add(path)
            self._unreadable(path)

    def attach(self, node: WatchedFolder, parent: WatchedFolder, name: str) -> None:
        """Put a folder that was renamed in its new place, with all its watches."""
        replaced = parent.children.get(name)
        if replaced is not None and replaced is not node:
            self.forget(replaced)
        node.name, node.parent = name, parent
        parent.children[name] = node

    def _detach(self, node: WatchedFolder) -> None:
        if node.parent is not None and node.parent.children.get(node.name) is node:
            del node.parent.children[node.name]

    def forget(self, top: WatchedFolder) -> None:
        """Release the watches of a folder and of all folders below it."""
        for node in top.below():
            if self._nodes.get(node.wd) is node:
                del self._nodes[node.wd]
                self._kernel.remove(node.wd)
