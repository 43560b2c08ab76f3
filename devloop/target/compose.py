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

from devloop import events, threads
from devloop.compose import change as changes
from devloop.compose.change import ServiceChange
from devloop.compose.command import Compose
from devloop.compose.model import Model
from devloop.compose.settings import Developed
from devloop.engine import containers, images, logs, volumes
from devloop.engine.containers import Container, ListedContainer
from devloop.errors import DevloopError, EngineGoneError, HostError
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import BringUp, Operation, Replacement, ServiceNode
from devloop.model import LABEL_PROJECT, ContainerSpec, Port, Project
from devloop.target import prepare
from devloop.target import settings as settings_of
from devloop.target.attachment import Attached
from devloop.target.container import make_mount_points
from devloop.target.docker import DockerTarget, Links, fatal_code, words

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
GRACE = 10
ONE_OFF = "com.docker.compose.oneoff=False"
HINT = "see the compose file"


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
        self._listened: set[str] = set()
        self._others = frozenset(self._running())
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
        self._listened.clear()

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
        """Tell that it ended by something unexpected."""
        for node in order.nodes:
            if node.replacement:
                self._tell_failed(node, node.replacement, error, on.Nothing())
        said = words(error, HINT)
        self._links.post(on.BroughtUp(time.monotonic(), order.number, message=said["message"]))

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
        self._listen_to(plain, began)
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
        identity = self._container(service)
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
        ports = tuple(_in_order(self._published(identity), spec))
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
            identity = self._container(service)
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
                identity = self._container(one)
                if user and identity:
                    prepare.settle_user(self._engine, identity, user)
        self._compose.up(document, names, deps=needs)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            self._changes.pop(name, None)
            for one in self._found(name):
                containers.stop(self._engine, one.id, GRACE)
                containers.remove(self._engine, one.id)

    def _restart(self, names: Iterable[str]) -> None:
        """Restart services that devloop does not develop, in their own grace."""
        for name in names:
            identity = self._container(name)
            if identity:
                began = time.time()
                containers.restart_whole(self._engine, identity)
                self._listen(name, began)

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
                for one in self._found(name):
                    containers.kill(self._engine, one.id)

    # what is there

    def _container(self, name: str) -> str | None:
        """Give the id of a service's container."""
        found = self._found(name)
        return found[0].id if found else None

    def _found(self, name: str) -> tuple[ListedContainer, ...]:
        labels = [f"{PROJECT}={self._known.model.name}", f"{SERVICE}={name}", ONE_OFF]
        return containers.labelled(self._engine, labels)

    def _published(self, identity: str) -> tuple[Port, ...]:
        found = containers.inspect(self._engine, identity).ports
        return tuple(
            Port(one.container, one.published, one.host or "0.0.0.0")  # noqa: S104
            for one in found
            if one.protocol == "tcp"
        )

    def _running(self) -> Iterable[str]:
        """List the services that ran before, but for what an earlier loop has left."""
        labels = [f"{PROJECT}={self._known.model.name}", ONE_OFF]
        for one in containers.labelled(self._engine, labels, running=True):
            if LABEL_PROJECT not in one.labels:
                yield one.labels[SERVICE]

    def _listen_to(self, names: Iterable[str], began: float) -> None:
        """Listen to services that nobody listens to yet."""
        for name in sorted(set(names) - self._listened):
            self._listened.add(name)
            self._listen(name, began)

    def _listen(self, name: str, since: float) -> None:
        """Report what a service that devloop does not develop is, and writes from a time on."""
        found = next(iter(self._found(name)), None)
        if found is None:
            return
        if found.state == "running":
            self._tell(name, events.ServiceStarted(found.id, found.image))

        def line(stream: str, text: str) -> None:
            self._links.report(events.Log(name, stream, text))

        def read() -> None:
            with suppress(DevloopError):
                pieces = self._engine.logs(found.id, since=since)
                logs.split(pieces, "", line, lambda *_: None)
            self._ended(name, found.id)

        threads.spawn(read, failed=self._links.failed, name=f"logs of {name}")

    def _ended(self, name: str, identity: str) -> None:
        """Report the end of a service, unless it was ended here or runs again."""
        if self._links.quitting.is_set():
            return
        with suppress(DevloopError):
            containers.wait_end(self._engine, identity)
            code = containers.exit_code(self._engine, identity)
            if code is not None and not self._links.quitting.is_set():
                self._tell(name, events.ServiceExited(code))

    def _tell(self, name: str, event: events.Event) -> None:
        self._links.report(events.of_service(event, name))


@dataclass(frozen=True)
class ComposeModel:
    """What a compose file says: ``wanted`` are the services that are to run."""

    model: Model
    developed: Mapping[str, Developed]
    wanted: frozenset[str]


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


def _in_order(ports: Iterable[Port], spec: ContainerSpec) -> list[Port]:
    """Order the ports of a container as the model has them, IPv4 first."""
    order = [port.container for port in spec.ports]

    def place(one: Port) -> tuple[int, bool]:
        at = order.index(one.container) if one.container in order else len(order)
        return at, ":" in one.host

    return sorted(ports, key=place)
