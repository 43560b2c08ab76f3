"""One service of a Compose project handed over: Compose stops the old container, starts the new."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from devloop.compose.change import Change
from devloop.compose.settings import Developed
from devloop.engine import containers, images, volumes
from devloop.engine.client import Engine
from devloop.engine.containers import Container
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.model import ContainerSpec, Port
from devloop.target import prepare
from devloop.target import settings as settings_of
from devloop.target.attachment import Followed, Follower
from devloop.target.compose_project import StoppedError, Together
from devloop.target.container import make_mount_points, swap_failed


class Composed:
    """Hands over one service of a Compose project: Compose stops the old and starts the new."""

    def __init__(
        self,
        together: Together,
        name: str,
        follower: Follower,
        renewed: Callable[[str], None],
    ) -> None:
        self.together = together
        self.name = name
        self.follower = follower
        self.renewed = renewed

    def quit(self) -> None:
        """Start nothing more; the whole project is stopped at once."""
        self.follower.quitting.set()

    def kill(self) -> None:
        """Stop the whole project at once."""
        self.follower.quitting.set()
        self.together.kill()

    def swap(self, action: do.Swap) -> None:
        """Hand over to a container of this image."""
        try:
            with self.together.preparing:
                if self.together.stopping.is_set():
                    return
                container, change = self._prepare(action)
        except EngineGoneError:
            raise
        except (DevloopError, OSError) as error:
            self._failed(action, error, restored=self.follower.current is not None, untouched=True)
            return
        with suppress(StoppedError):
            self._take_over(action, container, change)

    def _take_over(self, action: do.Swap, container: Container, change: Change) -> None:
        """Have Compose stop the old container and start the new; if it fails, the old one again."""
        old, before = self.follower.current, self.together.changes.get(self.name)
        since = time.monotonic() if old else None
        if old:
            self.follower.retire(old)
        try:
            self._run(action, container, change, since)
        except EngineGoneError:
            raise
        except DevloopError as error:
            if self.together.stopping.is_set():
                return
            again = self._bring_back(old, before)
            self._failed(action, error, restored=again is not None)
            if again:
                self.follower.announce(again)
        else:
            if old:
                self.renewed(self.name)

    def _prepare(self, action: do.Swap) -> tuple[Container, Change]:
        """Fill the volumes and find out what the image can do, with a container that never runs."""
        one, engine = self.together.developed[self.name], self.together.engine
        spec, digest = action.wanted.spec, action.wanted.fingerprint.digest
        image = images.inspect(engine, action.image)
        if image is None:
            raise HostError("the image is gone", hint="save a file to build it again")
        image = _as_written(image, one)
        make_mount_points(spec)
        helper = prepare.prepare(engine, one.project, image, spec, digest)
        containers.remove(engine, helper.id)
        if self.together.model.one_shot(self.name):
            helper = replace(helper, nonce="")
        return helper, _change(one, action.image, helper, digest)

    def _run(
        self, action: do.Swap, container: Container, change: Change, since: float | None
    ) -> None:
        self.together.start(self.name, change)
        engine, identity = self.together.engine, self.together.container(self.name)
        if identity is None:
            raise HostError("its container is gone", hint="save a file to start it again")
        spec = replace(container.spec, ports=_published(engine, identity, container.spec))
        followed = Followed(replace(container, id=identity, spec=spec))
        self.follower.current = followed
        self.follower.follow(followed, replay=True)
        now, name = time.monotonic(), action.image
        self.follower.post(on.Swapped(now, action.generation, identity, name, since))
        self.follower.announce(followed)

    def _bring_back(self, old: Followed | None, before: Change | None) -> Followed | None:
        """Start the service again as it was; gives that, None if it does not run."""
        self.follower.current = None
        if old is None or before is None:
            self.together.changes.pop(self.name, None)
            return None
        try:
            self.together.start(self.name, before)
            identity = self.together.container(self.name)
        except (DevloopError, StoppedError):
            return None
        again = Followed(replace(old.container, id=identity or ""))
        self.follower.current = again
        self.follower.follow(again, replay=True)
        return again

    def _failed(
        self, action: do.Swap, error: Exception, *, restored: bool, untouched: bool = False
    ) -> None:
        fatal = error.exit_code if isinstance(error, DevloopError) else 1
        failed = swap_failed(action, error, "see the compose file", fatal, restored=restored)
        current = self.follower.current
        identity = current.container.id if current else ""
        self.follower.post(replace(failed, untouched=untouched and restored, container=identity))


def _as_written(image: images.Image, one: Developed) -> images.Image:
    """Let the compose file's entrypoint, which drops the image's CMD, and stop signal count."""
    service = one.service
    if service.entrypoint is not None:
        image = replace(image, entrypoint=service.entrypoint, command=())
    return replace(image, stop_signal=service.stop_signal or image.stop_signal)


def _change(one: Developed, name: str, container: Container, digest: str) -> Change:
    spec, image = container.spec, container.image
    kept = {
        path: volumes.name(one.project, image.id, path, spec.user)
        for path in settings_of.kept_paths(spec)
    }
    labels = volumes.labels(replace(one.project, service=one.service.name), digest)
    known = image if container.nonce else None
    settings = settings_of.of(name, known, spec, labels, container.nonce, kept)
    # the compose file says whether stdin is open, and all of one that has no supervisor
    return Change(one, replace(settings, stdin=False, init=bool(container.nonce)))


def _published(engine: Engine, container: str, spec: ContainerSpec) -> tuple[Port, ...]:
    """Read at which ports of this machine a container is reached, in the order of the model."""
    ports = [
        Port(one.container, one.published, one.host or "0.0.0.0")  # noqa: S104
        for one in containers.inspect(engine, container).ports
        if one.protocol == "tcp"
    ]
    order = [port.container for port in spec.ports]
    ports.sort(
        key=lambda one: (
            order.index(one.container) if one.container in order else 99,
            ":" in one.host,
        )
    )
    return tuple(ports)
