"""The container under development: created, filled, started, restarted, removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
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


class PortTakenError(HostError):
    """A port that the app publishes is somebody else's."""


def start(engine: Engine, container: Container) -> None:
    """Start a prepared container; raises ``PortTakenError`` or ``RefusedError``."""
    try:
        engine.post(f"/containers/{container.id}/start")
    except RefusedError as error:
        text = error.message
        if "already allocated" in text or "address already in use" in text:
            raise port_taken(engine, container.spec.ports) from None
        raise


def restart(engine: Engine, container: Container) -> None:
    """Start the app anew: by a signal to the supervisor, or the whole container without one."""
    if container.nonce:
        engine.post(f"/containers/{container.id}/kill", signal="HUP")
    else:
        engine.post(f"/containers/{container.id}/restart", t=container.spec.engine_grace)


def forward_signal(engine: Engine, container: Container, name: str) -> None:
    """Send the app its reload signal, by way of the supervisor where there is one."""
    engine.post(f"/containers/{container.id}/kill", signal="USR1" if container.nonce else name)


def stop(engine: Engine, container: str, grace: int | None = None) -> None:
    """Stop a container within a grace (seconds), else its own; one that is gone is stopped."""
    try:
        engine.post(f"/containers/{container}/stop", **({} if grace is None else {"t": grace}))
    except RefusedError as error:
        if error.status not in (NOT_FOUND, NOT_MODIFIED):
            raise


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
        state = engine.get(f"/containers/{container}/json")["State"]
    except RefusedError:
        return None
    return None if state["Running"] else int(state["ExitCode"])


def wait_end(engine: Engine, container: str) -> None:
    """Wait until a container is not running; its output ends a moment before its state does."""
    try:
        engine.post(f"/containers/{container}/wait")
    except RefusedError as error:
        if error.status != NOT_FOUND:
            raise


def execute(engine: Engine, container: str, argv: list[str]) -> tuple[int, str]:
    """Run a command in the container; gives its exit code and its output, both streams mixed."""
    body = {"AttachStdout": True, "AttachStderr": True, "Tty": True, "Cmd": argv}
    identity = engine.post(f"/containers/{container}/exec", body)["Id"]
    answer = engine.request(
        "POST", f"/exec/{identity}/start", json={"Detach": False, "Tty": True}, timeout=None
    )
    code = engine.get(f"/exec/{identity}/json")["ExitCode"]
    return int(code or 0), answer.content.decode("utf-8", "replace")


def of_project(engine: Engine, project: Project) -> tuple[Mapping[str, Any], ...]:
    """List every container that bears the project's label."""
    return tuple(
        engine.get(
            "/containers/json",
            all="true",
            filters=json.dumps({"label": [f"{LABEL_PROJECT}={project.id}"]}),
        )
    )


def port_taken(engine: Engine, ports: tuple[Port, ...], owner: str = "") -> PortTakenError:
    """Say which port is taken, and by which container if it is one."""
    for port in ports:
        for other in engine.get("/containers/json"):
            if any(one.get("PublicPort") == port.published for one in other.get("Ports") or ()):
                name = str(other["Names"][0]).lstrip("/")
                where = (other.get("Labels") or {}).get(LABEL_PATH)
                owner = f"the container {name}" + (f" (devloop in {where})" if where else "")
                return _taken(port, owner)
    return _taken(ports[0], owner) if ports else PortTakenError("a port is taken")


def _taken(port: Port, owner: str) -> PortTakenError:
    return PortTakenError(
        f"port {port.published} is taken" + (f" by {owner}" if owner else ""),
        hint="stop that, or publish another one with app.ports: "
        f"['{port.published + 1}:{port.container}']",
    )
