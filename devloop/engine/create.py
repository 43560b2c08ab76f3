"""Creates a container of its settings."""

from __future__ import annotations

from devloop.container_settings import ContainerSettings, Mount
from devloop.engine.client import Engine
from devloop.model import Port


def container(engine: Engine, settings: ContainerSettings, name: str = "") -> str:
    """Create a container; gives its id.

    Raises ``RefusedError``, with the status ``CONFLICT`` if another one has the name.
    """
    asked = {"name": name} if name else {}
    return str(engine.post("/containers/create", body(settings), **asked)["Id"])


def body(settings: ContainerSettings) -> dict[str, object]:
    """Write settings down as the Engine API's JSON."""
    found: dict[str, object] = {
        "Image": settings.image,
        "Env": [f"{key}={value}" for key, value in settings.env],
        "Labels": dict(settings.labels),
        "OpenStdin": settings.stdin,
        "ExposedPorts": {f"{port.container}/tcp": {} for port in settings.ports},
        "HostConfig": _host(settings),
    }
    if settings.user:
        found["User"] = settings.user_text
    if settings.entrypoint is not None:
        found["Entrypoint"] = list(settings.entrypoint)
    if settings.command is not None:
        found["Cmd"] = list(settings.command)
    if settings.stop_signal:
        found["StopSignal"] = settings.stop_signal
    if settings.stop_timeout is not None:
        found["StopTimeout"] = int(settings.stop_timeout)
    return found


def _host(settings: ContainerSettings) -> dict[str, object]:
    found: dict[str, object] = {
        "Mounts": [_mount(one) for one in settings.mounts],
        "PortBindings": _bindings(settings.ports),
        "Memory": settings.memory or 0,
        "NanoCpus": int((settings.cpus or 0) * 1e9),
    }
    if settings.init:
        found["Init"] = True
    if settings.network:
        found["NetworkMode"] = settings.network
    return found


def _mount(one: Mount) -> dict[str, object]:
    found: dict[str, object] = {"Type": one.kind.value, "Target": one.target}
    if one.source:
        found["Source"] = one.source
    if one.read_only:
        found["ReadOnly"] = True
    if one.size:
        found["TmpfsOptions"] = {"SizeBytes": one.size, "Mode": one.mode}
    return found


def _bindings(ports: tuple[Port, ...]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        binding = {"HostIp": port.host, "HostPort": str(port.published)}
        found.setdefault(f"{port.container}/tcp", []).append(binding)
    return found
