"""`devloop stop` and `devloop kill`: end the loop, and what runs without one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devloop import process
from devloop.cli import project as projects
from devloop.cli.down import ends
from devloop.engine import client, containers
from devloop.engine.client import Engine
from devloop.errors import HostError
from devloop.model import Project
from devloop.project import lock
from devloop.serve.client import Connection, NoControlError, NoLoopError

KILL_PATIENCE = 5.0


def stop(path: Path) -> int:
    """End the loop as Ctrl-C does; then stop what runs without one, each in its own grace."""
    engine, project = _project(path)
    holder = lock.holder(project.root)
    if holder is not None:
        sys.stderr.write(f"devloop: ending the loop of process {holder}\n")
        _ask(project, "stop", lambda: process.ask_to_end(holder))
        ends(project.root, holder, float("inf"))
    return _end_all(engine, project, "stopped", containers.stop)


def kill(path: Path) -> int:
    """End the loop and all containers at once."""
    engine, project = _project(path)
    holder = lock.holder(project.root)
    if holder is not None:
        with suppress(HostError):  # it hangs: the signal ends it
            _ask(project, "kill", lambda: process.end(holder))
        if not ends(project.root, holder, KILL_PATIENCE):
            process.end(holder)
        sys.stderr.write(f"devloop: ended the loop of process {holder}\n")
    return _end_all(engine, project, "killed", containers.kill)


def _project(path: Path) -> tuple[Engine, Project]:
    engine = client.connect()
    root = projects.folder(path)
    return engine, Project(root, os.path.basename(root))


def _ask(project: Project, what: str, otherwise: Callable[[], None]) -> None:
    """Ask the loop over its socket; one that has none, `devloop ci` for one, gets a signal."""
    try:
        with Connection(project.id, what):
            pass
    except (NoLoopError, NoControlError):
        otherwise()


def _end_all(
    engine: Engine, project: Project, done: str, end: Callable[[Engine, str], None]
) -> int:
    for one in containers.of_project(engine, project):
        if one.state in ("running", "paused", "restarting"):
            end(engine, one.id)
            sys.stderr.write(f"devloop: {done} {one.name}\n")
    return 0
