"""The container that serves, followed: its output read, its process restarted or reloaded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from devloop import events
from devloop.engine import containers, logs
from devloop.engine.channel import Channel
from devloop.engine.client import Engine
from devloop.engine.containers import Container
from devloop.errors import RefusedError
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on

Spawn = Callable[..., None]


@dataclass
class Followed:
    """A container whose output is read; ``announced`` holds its marks back until it is known."""

    container: Container
    announced: threading.Event = field(default_factory=threading.Event)
    expected_end: bool = False
    channel: Channel | None = None
    starts: int = 1


class Follower:
    """Knows the container that serves now; its methods may be called from several threads."""

    def __init__(
        self,
        engine: Engine,
        post: Callable[[object], None],
        report: Callable[[events.Event], None],
        spawn: Spawn,
    ) -> None:
        self.engine = engine
        self.post = post
        self.report = report
        self.current: Followed | None = None
        self.name = "app"
        self.quitting = threading.Event()
        self._spawn = spawn

    def lost(self) -> None:
        """Forget the container: the engine is gone, and it with that."""
        self.current = None

    def announce(self, followed: Followed) -> None:
        """Let what a container reports be heard, and have a quick way to signal it."""
        followed.announced.set()
        if followed.container.nonce:
            self._spawn(self._open_channel, followed)

    def retire(self, followed: Followed) -> None:
        """Take the container's end for expected from now on."""
        followed.expected_end = True
        if followed.channel:
            followed.channel.close()
            followed.channel = None

    def _open_channel(self, followed: Followed) -> None:
        """Have a quick way to signal the supervisor, once it runs; its first test is a no-op."""
        with suppress(RefusedError):
            channel = Channel(self.engine, followed.container.id)
            if channel.send("0"):
                followed.channel = channel

    def restart(self) -> None:
        """Start the app's process anew, or the container where it has no supervisor."""
        followed = self.current
        if followed is None:
            return
        supervised = bool(followed.container.nonce)
        followed.expected_end = followed.expected_end or not supervised
        if supervised and followed.channel and followed.channel.send("HUP"):
            return
        try:
            containers.restart(self.engine, followed.container)
        except RefusedError:
            self._post_exit(followed, gone=True)
            return
        if not supervised:
            self.current = again = Followed(followed.container, starts=followed.starts + 1)
            again.announced.set()
            self.follow(again)
            self._mark(again, "started", again.starts)

    def reload(self, action: do.Reload) -> None:
        """Have the app reload by its own means."""
        followed = self.current
        if followed is None:
            return
        try:
            if action.kind == "signal":
                containers.forward_signal(self.engine, followed.container, action.argument)
                return
            code, output = containers.execute(
                self.engine, followed.container.id, ["sh", "-c", action.argument]
            )
        except RefusedError as error:
            self.post(on.ReloadFailed(time.monotonic(), error.message))
            return
        if code:
            last = output.strip().splitlines()[-1:] or [f"exit code {code}"]
            self.post(on.ReloadFailed(time.monotonic(), last[0]))

    def follow(self, followed: Followed, *, replay: bool = False) -> None:
        """Read a container's output from before its start, or from its start on, until its end."""
        attached = threading.Event()

        def read() -> None:
            identity = followed.container.id
            pieces = (
                self.engine.output_since_start(identity)
                if replay
                else self.engine.output(identity, attached.set)
            )
            logs.split(
                pieces,
                followed.container.nonce,
                lambda stream, text: self.report(events.Log(self.name, stream, text)),
                lambda word, number: self._mark(followed, word, number),
            )
            self._output_ended(followed)

        self._spawn(read)
        if not replay:
            attached.wait(10)

    def _mark(self, followed: Followed, word: str, number: int) -> None:
        """Post what the supervisor reports, once the loop knows the container."""
        followed.announced.wait()
        now, identity = time.monotonic(), followed.container.id
        if word == "started":
            self.post(on.AppStarted(now, identity, number))
        else:
            self.post(on.AppExited(now, identity, number))

    def _output_ended(self, followed: Followed) -> None:
        if followed.expected_end or self.quitting.is_set() or self.current is not followed:
            return
        self._post_exit(followed, gone=bool(followed.container.nonce))

    def _post_exit(self, followed: Followed, *, gone: bool) -> None:
        followed.announced.wait()
        containers.wait_end(self.engine, followed.container.id)
        code = containers.exit_code(self.engine, followed.container.id)
        if code is None and not gone:
            return  # it runs again: a restart of a container without a supervisor
        gone = gone or code is None
        exited = on.AppExited(time.monotonic(), followed.container.id, code or 0, gone)
        self.post(exited)
