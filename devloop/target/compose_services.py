"""The services of a Compose project as the engine has them, found by the labels of Compose."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from devloop import events, threads
from devloop.engine import containers, logs
from devloop.engine.containers import ListedContainer
from devloop.errors import DevloopError
from devloop.model import LABEL_PROJECT, ContainerSpec, Port
from devloop.target.docker import Links

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff=False"


class ComposeServices:
    """Finds containers of the Compose project ``name``, and tells what those without a build do."""

    def __init__(self, links: Links, name: str) -> None:
        self._links = links
        self._engine = links.engine
        self._name = name
        self._listened: set[str] = set()

    def forget(self) -> None:
        """Take every container for new: the engine was gone."""
        self._listened.clear()

    def container(self, name: str) -> str | None:
        """Give the id of a service's container."""
        found = self.found(name)
        return found[0].id if found else None

    def found(self, name: str) -> tuple[ListedContainer, ...]:
        """List the containers of a service."""
        labels = [f"{PROJECT}={self._name}", f"{SERVICE}={name}", ONE_OFF]
        return containers.labelled(self._engine, labels)

    def published(self, identity: str, spec: ContainerSpec) -> tuple[Port, ...]:
        """Read at which ports of this machine a container is reached, in the order of the model."""
        found = containers.inspect(self._engine, identity).ports
        ports = (
            Port(one.container, one.published, one.host or "0.0.0.0")  # noqa: S104
            for one in found
            if one.protocol == "tcp"
        )
        return tuple(_in_order(ports, spec))

    def running(self) -> Iterable[str]:
        """List the services that ran before, but for what an earlier loop has left."""
        labels = [f"{PROJECT}={self._name}", ONE_OFF]
        for one in containers.labelled(self._engine, labels, running=True):
            if LABEL_PROJECT not in one.labels:
                yield one.labels[SERVICE]

    def listen_to(self, names: Iterable[str], began: float) -> None:
        """Listen to services whose containers are new."""
        for name in sorted(set(names)):
            identity = self.container(name)
            if identity and identity not in self._listened:
                self._listened.add(identity)
                self.listen(name, began)

    def listen(self, name: str, since: float) -> None:
        """Report what a service that devloop does not develop is, and writes from a time on."""
        found = next(iter(self.found(name)), None)
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


def _in_order(ports: Iterable[Port], spec: ContainerSpec) -> list[Port]:
    """Order the ports of a container as the model has them, IPv4 first."""
    order = [port.container for port in spec.ports]

    def place(one: Port) -> tuple[int, bool]:
        at = order.index(one.container) if one.container in order else len(order)
        return at, ":" in one.host

    return sorted(ports, key=place)
