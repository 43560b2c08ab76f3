"""The container that serves: handed over and stopped.

One hand-over at a time: ``swap`` and ``quit`` exclude each other, so that nothing is left behind
when the user ends the loop in the middle of one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from devloop.engine import containers, images, ready
from devloop.engine.client import Engine
from devloop.engine.containers import Container
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.model import ContainerSpec, Port, Project
from devloop.target import prepare
from devloop.target.attachment import Followed, Follower

PATIENCE = 0.1


class Serving:
    """Owns the project's container; its methods may be called from several threads."""

    def __init__(
        self,
        engine: Engine,
        project: Project,
        follower: Follower,
        port_owner: Callable[[int], str],
    ) -> None:
        self.engine = engine
        self.project = project
        self.follower = follower
        self.port_owner = port_owner
        self._killed = threading.Event()
        self._changing = threading.Lock()

    def quit(self) -> None:
        """Stop the app within its grace and leave no container behind."""
        self.follower.quitting.set()
        held = False
        while not held and not self._killed.is_set():
            held = self._changing.acquire(timeout=PATIENCE)
        with suppress(DevloopError):
            if self.follower.current:
                self.follower.current.expected_end = True
                self._stop(self.follower.current.container)
            self.remove_others(set())

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self.follower.quitting.set()
        self._killed.set()
        with suppress(DevloopError):
            self.remove_others(set())

    def swap(self, action: do.Swap) -> None:
        """Hand over: prepare the new container, stop the old one, start the new one."""
        with self._changing:
            if self.follower.quitting.is_set():
                return
            try:
                new = self._prepare(action)
            except EngineGoneError:
                raise
            except (DevloopError, OSError) as error:
                restored = self.follower.current is not None
                self._swap_failed(action, error, restored=restored, untouched=True)
                return
            self._hand_over(action, new)

    def _prepare(self, action: do.Swap) -> Container:
        """Make the new container while the old one serves."""
        spec, old = action.wanted.spec, self.follower.current
        self._check_ports(spec, old)
        image = images.inspect(self.engine, action.image)
        if image is None:
            raise HostError("the image is gone", hint="save a file to build it again")
        make_mount_points(spec)
        new = prepare.prepare(
            self.engine, self.project, image, spec, action.wanted.fingerprint.digest
        )
        self.remove_others({new.id, old.container.id if old else ""})
        return new

    def _hand_over(self, action: do.Swap, new: Container) -> None:
        """Stop the old container, start the new one; if that fails, start the old one again."""
        old, followed = self.follower.current, Followed(new)
        since = time.monotonic() if old else None
        if old:
            self.follower.retire(old)
            self._stop(old.container)
        self.follower.current = followed
        self.follower.follow(followed)
        try:
            containers.start(self.engine, new)
        except EngineGoneError:
            raise
        except DevloopError as error:
            followed.expected_end = True
            containers.remove(self.engine, new.id)
            self.follower.current = None
            self._swap_failed(action, error, restored=self._bring_back(old))
            return
        self._announce(action, followed, since)
        if old:
            containers.remove(self.engine, old.container.id)
        containers.rename(self.engine, new.id, self.project.slug)

    def _announce(self, action: do.Swap, followed: Followed, since: float | None) -> None:
        now = time.monotonic()
        name = self.project.image(action.wanted.fingerprint.digest)
        self.follower.post(on.Swapped(now, action.generation, followed.container.id, name, since))
        self.follower.announce(followed)

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
            one.published == port.published
            for found in containers.of_project(self.engine, self.project)
            for one in found.ports
        )

    def remove_others(self, ours: set[str]) -> None:
        """Remove the project's containers, by their label, but for these."""
        for found in containers.of_project(self.engine, self.project):
            if found.id not in ours:
                containers.remove(self.engine, found.id)

    def _bring_back(self, old: Followed | None) -> bool:
        """Start the old container again after a failed hand-over."""
        if old is None:
            return False
        again = Followed(old.container)
        try:
            self.follower.follow(again)
            containers.start(self.engine, old.container)
        except DevloopError:
            return False
        self.follower.current = again
        again.announced.set()
        return True

    def _swap_failed(
        self, action: do.Swap, error: Exception, *, restored: bool, untouched: bool = False
    ) -> None:
        fatal = error.exit_code if isinstance(error, HostError) else None
        failed = swap_failed(action, error, "see app in devloop.yaml", fatal, restored=restored)
        self.follower.post(replace(failed, untouched=untouched and restored))

    def _stop(self, container: Container) -> None:
        containers.stop(self.engine, container.id, container.spec.engine_grace)


def swap_failed(
    action: do.Swap, error: Exception, hint: str, fatal: int | None, *, restored: bool
) -> on.SwapFailed:
    """Say why a hand-over failed; ``hint`` is for an error that has none of its own."""
    message = error.message if isinstance(error, DevloopError) else str(error)
    hint = (error.hint if isinstance(error, DevloopError) else "") or hint
    return on.SwapFailed(time.monotonic(), action.generation, message, hint, restored, fatal)


def make_mount_points(spec: ContainerSpec) -> None:
    """Make the kept paths as the user, before the engine makes them as root."""
    if spec.mount is None:
        return
    for path in (".devloop", *spec.keep):
        os.makedirs(os.path.join(spec.root, path), exist_ok=True)
