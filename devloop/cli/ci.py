"""`devloop ci`: check, build, start, wait until ready, every job once; then nothing is left."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from devloop import events
from devloop.check.subject import Finding, Level
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.apps import App
from devloop.cli.check import in_apps, looked
from devloop.cli.ci_services import tried
from devloop.cli.ending import concluded, interruptible
from devloop.cli.jobs import chosen, read, run, startable
from devloop.cli.project import Report
from devloop.cli.up import invoking_user
from devloop.engine import build as builds
from devloop.engine import client, ports
from devloop.engine.client import Engine
from devloop.errors import ProjectError, UserError
from devloop.loop.signals import INTERRUPTED
from devloop.loop.trial import Trial
from devloop.model import Project
from devloop.project.lock import ProjectLock
from devloop.project.state import Picture
from devloop.target import images
from devloop.target import release as tagging
from devloop.target.images import Made
from devloop.target.release import Wish


def ci(path: Path, names: tuple[str, ...], shipped: tuple[str, bool, str], output: str) -> int:
    """Try the whole project once, with these jobs or all; ship it if it is well."""
    interruptible()
    with live.reporting(output) as report:
        return concluded(report, lambda: _ci(path, names, Wish(*shipped), report, output))


def _ci(path: Path, names: tuple[str, ...], wish: Wish, report: Report, output: str) -> int:
    tagging.check(wish)
    engine = client.connect()
    root = projects.folder(path)
    compose = projects.compose(root, ())
    if compose is None:
        return _alone(engine, root, names, wish, report)
    if wish.tag:
        raise UserError("--tag ships one image", hint="`docker compose build --push` ships several")
    all_apps, wrong = looked(root, projects.surroundings(invoking_user(engine)))
    if not _passes(wrong, report):
        return ProjectError.exit_code
    return tried(engine, root, compose, all_apps, names, report, output)


def _alone(engine: Engine, root: str, names: tuple[str, ...], wish: Wish, report: Report) -> int:
    """Try a project of one app."""
    with ProjectLock(root):
        picture = projects.look(root, projects.surroundings(invoking_user(engine)))
        project = projects.named(root, picture)
        app, found = App("", root, picture, project), read(root)
        asked = chosen(found, names) if names else startable(found, report)
        projects.keep_generated(root, picture)
        for text in projects.at_start(picture):
            report(events.Notice(text))
        if not _passes(in_apps(root, (app,)), report):
            return ProjectError.exit_code
        made = _built(engine, project, picture, report)
        with Trial(engine, project, report, ports.owner) as trial:
            container = trial.start(picture.wanted)
            place = container, picture.wanted.spec.mount or made.image.workdir
            named = bool(names)
            code = run(engine, root, app, place, found, asked, report, named=named)
            if code == INTERRUPTED:
                raise KeyboardInterrupt
            trial.look()
        if code:
            return code
        if wish.tag:
            _ship(engine, project, picture, wish, report)
        return 0


def _ship(engine: Engine, project: Project, picture: Picture, wish: Wish, report: Report) -> None:
    """Build the image that is shipped; what is interrupted is cancelled in the engine too."""
    build_id, stopped = f"devloop-{project.id}-{os.getpid()}-ship", threading.Event()
    try:
        made = tagging.build(engine, project, picture, wish, report, build_id, stopped)
    except KeyboardInterrupt:
        stopped.set()
        builds.cancel(engine, build_id)
        raise
    digest = picture.wanted.fingerprint.digest
    report(events.ImageBuilt(wish.tag, digest, made.cached, made.duration, made.image.size))


def _passes(found: tuple[Finding, ...], report: Report) -> bool:
    """Tell what is wrong; errors fail, warnings do not."""
    for one in found:
        message = f"{one.what} ({one.mend})"
        column = one.column or None
        report(events.Annotation("check", one.level, message, one.path, one.line, column, one.rule))
    return not any(one.level is Level.ERROR for one in found)


def _built(engine: Engine, project: Project, picture: Picture, report: Report) -> Made:
    """Have the image; a build that is interrupted is cancelled in the engine too."""
    build_id = f"devloop-{project.id}-{os.getpid()}"
    try:
        made = images.ensure(engine, project, picture, "ci", report, build_id, threading.Event())
    except KeyboardInterrupt:
        builds.cancel(engine, build_id)
        raise
    digest = picture.wanted.fingerprint.digest
    name, size = project.image(digest), made.image.size
    report(events.ImageBuilt(name, digest, made.cached, made.duration, size))
    if not made.cached:
        images.prune(engine, project)
    return made
