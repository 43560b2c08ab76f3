"""What a container is made of: computed once, for the Engine API, for Compose and for export."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from devloop.container_settings import ContainerSettings, Mount, MountKind
from devloop.engine.images import Image
from devloop.model import ContainerSpec
from devloop.target import agent
from devloop.target.agent import debugging

HOME = "/home/devloop"
HIDDEN = ".devloop"
"""devloop's own state is none of the app's business."""


def of(
    reference: str,
    image: Image | None,
    spec: ContainerSpec,
    labels: Mapping[str, str],
    nonce: str = "",
    kept: Mapping[str, str] | None = None,
) -> ContainerSettings:
    """Compute what a container of this image is made of.

    ``image`` None is one of which nothing is known: what it starts stays, and so does the grace.
    ``nonce`` marks the supervisor's lines, without one it has none; ``kept`` maps each kept path
    to its volume.
    """
    env = dict(spec.env)
    if spec.user:
        env.setdefault("HOME", HOME)
    entrypoint, command = _started(image, spec, nonce)
    return ContainerSettings(
        image=reference,
        entrypoint=entrypoint,
        command=command,
        env=tuple(env.items()),
        labels=tuple(labels.items()),
        user=spec.user,
        stop_signal="SIGTERM" if nonce else "",
        stop_timeout=spec.engine_grace if image else spec.stop_grace,
        init=True,
        stdin=True,
        mounts=tuple(_mounts(spec, kept or {})),
        ports=spec.published,
        memory=spec.memory,
        cpus=spec.cpus,
    )


def kept_paths(spec: ContainerSpec) -> tuple[str, ...]:
    """Give the paths that are volumes: without a mount there are none."""
    return spec.keep if spec.mount else ()


def inside(spec: ContainerSpec, path: str) -> str:
    """Give a project path's place in the container."""
    return posixpath.join(spec.mount or "/", path)


def _started(
    image: Image | None, spec: ContainerSpec, nonce: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Give the entrypoint and the command, None what stays as it is written elsewhere."""
    if image is None:
        return None, _said(spec)
    argv = _argv(image, spec)
    if nonce:
        return _supervisor(image, spec, nonce), argv
    return (argv[:1], argv[1:]) if argv else (None, None)


def _supervisor(image: Image, spec: ContainerSpec, nonce: str) -> tuple[str, ...]:
    """Give the entrypoint that runs a command under the supervisor."""
    arguments = (nonce, image.stop_signal, f"{spec.stop_grace:g}", spec.reload_signal or "HUP")
    return ("sh", "-c", _script(), "devloop", *arguments)


def _argv(image: Image, spec: ContainerSpec) -> tuple[str, ...]:
    """Give the argument vector that the app is run with."""
    said = _said(spec)
    argv = [*image.entrypoint, *(image.command if said is None else said)]
    return tuple(debugging.wrapped(argv, spec.debugger) if spec.debugger and argv else argv)


def _said(spec: ContainerSpec) -> tuple[str, ...] | None:
    """Give what takes the place of the image's CMD, None if nothing does."""
    return ("sh", "-c", spec.command) if isinstance(spec.command, str) else spec.command


@cache
def _script() -> str:
    return resources.files(agent).joinpath("supervise.sh").read_text("ascii")


def _mounts(spec: ContainerSpec, kept: Mapping[str, str]) -> Iterator[Mount]:
    if spec.mount is None:
        return
    yield Mount(MountKind.BIND, spec.root, spec.mount)
    yield Mount(MountKind.TMPFS, "", inside(spec, HIDDEN), size=1 << 16, mode=0o555)
    for path, volume in sorted(kept.items()):
        yield Mount(MountKind.VOLUME, volume, inside(spec, path))
