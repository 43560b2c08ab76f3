"""`devloop down`: end the project's loop and remove its containers."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from devloop import process
from devloop.cli import project as projects
from devloop.engine import client, containers
from devloop.errors import HostError
from devloop.model import Project
from devloop.project import lock

PATIENCE = 30.0
PAUSE = 0.05


def down(path: Path, files: tuple[str, ...], *, volumes: bool) -> int:
    """Stop the loop that runs there, if one does, then what it or a killed one left."""
    engine = client.connect()
    root = projects.folder(path)
    compose = projects.compose(root, files)
    end_loop(root)
    if compose is not None:
        compose.down(volumes=volumes)
    project = Project(root, os.path.basename(root))
    found = containers.of_project(engine, project)
    for one in found:
        if one.state == "running":
            containers.stop(engine, one.id, 10)
        containers.remove(engine, one.id)
        sys.stderr.write(f"devloop: removed {one.name}\n")
    return 0


def end_loop(root: str) -> None:
    """End the loop that runs in a folder, if one does.

    Raises ``HostError`` if it does not end in time.
    """
    holder = lock.holder(root)
    if holder is None:
        return
    sys.stderr.write(f"devloop: ending the loop of process {holder}\n")
    process.ask_to_end(holder)
    if not ends(root, holder, PATIENCE):
        raise HostError(f"process {holder} does not end", hint="`devloop kill` ends it at once")


def ends(root: str, holder: int, patience: float) -> bool:
    """Wait for a loop's end, for so many seconds; says whether it came."""
    deadline = time.monotonic() + patience
    while lock.holder(root) == holder:
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True
