"""Kept paths: volumes named by the image, filled from it once, marked when they are full.

A volume that is being filled looks usable too early, and filling goes on when the client dies. So
a mark is put into it after the engine's create call has returned; one without it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import time
from collections.abc import Iterable, Mapping

from devloop.engine import files
from devloop.engine.client import CONFLICT, NOT_FOUND, Engine
from devloop.errors import HostError, RefusedError
from devloop.model import LABEL_FINGERPRINT, LABEL_PATH, LABEL_PROJECT, LABEL_SERVICE, Project

MARK = ".devloop-filled"
BUSY_WAIT = 60.0


def name(project: Project, image_id: str, path: str, user: tuple[int, int] | None) -> str:
    """Name the volume of a kept path: a new image, or another owner, never meets an old volume."""
    digits = image_id.removeprefix("sha256:")[:12]
    key = f"{path}\0{user}".encode("utf-8", "surrogateescape")
    which = hashlib.sha256(key).hexdigest()[:6]
    return f"devloop-{project.slug}-{digits}-{which}"


def create(engine: Engine, project: Project, volume: str, fingerprint: str) -> None:
    """Make a volume with the project's labels; making it twice is harmless."""
    engine.post("/volumes/create", {"Name": volume, "Labels": labels(project, fingerprint)})


def labels(project: Project, fingerprint: str) -> Mapping[str, str]:
    """Give the labels of everything that is made for a project."""
    service = {LABEL_SERVICE: project.service} if project.service else {}
    return {
        LABEL_PROJECT: project.id,
        LABEL_PATH: project.path,
        LABEL_FINGERPRINT: fingerprint,
        **service,
    }


def exists(engine: Engine, volume: str) -> bool:
    """Say whether the volume is there, full or not."""
    try:
        engine.get(f"/volumes/{volume}")
    except RefusedError as error:
        if error.status == NOT_FOUND:
            return False
        raise
    return True


def labelled(engine: Engine, wanted: Iterable[str]) -> tuple[str, ...]:
    """Name the volumes that bear all these labels, each a name or ``name=value``."""
    found = engine.get("/volumes", filters=json.dumps({"label": list(wanted)}))
    return tuple(one["Name"] for one in found.get("Volumes") or ())


def filled(engine: Engine, container: str, path: str) -> bool:
    """Say whether the volume that the container has at ``path`` bears the mark."""
    return files.has_file(engine, container, f"{path}/{MARK}")


def mark(engine: Engine, container: str, path: str) -> None:
    """Mark the volume at ``path`` as filled."""
    files.put(engine, container, path, [(tarfile.TarInfo(MARK), b"")])


def remove(engine: Engine, volume: str) -> None:
    """Remove a volume; raises ``RefusedError``, with ``CONFLICT`` while a container has it."""
    engine.delete(f"/volumes/{volume}")


def remove_when_free(engine: Engine, volume: str) -> None:
    """Remove a volume; one that is still being filled is waited for, then ``HostError``."""
    deadline = time.monotonic() + BUSY_WAIT
    while True:
        try:
            remove(engine, volume)
        except RefusedError as error:
            if error.status != CONFLICT:
                raise
            if time.monotonic() > deadline:
                raise HostError(
                    f"the volume {volume} is in use by another container",
                    hint="`docker ps -a` shows which; remove it",
                ) from None
            time.sleep(0.2)
        else:
            return
