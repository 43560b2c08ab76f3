"""Where events come from: the only door to watchdog.

On Linux our own emitter on inotify (``devloop.watch.inotify``), elsewhere watchdog's own observer,
and polling on request. All of them only say where to look (``Seen``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeAlias, cast

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

from devloop import threads
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


class EventSource(Protocol):
    """A running watcher."""

    def reload(self, ignores: Ignores) -> None:
        """Take other ignores before returning. Raises ``ExhaustedError``."""

    def end(self) -> None:
        """Stop, and release all watches and threads."""


class NoEventsError(Exception):
    """The file system raises no events."""


def native(
    root: str, ignores: Ignores, post: Post, unreadable: Callable[[str], None], state: str | None
) -> EventSource:
    """Watch with inotify; all that is saved after the return is posted.

    ``state`` is a folder for a probe file, None for no self-test. Raises ``NoEventsError``,
    ``ExhaustedError``, ``OSError`` without a root.
    """
    made = partial(_Inotify, post=post, ignores=ignores, told=unreadable, state=state)
    return _Ours(root, made)


def polling(root: str, post: Post, interval: float) -> EventSource:
    """Post the whole tree to be looked at, every ``interval`` seconds."""
    return _Ours(root, partial(_Poll, post=post, interval=interval))


def stock(root: str, ignores: Ignores, post: Post) -> EventSource:
    """Watch with what watchdog has for this system; it recurses in the kernel."""
    return _Stock(root, ignores, post)


class _Emitter(EventEmitter):
    """An emitter that posts ``Broken`` with the error that ended it.

    It posts what it has seen itself: watchdog's queue of single events would cost a change of
    threads on every save. The first two arguments are those of watchdog.
    """

    def __init__(self, event_queue: EventQueue, watch: ObservedWatch, post: Post) -> None:
        super().__init__(event_queue, watch)
        self.post = post

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - told and judged by the owner
            self.post(Broken(error))
        finally:
            self.release()

    def release(self) -> None:
        """Release what the emitter holds; most hold nothing."""

    def reload(self, ignores: Ignores) -> None:
        """Take other ignores; most have none."""


class _Inotify(_Emitter):
    def __init__(
        self,
        event_queue: EventQueue,
        watch: ObservedWatch,
        *,
        post: Post,
        ignores: Ignores,
        told: Callable[[str], None],
        state: str | None,
        **_options: object,
    ) -> None:
        super().__init__(event_queue, watch, post)
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
            raise NoEventsError
        self._kernel.begin()

    def on_thread_stop(self) -> None:
        self._kernel.wake()

    def queue_events(self, timeout: float) -> None:  # noqa: ARG002 - an idle watcher sleeps
        if self._kernel.wait():
            seen = self._kernel.read()
            if seen:
                self.post(seen)

    def release(self) -> None:
        self._kernel.close()

    def reload(self, ignores: Ignores) -> None:
        self._kernel.reload(ignores)


class _Poll(_Emitter):
    def __init__(
        self,
        event_queue: EventQueue,
        watch: ObservedWatch,
        *,
        post: Post,
        interval: float,
        **_options: object,
    ) -> None:
        super().__init__(event_queue, watch, post)
        self._interval = interval

    def queue_events(self, timeout: float) -> None:  # noqa: ARG002 - the interval is ours
        if not self.stopped_event.wait(self._interval):
            self.post(Seen(folders=("",), gone=not os.path.isdir(self.watch.path)))


class _Ours(BaseObserver):
    """Runs one emitter of ours."""

    def __init__(self, root: str, emitter: Callable[..., _Emitter]) -> None:
        super().__init__(cast("type[EventEmitter]", emitter))
        self.schedule(FileSystemEventHandler(), root, recursive=True)
        self.start()

    def reload(self, ignores: Ignores) -> None:
        for emitter in self.emitters:
            cast("_Emitter", emitter).reload(ignores)

    def end(self) -> None:
        self.stop()
        self.join()


class _Stock(FileSystemEventHandler):
    """watchdog's observer with an event filter; threads wait for its threads to end."""

    def __init__(self, root: str, ignores: Ignores, post: Post) -> None:
        self._root = root
        self._ignores = ignores
        self._post = post
        self._ending = False
        self._observer = Observer()
        self._observer.schedule(self, root, recursive=True, event_filter=STOCK_EVENTS)
        self._observer.start()
        self._mourners = [
            threads.spawn(self._mourn, thread, failed=lambda error: self._post(Broken(error)))
            for thread in (self._observer, *self._observer.emitters)
        ]

    def reload(self, ignores: Ignores) -> None:
        self._ignores = ignores

    def end(self) -> None:
        self._ending = True
        self._observer.stop()
        for mourner in self._mourners:
            mourner.join()

    def _mourn(self, thread: threading.Thread) -> None:
        thread.join()
        if not self._ending:
            self._post(Broken(RuntimeError(f"the thread {thread.name} ended")))

    def dispatch(self, event: FileSystemEvent) -> None:
        """Post where an event says to look."""
        paths = [self._inner(path) for path in (event.src_path, event.dest_path) if path]
        wanted = tuple(path for path in paths if not self._shut_out(path))
        seen = Seen(folders=wanted) if event.is_directory else Seen(closed=wanted)
        if seen:
            self._post(seen)

    def _inner(self, path: bytes | str) -> str:
        inner = os.path.relpath(os.fsdecode(path), self._root).replace(os.sep, "/")
        return "" if inner == "." else inner

    def _shut_out(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        return self._ignores.prunes(folder) if folder else False
