"""What is watched: each service's folder once, and the files that Compose reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from devloop.compose.files import FILES, OVERRIDES
from devloop.config.settings import Watch
from devloop.loop.source import Batch, Source
from devloop.model import Change
from devloop.project import inspect
from devloop.watch import tree
from devloop.watch.folder import SharedFolder, Subscription

if TYPE_CHECKING:
    from devloop.compose.command import Compose

Trouble = Callable[[str, bool], None]


class Watching:
    """Watches folders; used by the loop's thread. Without ``compose`` it is one app's folder.

    ``post`` gets batches, ``compose_saved`` is called for a file that Compose may read.
    """

    def __init__(
        self,
        post: Callable[[Batch], None],
        trouble: Trouble,
        compose: Compose | None = None,
        compose_saved: Callable[[], None] = lambda: None,
    ) -> None:
        self._post = post
        self._trouble = trouble
        self._compose = compose
        self._compose_saved = compose_saved
        self._folders: dict[str, SharedFolder] = {}
        self._files: Subscription | None = None

    def watch(self, source: Source) -> None:
        """Watch a service's folder: no save after the return is lost."""
        root, settings = source.project.root, source.inspection.config.watch

        def took(changes: tuple[Change, ...], unchanged: tuple[str, ...]) -> None:
            changes = tuple(one for one in changes if not self._for_compose(root, one))
            if changes or unchanged:
                self._post(Batch(source.name, changes, unchanged))

        ignores = inspect.ignores(root, source.inspection)
        source.watching = Subscription(self._folder(root, settings), ignores, took)
        source.watching.start()

    def watch_compose(self, contexts: Iterable[str], settings: Watch) -> None:
        """Watch what Compose reads; what is below a build context is watched for that anyway."""
        if self._compose is None:
            return
        root = self._compose.folder
        below = (os.path.relpath(path, root) for path in sorted(contexts))
        pruned = tuple(path for path in below if not path.startswith("."))
        ignores = tree.load_ignores(root, pruned, (*FILES, *OVERRIDES, ".env"))

        def took(changes: tuple[Change, ...], _unchanged: tuple[str, ...]) -> None:
            for one in changes:
                self._for_compose(root, one)

        self._files = Subscription(self._folder(root, settings), ignores, took)
        self._files.start()

    def stop(self) -> None:
        """Watch what Compose reads no more."""
        if self._files:
            self._files.stop()

    def _folder(self, root: str, settings: Watch) -> SharedFolder:
        if root not in self._folders:
            self._folders[root] = SharedFolder(root, settings, self._trouble)
        return self._folders[root]

    def _for_compose(self, root: str, change: Change) -> bool:
        """Have Compose read again if a change is of what it reads; says whether it is."""
        if self._compose is None:
            return False
        path = os.path.relpath(os.path.join(root, change.path), self._compose.folder)
        found = self._compose.reads(path)
        if found:
            self._compose_saved()
        return found
