"""Containers that serve, attached to: their output read, their process restarted or reloaded."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from devloop import events, threads
from devloop.engine import containers, logs
from devloop.engine.channel import Channel
from devloop.engine.client import Engine
from devloop.engine.containers import Container
from devloop.errors import EngineGoneError, RefusedError
from devloop.loop.decide import inputs as on
from devloop.model import APP, ByCommand, BySignal
from devloop.target.base import Post, Report
from devloop.threads import Failed

ATTACH_PATIENCE = 10.0
FIRST = 1


@dataclass
class Attached:
    """A container whose output is read; ``announced`` holds its marks back until it is known.

    ``late``: it was started before it was attached to, and what it wrote at once may be lost: the
    engine can date a container's first line before its start.
    """

    container: Container
    announced: threading.Event = field(default_factory=threading.Event)
    expected_end: bool = False
    channel: Channel | None = None
    starts: int = FIRST
    late: bool = False


class Attachment:
    """One service's container that serves now; may be used by several threads.

    ``quitting`` is set when all ends: nothing is posted any more.
    """

    def __init__(
        self,
        engine: Engine,
        service: str,
        post: Post,
        report: Report,
        quitting: threading.Event,
        failed: Failed,
    ) -> None:
        self.engine = engine
        self.service = service
        self.post = post
        self.report = report
        self.quitting = quitting
        self.current: Attached | None = None
        self._failed = failed

    def announce(self, attached: Attached) -> None:
        """Let what a container reports be heard, and have a quick way to signal it.

        The first start of one without a supervisor, or that was attached to late, is told here.
        """
        attached.announced.set()
        supervised = bool(attached.container.nonce)
        if attached.late or not supervised:
            self._mark(attached, "started", FIRST)
        if supervised:
            threads.spawn(self._open_channel, attached, failed=self._failed)

    def retire(self, attached: Attached) -> None:
        """Take the container's end for expected from now on."""
        attached.expected_end = True
        if attached.channel:
            attached.channel.close()
            attached.channel = None

    def _open_channel(self, attached: Attached) -> None:
        """Have a quick way to signal the supervisor, once it runs; its first test is a no-op."""
        with suppress(RefusedError, EngineGoneError):
            channel = Channel(self.engine, attached.container.id)
            if channel.send("0"):
                attached.channel = channel

    def restart(self) -> None:
        """Start the app's process anew, or the container where it has no supervisor."""
        attached = self.current
        if attached is None:
            return
        supervised = bool(attached.container.nonce)
        attached.expected_end = attached.expected_end or not supervised
        if supervised and attached.channel and attached.channel.send("HUP"):
            return
        try:
            containers.restart(self.engine, attached.container)
        except RefusedError:
            self._post_exit(attached, gone=True)
            return
        if not supervised:
            self.current = again = Attached(attached.container, starts=attached.starts + 1)
            again.announced.set()
            self.follow(again)
            self._mark(again, "started", again.starts)

    def restart_failed(self, error: Exception) -> None:
        """Tell that no start comes."""
        if self.current is not None:
            now, identity = time.monotonic(), self.current.container.id
            self.post(on.RestartFailed(now, self.service, identity, str(error)))

    def reload(self, by: BySignal | ByCommand) -> None:
        """Have the app reload by its own means."""
        attached = self.current
        if attached is None:
            return
        try:
            message = self._reload(attached.container, by)
        except RefusedError as error:
            message = error.message
        if message:
            self.post(on.ReloadFailed(time.monotonic(), self.service, message))

    def _reload(self, container: Container, by: BySignal | ByCommand) -> str:
        """Give what went wrong, empty if nothing did."""
        match by:
            case BySignal(name):
                containers.forward_signal(self.engine, container, name)
                return ""
            case ByCommand(command):
                argv = ["sh", "-c", command]
                code, output = containers.execute(self.engine, container.id, argv)
                last = output.strip().splitlines()[-1:] or [f"exit code {code}"]
                return last[0] if code else ""

    def follow(self, attached: Attached, *, replay: bool = False) -> None:
        """Read a container's output from before its start, or from its start on, until its end."""
        attached.late = replay
        begun = threading.Event()

        def read() -> None:
            identity = attached.container.id
            pieces = (
                self.engine.output_since_start(identity)
                if replay
                else self.engine.output(identity, begun.set)
            )
            logs.split(
                pieces,
                attached.container.nonce,
                lambda stream, text: self.report(events.Log(self.service or APP, stream, text)),
                lambda word, number: self._mark(attached, word, number),
            )
            self._output_ended(attached)

        threads.spawn(read, failed=self._failed, name=f"output of {self.service or APP}")
        if not replay and not begun.wait(ATTACH_PATIENCE):
            attached.late = True

    def _mark(self, attached: Attached, word: str, number: int) -> None:
        """Post what the supervisor reports, once the loop knows the container."""
        attached.announced.wait()
        now, identity = time.monotonic(), attached.container.id
        if word == "started":
            self.post(on.AppStarted(now, self.service, identity, number))
        else:
            self.post(on.AppExited(now, self.service, identity, number))

    def _output_ended(self, attached: Attached) -> None:
        if attached.expected_end or self.quitting.is_set() or self.current is not attached:
            return
        self._post_exit(attached, gone=bool(attached.container.nonce))

    def _post_exit(self, attached: Attached, *, gone: bool) -> None:
        attached.announced.wait()
        identity = attached.container.id
        containers.wait_end(self.engine, identity)
        code = containers.exit_code(self.engine, identity)
        if code is None and not gone:
            return  # it runs again: a restart of a container without a supervisor
        gone = gone or code is None
        self.post(on.AppExited(time.monotonic(), self.service, identity, code or 0, gone))
