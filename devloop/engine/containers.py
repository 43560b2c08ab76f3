"""The container under development: created, filled, started, restarted, removed."""

from __future__ import annotations

import json
import secrets
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from devloop.engine import debugging, volumes
from devloop.engine.body import HOME, Image, grace_seconds, inside, kept_paths, request_body
from devloop.engine.client import CONFLICT, NOT_FOUND, Engine, RefusedError
from devloop.errors import HostError
from devloop.model import LABEL_PATH, LABEL_PROJECT, ContainerSpec, Port, Project

SHELLS = ("/bin/sh",)
SETSIDS = ("/usr/bin/setsid", "/bin/setsid", "/usr/sbin/setsid", "/sbin/setsid")
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


def inspect_image(engine: Engine, reference: str) -> Image | None:
    """Look an image up, None if the engine does not have it."""
    try:
        found = engine.get(f"/images/{reference}/json")
    except RefusedError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    config: Mapping[str, Any] = found.get("Config") or {}
    exposed = (key.partition("/") for key in config.get("ExposedPorts") or {})
    return Image(
        id=found["Id"],
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        workdir=config.get("WorkingDir") or "/",
        stop_signal=str(config.get("StopSignal") or "TERM").removeprefix("SIG"),
        ports=tuple(sorted(int(port) for port, _, kind in exposed if kind in ("", "tcp"))),
        size=int(found.get("Size") or 0),
    )


def prepare(
    engine: Engine, project: Project, image: Image, spec: ContainerSpec, fingerprint: str
) -> Container:
    """Create a container, ready to be started: its volumes full, its user at home.

    The supervisor needs a shell and setsid; an image without them runs its command itself.
    """
    container = _create(engine, project, image, spec, fingerprint, supervised=True)
    if not _can_supervise(engine, container.id):
        remove(engine, container.id)
        container = _create(engine, project, image, spec, fingerprint, supervised=False)
    if spec.user:
        settle_user(engine, container.id, spec.user)
    if spec.debugger:
        volumes.put(engine, container.id, "/", debugging.files(spec.debugger))
    return container


def prepare_idle(
    engine: Engine, project: Project, image: Image, spec: ContainerSpec, fingerprint: str
) -> Container:
    """Create a container that waits instead of running the app; jobs run in it."""
    silent = replace(spec, ports=(), command=None, debugger=None)
    waiting = replace(image, entrypoint=("tail", "-f", "/dev/null"), command=())
    container = _create(engine, project, waiting, silent, fingerprint, supervised=False)
    if spec.user:
        settle_user(engine, container.id, spec.user)
    return container


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
        engine.post(f"/containers/{container.id}/restart", t=grace_seconds(container.spec))


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


def _create(
    engine: Engine,
    project: Project,
    image: Image,
    spec: ContainerSpec,
    fingerprint: str,
    *,
    supervised: bool,
) -> Container:
    """Create the container; a volume that is not known to be full is made anew, once."""
    kept = {path: volumes.name(project, image.id, path, spec.user) for path in kept_paths(spec)}
    new = {path for path, volume in kept.items() if not volumes.exists(engine, volume)}
    for path in new:
        volumes.create(engine, project, kept[path], fingerprint)
    nonce = secrets.token_hex(8) if supervised else ""
    body = request_body(project, image, spec, fingerprint, nonce, kept)
    name = f"{project.slug}-next"
    remove(engine, name)
    identity = engine.post("/containers/create", body, name=name)["Id"]
    container = Container(identity, name, image, spec, nonce)
    stale = {
        path
        for path in kept
        if path not in new and not volumes.filled(engine, identity, inside(spec, path))
    }
    if stale:
        remove(engine, identity)
        for path in stale:
            volumes.remove(engine, kept[path])
        return _create(engine, project, image, spec, fingerprint, supervised=supervised)
    if new and spec.user:
        _hand_over_volumes(engine, image, spec, {path: kept[path] for path in new})
    for path in new:
        volumes.mark(engine, identity, inside(spec, path))
    return container


def _can_supervise(engine: Engine, container: str) -> bool:
    return any(volumes.has_file(engine, container, path) for path in SHELLS) and any(
        volumes.has_file(engine, container, path) for path in SETSIDS
    )


def settle_user(engine: Engine, container: str, user: tuple[int, int]) -> None:
    """Give a bare uid a passwd line and a home of its own: apps break without them."""
    uid, gid = user
    home = tarfile.TarInfo(HOME.lstrip("/"))
    home.type, home.mode, home.uid, home.gid = tarfile.DIRTYPE, 0o755, uid, gid
    files = [(home, b"")]
    known = volumes.read_file(engine, container, "/etc/passwd")
    if known and not any(line.split(b":")[2:3] == [b"%d" % uid] for line in known.splitlines()):
        line = f"devloop:x:{uid}:{gid}:devloop:{HOME}:/bin/sh\n".encode()
        passwd = tarfile.TarInfo("etc/passwd")
        passwd.mode = 0o644
        files.append((passwd, known.rstrip(b"\n") + b"\n" + line))
    volumes.put(engine, container, "/", files)


def _hand_over_volumes(
    engine: Engine, image: Image, spec: ContainerSpec, new: Mapping[str, str]
) -> None:
    """Make the invoking user the owner of freshly filled volumes, once."""
    uid, gid = spec.user or (0, 0)
    paths = [inside(spec, path) for path in new]
    mounts = [
        {"Type": "volume", "Source": volume, "Target": inside(spec, path)}
        for path, volume in new.items()
    ]
    body = {
        "Image": image.id,
        "User": "0:0",
        "Entrypoint": ["chown", "-R", f"{uid}:{gid}", *paths],
        "Cmd": [],
        "HostConfig": {"NetworkMode": "none", "Mounts": mounts},
    }
    helper = engine.post("/containers/create", body)["Id"]
    try:
        engine.post(f"/containers/{helper}/start")
        engine.post(f"/containers/{helper}/wait")
    finally:
        remove(engine, helper)
