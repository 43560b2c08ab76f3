"""A container made ready to be started: its volumes full, its user at home."""

from __future__ import annotations

import secrets
import tarfile
from collections.abc import Mapping
from dataclasses import replace

from devloop.container_settings import ContainerSettings, Mount, MountKind
from devloop.engine import containers, create, files, volumes
from devloop.engine.client import Engine
from devloop.engine.containers import Container, remove
from devloop.engine.images import Image
from devloop.model import ContainerSpec, Project
from devloop.target import settings as settings_of
from devloop.target.agent import debugging
from devloop.target.settings import HOME, inside, kept_paths

SHELLS = ("/bin/sh",)
SETSIDS = ("/usr/bin/setsid", "/bin/setsid", "/usr/sbin/setsid", "/sbin/setsid")


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
        files.put(engine, container.id, "/", debugging.files(spec.debugger))
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
    labels = volumes.labels(project, fingerprint)
    settings = settings_of.of(image.id, image, spec, labels, nonce, kept)
    name = f"{project.slug}-next"
    remove(engine, name)
    identity = create.container(engine, settings, name)
    container = Container(identity, name, image, spec, nonce)
    stale = {
        path
        for path in kept
        if path not in new and not volumes.filled(engine, identity, inside(spec, path))
    }
    if stale:
        remove(engine, identity)
        for path in stale:
            volumes.remove_when_free(engine, kept[path])
        return _create(engine, project, image, spec, fingerprint, supervised=supervised)
    if new and spec.user:
        _hand_over_volumes(engine, image, spec, {path: kept[path] for path in new})
    for path in new:
        volumes.mark(engine, identity, inside(spec, path))
    return container


def _can_supervise(engine: Engine, container: str) -> bool:
    return any(files.has_file(engine, container, path) for path in SHELLS) and any(
        files.has_file(engine, container, path) for path in SETSIDS
    )


def settle_user(engine: Engine, container: str, user: tuple[int, int]) -> None:
    """Give a bare uid a passwd line and a home of its own: apps break without them."""
    uid, gid = user
    home = tarfile.TarInfo(HOME.lstrip("/"))
    home.type, home.mode, home.uid, home.gid = tarfile.DIRTYPE, 0o755, uid, gid
    members = [(home, b"")]
    known = files.read_file(engine, container, "/etc/passwd")
    if known and not any(line.split(b":")[2:3] == [b"%d" % uid] for line in known.splitlines()):
        line = f"devloop:x:{uid}:{gid}:devloop:{HOME}:/bin/sh\n".encode()
        passwd = tarfile.TarInfo("etc/passwd")
        passwd.mode = 0o644
        members.append((passwd, known.rstrip(b"\n") + b"\n" + line))
    files.put(engine, container, "/", members)


def _hand_over_volumes(
    engine: Engine, image: Image, spec: ContainerSpec, new: Mapping[str, str]
) -> None:
    """Make the invoking user the owner of freshly filled volumes, once."""
    uid, gid = spec.user or (0, 0)
    paths = (inside(spec, path) for path in new)
    settings = ContainerSettings(
        image=image.id,
        user=(0, 0),
        entrypoint=("chown", "-R", f"{uid}:{gid}", *paths),
        command=(),
        network="none",
        mounts=tuple(Mount(MountKind.VOLUME, new[path], inside(spec, path)) for path in new),
    )
    helper = create.container(engine, settings)
    try:
        containers.begin(engine, helper)
        containers.wait_end(engine, helper)
    finally:
        remove(engine, helper)
