"""Where events come from: the only door to watchdog.

On Linux our own emitter on inotify (``devloop.watch.inotify``), elsewhere watchdog's own observer,
and polling on request. All of them only say where to look (``Seen``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias, cast

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventEmitter, EventQueue, ObservedWatch

from devloop.watch.batches import Broken
from devloop.watch.debounce import Seen
from devloop.watch.ignore import Ignores
from devloop.watch.inotify import Inotify

Post: TypeAlias = Callable[[Seen | Broken], None]

STOCK_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]


class Source(Protocol):
    """A running watcher."""

    def reload(self, ignores: Ignores) -> None:
        """Take other ignores before returning. Raises ``ExhaustedError``."""

    def end(self) -> None:
        """Stop and give everything back."""


class DeafError(Exception):
    """The file system raises no events."""


def native(
    root: str, ignores: Ignores, post: Post, unreadable: Callable[[str], None], state: str | None
) -> Source:
    """Watch with inotify; all that is saved after the return is posted.

    ``state`` is a folder for a probe file, None for no self-test. Raises ``DeafError``,
    ``ExhaustedError``, ``OSError`` without a root.
    """
    return _Ours(root, post, partial(_Inotify, ignores=ignores, told=unreadable, state=state))


def polling(root: str, post: Post, interval: float) -> Source:
    """Have the whole tree looked through again and again, every so many seconds."""
    return _Ours(root, post, partial(_Poll, interval=interval))


def stock(root: str, ignores: Ignores, post: Post) -> Source:
    """Watch with what watchdog has for this system; it recurses in the kernel."""
    return _Stock(root, ignores, post)


class _Told(FileSystemEvent):
    """What one of our emitters says; none equals another, or the queue would drop it."""

    event_type = "told"
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, root: str, item: Seen | Broken) -> None:
        super().__init__(root)
        self.item = item


class _Handler(FileSystemEventHandler):
    def __init__(self, translate: Callable[[Any], Seen | Broken], post: Post) -> None:
        self._translate = translate
        self._post = post

    def dispatch(self, event: FileSystemEvent) -> None:
        item = self._translate(event)
        if item:
            self._post(item)


class _Emitter(EventEmitter):
    """An emitter that tells of its own death; the arguments are those of watchdog."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - told and judged by the owner
            self._say(Broken(error))
        finally:
            self.release()

    def release(self) -> None:
        """Give back what the emitter holds."""

    def reload(self, ignores: Ignores) -> None:
        """Take other ignores; most have none."""

    def _say(self, item: Seen | Broken) -> None:
        self.queue_event(_Told(self.watch.path, item))


class _Inotify(_Emitter):
    def __init__(
        self,
        event_queue: EventQueue,
        watch: ObservedWatch,
        *,
        ignores: Ignores,
        told: Callable[[str], None],
        state: str | None,
        **_options: object,
    ) -> None:
        super().__init__(event_queue, watch)
        self._kernel = Inotify(self.watch.path, ignores, told)
        self._state = state

    def on_thread_start(self) -> None:
        try:
            self._begin()
        except BaseException:
            self._kernel.close()
            raise

    def _begin(self) -> None:
        if self._state is not None and not self._kernel.probe(self._state):
            raise DeafError
        self._kernel.begin()

    def on_thread_stop(self) -> None:
        self._kernel.wake()

    def queue_events(self, timeout: float) -> None:  # noqa: ARG002 - an idle watcher sleeps
        if self._kernel.wait():
            seen = self._kernel.read()
            if seen:
                self._say(seen)

    def release(self) -> None:
        self._kernel.close()

    def reload(self, ignores: Ignores) -> None:
        self._kernel.reload(ignores)


class _Poll(_Emitter):
    def __init__(
        self, event_queue: EventQueue, watch: ObservedWatch, *, interval: float, **_options: object
    ) -> None:
        super().__init__(event_queue, watch)
        self._interval = interval

    def queue_events(self, timeout: float) -> None:  # noqa: ARG002 - the interval is ours
        if not self.stopped_event.wait(self._interval):
            self._say(Seen(folders=("",), gone=not os.path.isdir(self.watch.path)))


class _Ours(BaseObserver):
    """Carries what one emitter of ours says to the owner."""

    def __init__(self, root: str, post: Post, emitter: Callable[..., _Emitter]) -> None:
        super().__init__(cast("type[EventEmitter]", emitter))
        self._post = post
        self.schedule(_Handler(lambda event: event.item, post), root, recursive=True)
        self.start()

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - told and judged by the owner
            self._post(Broken(error))

    def reload(self, ignores: Ignores) -> None:
        for emitter in self.emitters:
            cast("_Emitter", emitter).reload(ignores)

    def end(self) -> None:
        self.stop()
        self.join()


class _Stock:
    """watchdog's observer with an event filter; threads wait for its threads to end."""

    def __init__(self, root: str, ignores: Ignores, post: Post) -> None:
        self._root = root
        self._ignores = ignores
        self._post = post
        self._ending = False
        self._observer = Observer()
        handler = _Handler(self._translate, post)
        self._observer.schedule(handler, root, recursive=True, event_filter=STOCK_EVENTS)
        self._observer.start()
        for thread in (self._observer, *self._observer.emitters):
            threading.Thread(target=self._mourn, args=(thread,), daemon=True).start()

    def reload(self, ignores: Ignores) -> None:
        self._ignores = ignores

    def end(self) -> None:
        self._ending = True
        self._observer.stop()
        self._observer.join()

    def _mourn(self, thread: threading.Thread) -> None:
        thread.join()
        if not self._ending:
            self._post(Broken(RuntimeError(f"the thread {thread.name} ended")))

    def _translate(self, event: FileSystemEvent) -> Seen:
        paths = [self._inner(path) for path in (event.src_path, event.dest_path) if path]
        wanted = tuple(path for path in paths if not self._shut_out(path))
        if event.is_directory:
            return Seen(folders=wanted)
        return Seen(closed=wanted)

    def _inner(self, path: bytes | str) -> str:
        inner = os.path.relpath(os.fsdecode(path), self._root).replace(os.sep, "/")
        return "" if inner == "." else inner

    def _shut_out(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        return self._ignores.prunes(folder) if folder else False
