"""`devloop build`: the image of the project as it is now."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

from devloop import events
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.apps import apps
from devloop.cli.conclusion import concluded
from devloop.cli.project import Report
from devloop.engine import build as builds
from devloop.engine import client
from devloop.errors import UserError
from devloop.model import Project
from devloop.project.state import Inspection
from devloop.target import images
from devloop.target import release as tagging
from devloop.target.release import Wish


def build(
    targets: tuple[str, ...], files: tuple[str, ...], output: str, shipped: tuple[str, bool, str]
) -> int:
    """Build the images that are not there, or the one that is shipped; gives the exit code."""
    names: list[str] = []
    wish = Wish(*shipped)
    with live.reporting(output) as report:
        code = concluded(report, lambda: _build(targets, files, report, wish, names.append))
    if output != "json":
        sys.stdout.writelines(f"{name}\n" for name in names)
    return code


def _build(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    report: Report,
    wish: Wish,
    named: Callable[[str], None],
) -> int:
    tagging.check(wish)
    engine = client.connect()
    root, services = projects.target(targets, files)
    found = apps(root, files, services)
    if wish.tag and any(one.service for one in found):
        raise UserError("--tag ships one image", hint="`docker compose build --push` ships several")
    for one in found:
        told: Report = partial(_told, report, one.service) if one.service else report
        _one(engine, one.project, one.inspection, told, wish, named)
    return 0


def _told(report: Report, service: str, event: events.Event) -> None:
    report(events.of_service(event, service))


def _one(
    engine: client.Engine,
    project: Project,
    inspection: Inspection,
    report: Report,
    wish: Wish,
    named: Callable[[str], None],
) -> None:
    for text in projects.at_start(inspection):
        report(events.Notice(text))
    build_id = f"devloop-{project.id}-{os.getpid()}"
    stopped = threading.Event()

    def cancel(_number: int, _frame: FrameType | None) -> None:
        stopped.set()
        builds.cancel(engine, build_id)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, cancel)
    digest = inspection.wanted.fingerprint.digest
    if wish.tag:
        made = tagging.build(engine, project, inspection, wish, report, build_id, stopped)
    else:
        made = images.ensure(engine, project, inspection, "build", report, build_id, stopped)
        if not made.cached:
            images.prune(engine, project)
    name = wish.tag or project.image(digest)
    report(events.ImageBuilt(name, digest, made.cached, made.duration, made.image.size))
    named(name)
