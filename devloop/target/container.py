"""One container as the target: the new one is prepared, the old one stopped, the new one started.

One hand-over at a time: ``bring_up`` and ``quit`` exclude each other, so that nothing is left when
the user ends the loop in the middle of one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from devloop.engine import containers, images, ready
from devloop.engine.client import Engine
from devloop.engine.containers import Container
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.model import ContainerSpec, Port, Project
from devloop.target import prepare
from devloop.target.attachment import Attached
from devloop.target.base import Post, Report
from devloop.target.docker import DockerTarget, Links, fatal_code, words

PATIENCE = 0.1
HINT = "see app in devloop.yaml"


def target(
    engine: Engine,
    project: Project,
    post: Post,
    report: Report,
    port_owner: Callable[[int], str],
) -> DockerTarget:
    """Give the target that runs a project's app in one container."""
    links = Links(engine, post, report)
    return DockerTarget(links, OneContainer(links, project, port_owner), lambda _service: project)


class OneContainer:
    """Owns the project's container; its methods may be called from several threads."""

    def __init__(self, links: Links, project: Project, port_owner: Callable[[int], str]) -> None:
        self._links = links
        self._engine = links.engine
        self._app = links.of("")
        self._project = project
        self._port_owner = port_owner
        self._killed = threading.Event()
        self._changing = threading.Lock()

    def quit(self) -> None:
        """Stop the app within its grace and leave no container behind."""
        held = False
        while not held and not self._killed.is_set():
            held = self._changing.acquire(timeout=PATIENCE)
        with suppress(DevloopError):
            if self._app.current:
                self._app.current.expected_end = True
                self._stop(self._app.current.container)
            self._remove_others(set())

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self._killed.set()
        with suppress(DevloopError):
            self._remove_others(set())

    def forget(self) -> None:
        """Know no container any more; that is what the attachment knows."""

    def bring_up(self, order: do.BringUp) -> None:
        """Hand over: prepare the new container, stop the old one, start the new one."""
        made = order.nodes[0].replacement
        with self._changing:
            if self._links.quitting.is_set() or made is None:
                return
            try:
                new = self._prepare(made)
            except EngineGoneError:
                raise
            except (DevloopError, OSError) as error:
                self._tell_failed(made, error, on.Untouched())
            else:
                self._hand_over(made, new)
        self._links.post(on.BroughtUp(time.monotonic(), order.number))

    def failed(self, order: do.BringUp, error: Exception) -> None:
        """Tell that a hand-over ended by something unexpected; what runs is what is attached to."""
        made = order.nodes[0].replacement
        now = self._app.current
        serves = now is not None and now.announced.is_set() and not now.expected_end
        if made is not None:
            self._tell_failed(made, error, on.Untouched() if serves else on.Nothing())
        self._links.post(on.BroughtUp(time.monotonic(), order.number))

    def _prepare(self, made: do.Replacement) -> Container:
        """Make the new container while the old one serves."""
        spec, old = made.wanted.spec, self._app.current
        self._check_ports(spec, old)
        image = images.inspect(self._engine, made.image)
        if image is None:
            raise HostError("the image is gone", hint="save a file to build it again")
        make_mount_points(spec)
        digest = made.wanted.fingerprint.digest
        new = prepare.prepare(self._engine, self._project, image, spec, digest)
        self._remove_others({new.id, old.container.id if old else ""})
        return new

    def _hand_over(self, made: do.Replacement, new: Container) -> None:
        """Stop the old container, start the new one; if that fails, start the old one again."""
        old, attached = self._app.current, Attached(new)
        gap_since = time.monotonic() if old else None
        if old:
            self._app.retire(old)
            self._stop(old.container)
        self._app.current = attached
        self._app.follow(attached)
        started_at = time.monotonic()
        try:
            containers.start(self._engine, new)
        except EngineGoneError:
            raise
        except DevloopError as error:
            attached.expected_end = True
            containers.remove(self._engine, new.id)
            self._app.current = None
            self._tell_failed(made, error, self._bring_back(old))
            return
        name = self._project.image(made.wanted.fingerprint.digest)
        now = time.monotonic()
        self._links.post(
            on.HandedOver(now, "", made.generation, new.id, name, started_at, gap_since)
        )
        self._app.announce(attached)
        try:
            if old:
                containers.remove(self._engine, old.container.id)
            containers.rename(self._engine, new.id, self._project.slug)
        except DevloopError as error:  # the new one serves all the same
            self._links.failed(error)

    def _bring_back(self, old: Attached | None) -> on.Left:
        """Start the old container again after a failed hand-over."""
        if old is None:
            return on.Nothing()
        again = Attached(old.container)
        started_at = time.monotonic()
        try:
            self._app.follow(again)
            containers.start(self._engine, old.container)
        except DevloopError:
            return on.Nothing()
        self._app.current = again
        return on.BroughtBack(old.container.id, started_at)

    def _tell_failed(self, made: do.Replacement, error: Exception, left: on.Left) -> None:
        fatal = fatal_code(error, HostError)
        now = time.monotonic()
        self._links.post(
            on.HandOverFailed(
                now, "", made.generation, left=left, fatal=fatal, **words(error, HINT)
            )
        )
        if isinstance(left, on.BroughtBack) and self._app.current:
            self._app.announce(self._app.current)

    def _check_ports(self, spec: ContainerSpec, old: Attached | None) -> None:
        """Find out early, and by whom, that a port is taken."""
        ours = {port.published for port in old.container.spec.published} if old else set()
        for port in spec.published:
            if port.published in ours or ready.free(port.host, port.published):
                continue
            if self._stale_owner(port):
                continue
            raise containers.port_taken(self._engine, (port,), self._port_owner(port.published))

    def _stale_owner(self, port: Port) -> bool:
        """Say whether a container that an earlier loop left has the port: it is removed anyway."""
        return any(
            one.published == port.published
            for found in containers.of_project(self._engine, self._project)
            for one in found.ports
        )

    def _remove_others(self, ours: set[str]) -> None:
        """Remove the project's containers, by their label, but for these."""
        for found in containers.of_project(self._engine, self._project):
            if found.id not in ours:
                containers.remove(self._engine, found.id)

    def _stop(self, container: Container) -> None:
        containers.stop(self._engine, container.id, container.spec.engine_grace)


def make_mount_points(spec: ContainerSpec) -> None:
    """Make the kept paths as the user, before the engine makes them as root."""
    if spec.mount is None:
        return
    for path in (".devloop", *spec.keep):
        os.makedirs(os.path.join(spec.root, path), exist_ok=True)
