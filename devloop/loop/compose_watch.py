"""What is watched of a Compose project: the build contexts, and the files that Compose reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from devloop.compose.command import FILES, OVERRIDES, Compose
from devloop.config.settings import Watch
from devloop.loop.driver import Batch
from devloop.model import Change
from devloop.project import inspect as looks
from devloop.project.state import Picture
from devloop.watch import tree
from devloop.watch.folder import Folder, Subscription

Trouble = Callable[[str, bool], None]


class Lookout:
    """Watches each folder once; ``saved`` is called for a file that Compose may read."""

    def __init__(self, compose: Compose, watch: Watch, saved: Callable[[], None]) -> None:
        self._compose = compose
        self._watch = watch
        self._saved = saved
        self._folders: dict[str, Folder] = {}
        self._files: Subscription | None = None

    def look_at_files(self, contexts: Iterable[str], trouble: Trouble) -> None:
        """Watch what Compose reads; what is below a build context is watched for that anyway."""
        root = self._compose.folder
        below = (os.path.relpath(path, root) for path in sorted(contexts))
        pruned = tuple(path for path in below if not path.startswith("."))
        ignores = tree.load_ignores(root, pruned, (*FILES, *OVERRIDES, ".env"))

        def took(changes: tuple[Change, ...], _unchanged: tuple[str, ...]) -> None:
            for one in changes:
                self._for_compose(root, one)

        self._files = Subscription(self._folder(root, trouble), ignores, took)
        self._files.start()

    def stop(self) -> None:
        """Watch what Compose reads no more."""
        if self._files:
            self._files.stop()

    def watching(
        self, root: str, picture: Picture, post: Callable[[Batch], None], trouble: Trouble
    ) -> Subscription:
        """Give a loop its watcher of a build context."""

        def took(changes: tuple[Change, ...], unchanged: tuple[str, ...]) -> None:
            changes = tuple(one for one in changes if not self._for_compose(root, one))
            if changes or unchanged:
                post(Batch(changes, unchanged))

        return Subscription(self._folder(root, trouble), looks.ignores(root, picture), took)

    def _folder(self, root: str, trouble: Trouble) -> Folder:
        if root not in self._folders:
            self._folders[root] = Folder(root, self._watch, trouble)
        return self._folders[root]

    def _for_compose(self, root: str, change: Change) -> bool:
        """Have Compose read again if a change is of what it reads; says whether it is."""
        path = os.path.relpath(os.path.join(root, change.path), self._compose.folder)
        found = self._compose.reads(path)
        if found:
            self._saved()
        return found
