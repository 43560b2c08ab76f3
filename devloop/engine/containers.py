"""Containers: created, started, signalled, ended, removed; looked up and listed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devloop.engine.client import CONFLICT, NOT_FOUND, Engine
from devloop.engine.images import Image
from devloop.errors import HostError, RefusedError
from devloop.model import LABEL_PATH, LABEL_PROJECT, ContainerSpec, Port, Project

NOT_MODIFIED = 304


@dataclass(frozen=True)
class Container:
    """A container of ours; ``nonce`` marks its supervisor's lines, empty where it has none."""

    id: str
    name: str
    image: Image
    spec: ContainerSpec
    nonce: str


@dataclass(frozen=True)
class Bound:
    """A port of a container; ``published`` is this machine's, at ``host``, 0 if it is not."""

    container: int
    protocol: str
    published: int = 0
    host: str = ""


@dataclass(frozen=True)
class ListedContainer:
    """A container in a list; ``image`` as it was named, ``state`` and ``status`` in its words.

    ``size`` is what it has written, in bytes, 0 unless it was asked for.
    """

    id: str
    name: str
    image: str
    image_id: str
    state: str
    status: str
    labels: Mapping[str, str]
    ports: tuple[Bound, ...] = ()
    size: int = 0


@dataclass(frozen=True)
class Inspected:
    """What is needed of all that the engine tells of one container."""

    id: str
    running: bool
    exit_code: int
    entrypoint: tuple[str, ...]
    workdir: str
    ports: tuple[Bound, ...]


class PortTakenError(HostError):
    """A port that the app publishes is in use by another process or container."""


def begin(engine: Engine, container: str) -> None:
    """Start a container; raises ``RefusedError``."""
    engine.post(f"/containers/{container}/start")


def start(engine: Engine, container: Container) -> None:
    """Start a prepared container; raises ``PortTakenError`` or ``RefusedError``."""
    try:
        begin(engine, container.id)
    except RefusedError as error:
        text = error.message
        if "already allocated" in text or "address already in use" in text:
            raise port_taken(engine, container.spec.ports) from None
        raise


def restart(engine: Engine, container: Container) -> None:
    """Start the app anew: by a signal to the supervisor, or the whole container without one."""
    if container.nonce:
        signal(engine, container.id, "HUP")
    else:
        restart_whole(engine, container.id, container.spec.engine_grace)


def restart_whole(engine: Engine, container: str, grace: int | None = None) -> None:
    """Stop a container within a grace (seconds), else its own, and start it again."""
    engine.post(f"/containers/{container}/restart", **_grace(grace))


def signal(engine: Engine, container: str, name: str) -> None:
    """Send a signal to a container's first process; raises ``RefusedError`` if it does not run."""
    engine.post(f"/containers/{container}/kill", signal=name)


def forward_signal(engine: Engine, container: Container, name: str) -> None:
    """Send the app its reload signal, by way of the supervisor where there is one."""
    signal(engine, container.id, "USR1" if container.nonce else name)


def stop(engine: Engine, container: str, grace: int | None = None) -> None:
    """Stop a container within a grace (seconds), else its own; one that is gone is stopped."""
    try:
        engine.post(f"/containers/{container}/stop", **_grace(grace))
    except RefusedError as error:
        if error.status not in (NOT_FOUND, NOT_MODIFIED):
            raise


def _grace(seconds: int | None) -> Mapping[str, int]:
    return {} if seconds is None else {"t": seconds}


def kill(engine: Engine, container: str) -> None:
    """End a container at once; one that does not run has ended."""
    try:
        engine.post(f"/containers/{container}/kill")
    except RefusedError as error:
        if error.status not in (NOT_FOUND, CONFLICT):
            raise


def remove(engine: Engine, container: str) -> None:
    """Remove a container, running or not, but none of its named volumes."""
    try:
        engine.delete(f"/containers/{container}", force="true", v="true")
    except RefusedError as error:
        if error.status != CONFLICT:  # its removal is under way
            raise


def rename(engine: Engine, container: str, name: str) -> None:
    """Give a container its final name."""
    engine.post(f"/containers/{container}/rename", name=name)


def exit_code(engine: Engine, container: str) -> int | None:
    """Give the exit code of an ended container, None if it runs or is gone."""
    try:
        found = inspect(engine, container)
    except RefusedError:
        return None
    return None if found.running else found.exit_code


def wait_end(engine: Engine, container: str) -> None:
    """Wait until a container is not running; its output ends a moment before its state does."""
    try:
        engine.post(f"/containers/{container}/wait")
    except RefusedError as error:
        if error.status != NOT_FOUND:
            raise


def inspect(engine: Engine, container: str) -> Inspected:
    """Look a container up by its id or name; raises ``RefusedError``, ``NOT_FOUND`` if it is gone.

    The ports are those that are published, at the addresses that the engine really has them.
    """
    found = engine.get(f"/containers/{container}/json")
    config, state = found["Config"], found["State"]
    return Inspected(
        id=found["Id"],
        running=bool(state["Running"]),
        exit_code=int(state["ExitCode"]),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        workdir=config.get("WorkingDir") or "/",
        ports=tuple(_published(found["NetworkSettings"].get("Ports") or {})),
    )


def _published(found: Mapping[str, Iterable[Mapping[str, str]] | None]) -> Iterator[Bound]:
    for key, bindings in found.items():
        port, _, protocol = key.partition("/")
        for one in bindings or ():
            yield Bound(int(port), protocol, int(one["HostPort"]), one["HostIp"])


def execute(engine: Engine, container: str, argv: list[str]) -> tuple[int, str]:
    """Run a command in the container; gives its exit code and its output, both streams mixed."""
    body = {"AttachStdout": True, "AttachStderr": True, "Tty": True, "Cmd": argv}
    identity = engine.post(f"/containers/{container}/exec", body)["Id"]
    answer = engine.request(
        "POST", f"/exec/{identity}/start", json={"Detach": False, "Tty": True}, timeout=None
    )
    code = engine.get(f"/exec/{identity}/json")["ExitCode"]
    return int(code or 0), answer.content.decode("utf-8", "replace")


def labelled(
    engine: Engine, wanted: Iterable[str], *, running: bool = False, sizes: bool = False
) -> tuple[ListedContainer, ...]:
    """List the containers that bear all these labels, each a name or ``name=value``.

    ``running``: those that don't run are left out; ``sizes``: measured, which takes a while.
    """
    asked = {"filters": json.dumps({"label": list(wanted)})}
    asked |= {} if running else {"all": "true"}
    asked |= {"size": "true"} if sizes else {}
    return tuple(_listed(one) for one in engine.get("/containers/json", **asked))


def of_project(
    engine: Engine, project: Project, *, sizes: bool = False
) -> tuple[ListedContainer, ...]:
    """List every container that bears the project's label, running or not."""
    return labelled(engine, [f"{LABEL_PROJECT}={project.id}"], sizes=sizes)


def _listed(found: Mapping[str, Any]) -> ListedContainer:
    return ListedContainer(
        id=found["Id"],
        name=next(iter(found.get("Names") or ()), "").lstrip("/"),  # none while it is removed
        image=str(found["Image"]),
        image_id=str(found["ImageID"]),
        state=str(found["State"]),
        status=str(found["Status"]),
        labels=found.get("Labels") or {},
        ports=tuple(_bound(one) for one in found.get("Ports") or ()),
        size=int(found.get("SizeRw") or 0),
    )


def _bound(found: Mapping[str, Any]) -> Bound:
    published, host = int(found.get("PublicPort") or 0), str(found.get("IP", ""))
    return Bound(int(found["PrivatePort"]), str(found["Type"]), published, host)


def port_taken(engine: Engine, ports: tuple[Port, ...], owner: str = "") -> PortTakenError:
    """Say which port is taken, and by which container if it is one."""
    for port in ports:
        for other in labelled(engine, (), running=True):
            if any(one.published == port.published for one in other.ports):
                where = other.labels.get(LABEL_PATH)
                owner = f"the container {other.name}" + (f" (devloop in {where})" if where else "")
                return _taken(port, owner)
    return _taken(ports[0], owner) if ports else PortTakenError("a port is taken")


def _taken(port: Port, owner: str) -> PortTakenError:
    return PortTakenError(
        f"port {port.published} is taken" + (f" by {owner}" if owner else ""),
        hint="stop that, or publish another one with app.ports: "
        f"['{port.published + 1}:{port.container}']",
    )
