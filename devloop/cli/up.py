"""`devloop up`: build what is missing, run, watch, hot-reload."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from devloop import events
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.ending import concluded
from devloop.cli.project import Report
from devloop.engine import client, ports, system
from devloop.errors import UserError
from devloop.loop.driver import Batch, Loop, Watching
from devloop.loop.fleet import Fleet
from devloop.model import Change, Project
from devloop.project import inspect as looks
from devloop.project.lock import ProjectLock
from devloop.project.state import CONFIG_FILE, Picture
from devloop.serve.requests import Desk
from devloop.serve.server import Server
from devloop.watch.watcher import Watcher


def up(
    targets: tuple[str, ...], files: tuple[str, ...], output: str, debug_port: int | None = None
) -> int:
    """Run the loop until it is asked to end; gives the exit code."""
    desk = Desk()
    with live.reporting(output) as shown, live.at_keys(shown, desk.ask, lambda: _leave(desk)):
        report = projects.both(shown, desk)
        code = concluded(report, lambda: _up(targets, files, report, desk, debug_port))
        desk.history.close()
        return code


def _leave(desk: Desk) -> None:
    """End the loop; before there is one, as Ctrl-C does."""
    try:
        desk.ask("stop")
    except UserError:
        live.interrupt()


def _up(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    report: Report,
    desk: Desk,
    debug_port: int | None,
) -> int:
    engine = client.connect()
    root, services = projects.target(targets, files)
    desk.root = root
    compose = projects.compose(root, files)
    if compose is None and services:
        raise UserError(f"there is no compose file in {root}", hint="services are one's of that")
    if compose is not None and debug_port is not None:
        raise UserError("--debug-port is for one app", hint="publish the port in the compose file")
    with ProjectLock(root), Server(Project(root, "").id, desk.history, desk.answer):
        around = projects.surroundings(invoking_user(engine), debug_port)
        if compose is not None:
            fleet = Fleet(root, engine, compose, report, around, _at_start, ports.owner)
            desk.loop = fleet
            return fleet.run(services)
        picture = projects.look(root, around)
        project = projects.named(root, picture)
        config = CONFIG_FILE if os.path.exists(os.path.join(root, CONFIG_FILE)) else None
        report(events.UpStarted(project.name, config))
        projects.keep_generated(root, picture)
        workflows = looks.read_workflows(root, picture.config)
        loop = Loop(project, engine, report, around, ports.owner, workflows)
        desk.loop = loop
        return loop.run(picture, _watcher(root), projects.at_start(picture))


def _at_start(context: str, picture: Picture) -> tuple[str, ...]:
    """Do for a service what is done for a single app at its start."""
    projects.keep_generated(context, picture)
    return projects.at_start(picture)


def invoking_user(engine: client.Engine) -> tuple[int, int] | None:
    """Say as whom the container runs: on Linux the invoking user, so that no file becomes root's.

    Root leaves it to the image; rootless and remapped engines map the user themselves.
    """
    if sys.platform != "linux" or os.getuid() == 0:
        return None
    uid = os.getuid()
    options = system.info(engine).security
    mapped = any("rootless" in one or "userns" in one for one in options)
    return None if mapped else (uid, os.getgid())


def _watcher(
    root: str,
) -> Callable[[Picture, Callable[[Batch], None], Callable[[str, bool], None]], Watching]:
    def make(
        picture: Picture, post: Callable[[Batch], None], trouble: Callable[[str, bool], None]
    ) -> Watching:
        def batch(changes: tuple[Change, ...], unchanged: tuple[str, ...]) -> None:
            post(Batch(changes, unchanged))

        return Watcher(root, looks.ignores(root, picture), picture.config.watch, batch, trouble)

    return make
