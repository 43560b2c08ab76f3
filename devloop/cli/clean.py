"""`devloop clean`: remove what was made for a project, and only that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devloop.cli import project as projects
from devloop.cli.ps import size
from devloop.engine import client, containers, images, system, volumes
from devloop.engine.client import Engine
from devloop.errors import HostError, RefusedError, UserError
from devloop.model import LABEL_PROJECT, Project
from devloop.project import lock


@dataclass(frozen=True)
class Removable:
    """Something that bears the project's label; ``size`` in bytes, 0 where it is not known."""

    kind: str
    id: str
    name: str
    size: int


def clean(path: Path, *, dry_run: bool) -> int:
    """Remove the project's containers, volumes and images; say what, and how much that frees.

    Raises ``UserError`` while a loop runs there.
    """
    engine = client.connect()
    root = projects.folder(path)
    holder = lock.holder(root)
    if holder is not None and not dry_run:
        raise UserError(
            f"a devloop is running in this project (process {holder})",
            hint="`devloop stop` ends it",
        )
    before = system.layers_size(engine)
    freed, failed = 0, False
    for one in made(engine, Project(root, os.path.basename(root))):
        shown = f"{one.kind} {one.name}" + (f" ({size(one.size)})" if one.size else "")
        if dry_run:
            sys.stdout.write(f"would remove {shown}\n")
        elif _remove(engine, one):
            sys.stdout.write(f"removed {shown}\n")
        else:
            failed = True
            continue
        freed += one.size if dry_run or one.kind != "image" else 0
    if dry_run:
        sys.stdout.write(f"would free up to {size(freed)}\n")
        return 0
    sys.stdout.write(f"freed {size(freed + max(0, before - system.layers_size(engine)))}\n")
    return HostError.exit_code if failed else 0


def made(engine: Engine, project: Project) -> Iterator[Removable]:
    """List what bears the project's label, in the order in which it can go."""
    for container in containers.of_project(engine, project, sizes=True):
        yield Removable("container", container.id, container.name, container.size)
    mine = set(volumes.labelled(engine, [f"{LABEL_PROJECT}={project.id}"]))
    if mine:  # the engine measures all that there are, which takes it a while
        for name, taken in system.volume_sizes(engine).items():
            if name in mine:
                yield Removable("volume", name, name, taken)
    for image in images.of_project(engine, project, alone=True):
        yield Removable("image", image.id, ", ".join(image.names) or image.id[7:19], image.size)


def _remove(engine: Engine, one: Removable) -> bool:
    try:
        match one.kind:
            case "container":
                containers.remove(engine, one.id)
            case "volume":
                volumes.remove_when_free(engine, one.id)
            case _:
                images.remove(engine, one.id, force=True)
    except RefusedError as error:
        sys.stderr.write(f"devloop: error: {one.kind} {one.name}: {error.message}\n")
        return False
    return True
