"""`devloop build`: the image of the project as it is now."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from types import FrameType

from devloop import events
from devloop.cli import project as projects
from devloop.cli.ending import concluded
from devloop.cli.project import Report
from devloop.compose import settings
from devloop.compose.command import Compose
from devloop.compose.settings import Developed
from devloop.config.settings import Config, Watch
from devloop.engine import client
from devloop.errors import UserError
from devloop.image import engine_build
from devloop.loop import images
from devloop.loop import look as looks
from devloop.loop.picture import Picture
from devloop.model import Project


def build(targets: tuple[str, ...], files: tuple[str, ...], output: str) -> int:
    """Build the images that are not there; gives the exit code."""
    report = projects.reporter(output)
    quiet = output == "json"
    return concluded(report, lambda: _build(targets, files, report, quiet=quiet))


def _build(targets: tuple[str, ...], files: tuple[str, ...], report: Report, *, quiet: bool) -> int:
    engine = client.connect()
    root, services = projects.target(targets, files)
    compose = projects.compose(root, files)
    if compose is None:
        picture = projects.look(root)
        _one(engine, projects.named(root, picture), picture, report, quiet=quiet)
        return 0
    around = projects.surroundings()
    for name, one in developed(root, compose, services).items():
        told: Report = partial(_told, report, name)
        picture = looks.look(
            one.build.context, replace(around, config=partial(_config, one), finish=one.spec)
        )
        _one(engine, one.project, picture, told, quiet=quiet)
    return 0


def developed(root: str, compose: Compose, services: tuple[str, ...]) -> dict[str, Developed]:
    """Give the developed services of a Compose project, or these of them."""
    model, extensions = compose.model()
    unknown = [name for name in services if name not in model.services]
    if unknown:
        raise UserError(f"there is no service {unknown[0]}")
    found = settings.developed(model, root, extensions, Watch())
    return {name: one for name, one in found.items() if not services or name in services}


def _told(report: Report, service: str, event: events.Event) -> None:
    report(events.of_service(event, service))


def _config(one: Developed) -> Config:
    return one.config


def _one(
    engine: client.Engine, project: Project, picture: Picture, report: Report, *, quiet: bool
) -> None:
    for text in projects.at_start(picture):
        report(events.Notice(text))
    build_id = f"devloop-{project.id}-{os.getpid()}"
    stopped = threading.Event()

    def cancel(_number: int, _frame: FrameType | None) -> None:
        stopped.set()
        engine_build.cancel(engine, build_id)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, cancel)
    made = images.ensure(engine, project, picture, "build", report, build_id, stopped)
    digest = picture.wanted.fingerprint.digest
    report(events.ImageBuilt(project.image(digest), digest, made.cached, made.duration))
    if not made.cached:
        images.prune(engine, project)
    if not quiet:
        sys.stdout.write(project.image(digest) + "\n")
