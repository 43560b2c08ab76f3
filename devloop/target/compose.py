"""A Compose project as the target: `docker compose` stops, makes and starts the containers.

One command at a time; in which order and with what, the loop has decided. Developed services get a
container that is changed (``compose.change``), the others run as they are written.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from devloop import events
from devloop.compose import change as changes
from devloop.compose.change import ServiceChange
from devloop.compose.command import Compose
from devloop.compose.model import Model
from devloop.compose.settings import Developed
from devloop.engine import containers, images, volumes
from devloop.engine.containers import Container
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import BringUp, Operation, Replacement, ServiceNode
from devloop.model import Project
from devloop.target import prepare
from devloop.target import settings as settings_of
from devloop.target.attachment import Attached
from devloop.target.compose_services import ComposeServices
from devloop.target.container import make_mount_points
from devloop.target.docker import DockerTarget, Links, fatal_code, words

GRACE = 10
HINT = "see the compose file"


@dataclass(frozen=True)
class ComposeModel:
    """What a compose file says: ``wanted`` are the services that are to run."""

    model: Model
    developed: Mapping[str, Developed]
    wanted: frozenset[str]


@dataclass(frozen=True)
class Prepared:
    """A developed service ready to be brought up: its container's settings, how it is made."""

    node: ServiceNode
    made: Replacement
    container: Container
    change: ServiceChange


class ComposeProject:
    """What runs of one Compose project; its methods may be called from several threads.

    ``known`` is what the compose file says now, given by ``adopt``.
    """

    def __init__(self, links: Links, compose: Compose, known: ComposeModel) -> None:
        self._links = links
        self._engine = links.engine
        self._compose = compose
        self._known = known
        self._changes: dict[str, ServiceChange] = {}
        self._there = ComposeServices(links, known.model.name)
        self._others = frozenset(self._there.running())
        self._changing = threading.Lock()

    def target(self) -> DockerTarget:
        """Give the target that runs the project."""
        return DockerTarget(self._links, self, self._project_of)

    def _project_of(self, service: str) -> Project:
        return self._known.developed[service].project

    def adopt(self, known: ComposeModel) -> None:
        """Take what the compose file says now; what runs is the loop's to change."""
        self._known = known

    def forget(self) -> None:
        """Take nothing for started: the engine was gone."""
        self._there.forget()

    # bringing up

    def bring_up(self, order: BringUp) -> None:
        """Remove, restart and start what the nodes say; posts what became of each."""
        with self._changing:
            if self._links.quitting.is_set():
                return
            self._remove(self._names(order, Operation.REMOVE))
            self._restart(self._names(order, Operation.RESTART))
            ended = self._start(order)
            if self._links.quitting.is_set():
                return
        self._links.post(ended)

    def failed(self, order: BringUp, error: Exception) -> None:
        """Tell that it ended by something unexpected: to each developed service, or as a whole."""
        developed = [node for node in order.nodes if node.replacement]
        for node in developed:
            if node.replacement:
                self._tell_failed(node, node.replacement, error, on.Nothing())
        message = "" if developed else words(error, HINT)["message"]
        self._links.post(on.BroughtUp(time.monotonic(), order.number, message=message))

    @staticmethod
    def _names(order: BringUp, *operations: Operation) -> list[str]:
        return [node.service for node in order.nodes if node.operation in operations]

    def _start(self, order: BringUp) -> on.BroughtUp:
        """Start what has no build, and what could be prepared, by one command."""
        plain = self._names(order, Operation.START, Operation.UPDATE)
        prepared = list(self._prepared(order))
        names = [*plain, *(one.node.service for one in prepared)]
        if not names:
            return on.BroughtUp(time.monotonic(), order.number)
        olds = {one.node.service: self._retire(one) for one in prepared}
        before = dict(self._changes)
        self._changes |= {one.node.service: one.change for one in prepared}
        began, started_at = time.time(), time.monotonic()
        try:
            self._up(names, needs=order.needs)
        except EngineGoneError:
            raise
        except DevloopError as error:
            self._changes = before
            return self._not_started(order, prepared, olds, error)
        for one in prepared:
            self._hand_over(one, olds[one.node.service], started_at)
        self._there.listen_to(plain, began)
        return on.BroughtUp(time.monotonic(), order.number, tuple(plain))

    def _not_started(
        self,
        order: BringUp,
        prepared: Sequence[Prepared],
        olds: Mapping[str, Attached | None],
        error: DevloopError,
    ) -> on.BroughtUp:
        """Say what a command that failed leaves: of several nobody knows whose fault it was."""
        now = time.monotonic()
        if self._links.quitting.is_set():
            return on.BroughtUp(now, order.number)
        if len(prepared) > 1:
            return on.BroughtUp(now, order.number, apart=True)
        for one in prepared:
            left = self._bring_back(one.node.service, olds[one.node.service])
            self._tell_failed(one.node, one.made, error, left)
        if prepared:
            return on.BroughtUp(now, order.number)
        return on.BroughtUp(now, order.number, message=error.message, hint=error.hint or HINT)

    def _retire(self, one: Prepared) -> Attached | None:
        attachment = self._links.of(one.node.service)
        old = attachment.current
        if old:
            attachment.retire(old)
        return old

    def _hand_over(self, one: Prepared, old: Attached | None, started_at: float) -> None:
        """Attach to the container that Compose has started."""
        service = one.node.service
        identity = self._there.container(service)
        if identity is None:
            error = HostError("its container is gone", hint="save a file to start it again")
            self._tell_failed(one.node, one.made, error, on.Nothing())
            return
        attachment = self._links.of(service)
        attached = self._attached(one.container, identity)
        attachment.current = attached
        attachment.follow(attached, replay=True)
        gap_since = started_at if old else None
        now, made = time.monotonic(), one.made
        self._links.post(
            on.HandedOver(
                now, service, made.generation, identity, made.image, started_at, gap_since
            )
        )
        attachment.announce(attached)

    def _attached(self, container: Container, identity: str) -> Attached:
        """Give a container of Compose's to be attached to, with the ports that it has."""
        spec = container.spec
        ports = self._there.published(identity, spec)
        return Attached(replace(container, id=identity, spec=replace(spec, ports=ports)))

    def _bring_back(self, service: str, old: Attached | None) -> on.Left:
        """Start a service again as it was, if it was."""
        attachment = self._links.of(service)
        attachment.current = None
        if old is None or service not in self._changes:
            self._changes.pop(service, None)
            return on.Nothing()
        started_at = time.monotonic()
        try:
            self._up([service], needs=False)
            identity = self._there.container(service)
        except DevloopError:
            return on.Nothing()
        if identity is None:
            return on.Nothing()
        attachment.current = again = self._attached(old.container, identity)
        attachment.follow(again, replay=True)
        return on.BroughtBack(identity, started_at)

    def _tell_failed(
        self, node: ServiceNode, made: Replacement, error: Exception, left: on.Left
    ) -> None:
        fatal = fatal_code(error, DevloopError) or 1
        now, said = time.monotonic(), words(error, HINT)
        self._links.post(
            on.HandOverFailed(now, node.service, made.generation, left=left, fatal=fatal, **said)
        )
        attachment = self._links.of(node.service)
        if isinstance(left, on.BroughtBack) and attachment.current:
            attachment.announce(attachment.current)

    # preparing

    def _prepared(self, order: BringUp) -> Iterator[Prepared]:
        """Prepare each developed service; tells of those for which that fails."""
        for node in order.nodes:
            if node.replacement is None:
                continue
            try:
                container, change = self._prepare(node.service, node.replacement)
            except EngineGoneError:
                raise
            except (DevloopError, OSError) as error:
                self._tell_failed(node, node.replacement, error, on.Untouched())
            else:
                yield Prepared(node, node.replacement, container, change)

    def _prepare(self, service: str, made: Replacement) -> tuple[Container, ServiceChange]:
        """Fill the volumes and find out what the image can do, with a container that never runs."""
        one = self._known.developed[service]
        spec, digest = made.wanted.spec, made.wanted.fingerprint.digest
        image = images.inspect(self._engine, made.image)
        if image is None:
            raise HostError("the image is gone", hint="save a file to build it again")
        image = _as_written(image, one)
        make_mount_points(spec)
        helper = prepare.prepare(self._engine, one.project, image, spec, digest)
        containers.remove(self._engine, helper.id)
        if self._known.model.one_shot(service):
            helper = replace(helper, nonce="")
        return helper, _change(one, made.image, helper, digest)

    # commands

    def _up(self, names: Sequence[str], *, needs: bool) -> None:
        document = changes.document(self._known.model, self._changes)
        users = {one: self._changes[one].settings.user for one in names if one in self._changes}
        if any(users.values()):
            self._compose.up(document, names, deps=needs, start=False)
            for one, user in users.items():
                identity = self._there.container(one)
                if user and identity:
                    prepare.settle_user(self._engine, identity, user)
        self._compose.up(document, names, deps=needs)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            self._changes.pop(name, None)
            for one in self._there.found(name):
                containers.stop(self._engine, one.id, GRACE)
                containers.remove(self._engine, one.id)

    def _restart(self, names: Iterable[str]) -> None:
        """Restart services that devloop does not develop, in their own grace."""
        for name in names:
            identity = self._there.container(name)
            if identity:
                began = time.time()
                containers.restart_whole(self._engine, identity)
                self._there.listen(name, began)

    # the end

    def quit(self) -> None:
        """Stop what was started here, in Compose's order and grace."""
        self._compose.interrupt()
        known = self._known
        ours = sorted(known.wanted - (self._others - set(known.developed)))
        with self._changing:
            try:
                if ours:
                    self._compose.stop(changes.document(known.model, self._changes), ours)
            except DevloopError as error:
                self._links.report(events.Error(error.message, error.hint))

    def kill(self) -> None:
        """Stop at once: the user asked a second time."""
        self._compose.interrupt()
        with suppress(DevloopError):
            for name in self._known.wanted - self._others:
                for one in self._there.found(name):
                    containers.kill(self._engine, one.id)


def _as_written(image: images.Image, one: Developed) -> images.Image:
    """Let the compose file's entrypoint, which drops the image's CMD, and stop signal count."""
    service = one.service
    if service.entrypoint is not None:
        image = replace(image, entrypoint=service.entrypoint, command=())
    return replace(image, stop_signal=service.stop_signal or image.stop_signal)


def _change(one: Developed, name: str, container: Container, digest: str) -> ServiceChange:
    spec, image = container.spec, container.image
    kept = {
        path: volumes.name(one.project, image.id, path, spec.user)
        for path in settings_of.kept_paths(spec)
    }
    labels = volumes.labels(replace(one.project, service=one.service.name), digest)
    known = image if container.nonce else None
    settings = settings_of.of(name, known, spec, labels, container.nonce, kept)
    # the compose file says whether stdin is open, and all of one that has no supervisor
    return ServiceChange(one, replace(settings, stdin=False, init=bool(container.nonce)))
