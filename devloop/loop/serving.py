"""The container that serves: handed over, restarted, followed, stopped.

One hand-over at a time: ``swap`` and ``quit`` exclude each other, so that nothing is left behind
when the user ends the loop in the middle of one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from devloop import events
from devloop.engine import containers, logs, ready
from devloop.engine.body import grace_seconds
from devloop.engine.channel import Channel
from devloop.engine.client import Engine, RefusedError
from devloop.engine.containers import Container
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop import actions as do
from devloop.loop import inputs as on
from devloop.model import ContainerSpec, Port, Project

PATIENCE = 0.1

Spawn = Callable[..., None]


@dataclass
class Followed:
    """A container whose output is read; ``announced`` holds its marks back until it is known."""

    container: Container
    announced: threading.Event = field(default_factory=threading.Event)
    expected_end: bool = False
    channel: Channel | None = None
    starts: int = 1


class Serving:
    """Owns the project's container; its methods may be called from several threads."""

    def __init__(
        self,
        engine: Engine,
        project: Project,
        post: Callable[[object], None],
        report: Callable[[events.Event], None],
        spawn: Spawn,
        port_owner: Callable[[int], str],
    ) -> None:
        self.engine = engine
        self.project = project
        self.post = post
        self.report = report
        self.port_owner = port_owner
        self.current: Followed | None = None
        self.quitting = threading.Event()
        self._killed = threading.Event()
        self._spawn = spawn
        self._changing = threading.Lock()

    def quit(self) -> None:
        """Stop the app within its grace and leave no container behind."""
        self.quitting.set()
        held = False
        while not held and not self._killed.is_set():
            held = self._changing.acquire(timeout=PATIENCE)
        with suppress(DevloopError, RefusedError):
            if self.current:
                self.current.expected_end = True
                self._stop(self.current.container)
            self.remove_others(set())

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self.quitting.set()
        self._killed.set()
        with suppress(DevloopError, RefusedError):
            self.remove_others(set())

    def lost(self) -> None:
        """Forget the container: the engine is gone, and it with that."""
        self.current = None

    def swap(self, action: do.Swap) -> None:
        """Hand over: prepare the new container, stop the old one, start the new one."""
        with self._changing:
            if self.quitting.is_set():
                return
            try:
                new = self._prepare(action)
            except EngineGoneError:
                raise
            except (DevloopError, RefusedError, OSError) as error:
                self._swap_failed(action, error, restored=self.current is not None, untouched=True)
                return
            self._hand_over(action, new)

    def _prepare(self, action: do.Swap) -> Container:
        """Make the new container while the old one serves."""
        spec, old = action.wanted.spec, self.current
        self._check_ports(spec, old)
        image = containers.inspect_image(self.engine, action.image)
        if image is None:
            raise HostError("the image is gone", hint="save a file to build it again")
        make_mount_points(spec)
        new = containers.prepare(
            self.engine, self.project, image, spec, action.wanted.fingerprint.digest
        )
        self.remove_others({new.id, old.container.id if old else ""})
        return new

    def _hand_over(self, action: do.Swap, new: Container) -> None:
        """Stop the old container, start the new one; if that fails, start the old one again."""
        old, followed = self.current, Followed(new)
        since = time.monotonic() if old else None
        if old:
            old.expected_end = True
            if old.channel:
                old.channel.close()
                old.channel = None
            self._stop(old.container)
        self.current = followed
        self._follow(followed)
        try:
            containers.start(self.engine, new)
        except EngineGoneError:
            raise
        except (DevloopError, RefusedError) as error:
            followed.expected_end = True
            containers.remove(self.engine, new.id)
            self.current = None
            self._swap_failed(action, error, restored=self._bring_back(old))
            return
        self._announce(action, followed, since)
        if old:
            containers.remove(self.engine, old.container.id)
        containers.rename(self.engine, new.id, self.project.slug)

    def _announce(self, action: do.Swap, followed: Followed, since: float | None) -> None:
        now = time.monotonic()
        name = self.project.image(action.wanted.fingerprint.digest)
        self.post(on.Swapped(now, action.generation, followed.container.id, name, since))
        followed.announced.set()
        if followed.container.nonce:
            self._spawn(self._open_channel, followed)

    def _open_channel(self, followed: Followed) -> None:
        """Have a quick way to signal the supervisor, once it runs; its first test is a no-op."""
        with suppress(RefusedError):
            channel = Channel(self.engine, followed.container.id)
            if channel.send("0"):
                followed.channel = channel

    def _check_ports(self, spec: ContainerSpec, old: Followed | None) -> None:
        """Find out early, and by whom, that a port is taken."""
        ours = {port.published for port in old.container.spec.published} if old else set()
        for port in spec.published:
            if port.published in ours or ready.free(port.host, port.published):
                continue
            if self._stale_owner(port):
                continue
            raise containers.port_taken(self.engine, (port,), self.port_owner(port.published))

    def _stale_owner(self, port: Port) -> bool:
        """Say whether a container that an earlier loop left has the port: it is removed anyway."""
        return any(
            one.get("PublicPort") == port.published
            for found in containers.of_project(self.engine, self.project)
            for one in found.get("Ports") or ()
        )

    def remove_others(self, ours: set[str]) -> None:
        """Remove the project's containers, by their label, but for these."""
        for found in containers.of_project(self.engine, self.project):
            if found["Id"] not in ours:
                containers.remove(self.engine, found["Id"])

    def _bring_back(self, old: Followed | None) -> bool:
        """Start the old container again after a failed hand-over."""
        if old is None:
            return False
        again = Followed(old.container)
        try:
            self._follow(again)
            containers.start(self.engine, old.container)
        except (DevloopError, RefusedError):
            return False
        self.current = again
        again.announced.set()
        return True

    def _swap_failed(
        self, action: do.Swap, error: Exception, *, restored: bool, untouched: bool = False
    ) -> None:
        message = error.message if isinstance(error, DevloopError | RefusedError) else str(error)
        hint = error.hint if isinstance(error, DevloopError) else "see app in devloop.yaml"
        fatal = error.exit_code if isinstance(error, HostError) else None
        self.post(
            on.SwapFailed(
                time.monotonic(),
                action.generation,
                message,
                hint,
                restored,
                fatal,
                untouched and restored,
            )
        )

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
            self._follow(again)
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

    def _follow(self, followed: Followed) -> None:
        """Read a container's output from before its start until its end."""
        attached = threading.Event()

        def read() -> None:
            pieces = self.engine.output(followed.container.id, attached.set)
            logs.split(
                pieces,
                followed.container.nonce,
                lambda stream, text: self.report(events.Log("app", stream, text)),
                lambda word, number: self._mark(followed, word, number),
            )
            self._output_ended(followed)

        self._spawn(read)
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

    def _stop(self, container: Container) -> None:
        containers.stop(self.engine, container.id, grace_seconds(container.spec))


def make_mount_points(spec: ContainerSpec) -> None:
    """Make the kept paths as the user, before the engine makes them as root."""
    if spec.mount is None:
        return
    for path in (".devloop", *spec.keep):
        os.makedirs(os.path.join(spec.root, path), exist_ok=True)
