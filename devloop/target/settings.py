"""What a container is made of, as the Engine API's JSON."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import cache
from importlib import resources

from devloop.engine import volumes
from devloop.engine.images import Image
from devloop.model import ContainerSpec, Port, Project
from devloop.target import agent
from devloop.target.agent import debugging

HOME = "/home/devloop"


def kept_paths(spec: ContainerSpec) -> tuple[str, ...]:
    """Give the paths that are volumes: without a mount there are none."""
    return spec.keep if spec.mount else ()


def inside(spec: ContainerSpec, path: str) -> str:
    """Give a project path's place in the container."""
    return posixpath.join(spec.mount or "/", path)


def request_body(
    project: Project,
    image: Image,
    spec: ContainerSpec,
    fingerprint: str,
    nonce: str,
    kept: Mapping[str, str],
) -> dict[str, object]:
    """Give what is posted to create a container; without a nonce it has no supervisor."""
    argv = command(image, spec)
    env = dict(spec.env)
    if spec.user:
        env.setdefault("HOME", HOME)
    body: dict[str, object] = {
        "Image": image.id,
        "Env": [f"{key}={value}" for key, value in env.items()],
        "Labels": dict(volumes.labels(project, fingerprint)),
        "OpenStdin": True,
        "ExposedPorts": {f"{port.container}/tcp": {} for port in spec.published},
        "StopTimeout": spec.engine_grace,
        "HostConfig": {
            "Init": True,
            "Mounts": _mounts(spec, kept),
            "PortBindings": _bindings(spec.published),
            "Memory": spec.memory or 0,
            "NanoCpus": int((spec.cpus or 0) * 1e9),
        },
    }
    if spec.user:
        body["User"] = f"{spec.user[0]}:{spec.user[1]}"
    if nonce:
        body["Entrypoint"] = supervisor(image, spec, nonce)
        body["Cmd"] = argv
        body["StopSignal"] = "SIGTERM"
    elif argv:
        body["Entrypoint"], body["Cmd"] = argv[:1], argv[1:]
    return body


def supervisor(image: Image, spec: ContainerSpec, nonce: str) -> list[str]:
    """Give the entrypoint that runs a command under the supervisor."""
    arguments = [nonce, image.stop_signal, f"{spec.stop_grace:g}", spec.reload_signal or "HUP"]
    return ["sh", "-c", _script(), "devloop", *arguments]


def command(image: Image, spec: ContainerSpec) -> list[str]:
    """Give the argument vector that the app is run with; a list or string replaces the CMD."""
    argv = _plain_command(image, spec)
    return debugging.wrapped(argv, spec.debugger) if spec.debugger and argv else argv


def _plain_command(image: Image, spec: ContainerSpec) -> list[str]:
    if spec.command is None:
        return [*image.entrypoint, *image.command]
    if isinstance(spec.command, str):
        return [*image.entrypoint, "sh", "-c", spec.command]
    return [*image.entrypoint, *spec.command]


@cache
def _script() -> str:
    return resources.files(agent).joinpath("supervise.sh").read_text("ascii")


def _mounts(spec: ContainerSpec, kept: Mapping[str, str]) -> list[dict[str, object]]:
    if spec.mount is None:
        return []
    mounts: list[dict[str, object]] = [
        {"Type": "bind", "Source": spec.root, "Target": spec.mount},
        # devloop's own state is none of the app's business
        {
            "Type": "tmpfs",
            "Target": inside(spec, ".devloop"),
            "TmpfsOptions": {"SizeBytes": 1 << 16, "Mode": 0o555},
        },
    ]
    for path, volume in sorted(kept.items()):
        mounts.append({"Type": "volume", "Source": volume, "Target": inside(spec, path)})
    return mounts


def _bindings(ports: tuple[Port, ...]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        binding = {"HostIp": port.host, "HostPort": str(port.published)}
        found.setdefault(f"{port.container}/tcp", []).append(binding)
    return found
