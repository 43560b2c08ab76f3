"""`devloop ci`: check, build, start, wait until ready, every job once; then nothing is left."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from devloop import events
from devloop.check.subject import Finding, Level
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.check import findings
from devloop.cli.ending import concluded
from devloop.cli.jobs import startable
from devloop.cli.project import Report
from devloop.cli.up import invoking_user
from devloop.engine import client, ports
from devloop.engine.client import Engine
from devloop.errors import ProjectError
from devloop.image import engine_build
from devloop.jobs.contexts import Host
from devloop.jobs.graph import Jobs
from devloop.loop import images
from devloop.loop import look as looks
from devloop.loop.images import Made
from devloop.loop.jobs import once
from devloop.loop.lock import ProjectLock
from devloop.loop.picture import Picture
from devloop.loop.trial import Trial
from devloop.model import Project


def ci(path: Path, output: str) -> int:
    """Try the whole project once; gives the exit code."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.default_int_handler)
    with live.reporting(output) as report:
        return concluded(report, lambda: _ci(path, report))


def _ci(path: Path, report: Report) -> int:
    engine = client.connect()
    root = projects.folder(path)
    with ProjectLock(root):
        picture = projects.look(root, projects.surroundings(invoking_user(engine)))
        project = projects.named(root, picture)
        workflows = looks.read_workflows(root, picture.config)
        projects.keep_generated(root, picture)
        for text in projects.at_start(picture):
            report(events.Notice(text))
        if not _passes(findings(root), report):
            return ProjectError.exit_code
        made = _built(engine, project, picture, report)
        with Trial(engine, project, report, ports.owner) as trial:
            container = trial.start(picture.wanted)
            host = Host(project.name, picture.wanted.spec.mount or made.image.workdir)
            found = Jobs(workflows, host, limit=max(2, os.cpu_count() or 2))
            names = startable(found, report)
            found, interrupted = once(engine, root, container, found, names, report, named=False)
            if interrupted:
                raise KeyboardInterrupt
            trial.look()
            return ProjectError.exit_code if found.red else 0


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
        engine_build.cancel(engine, build_id)
        raise
    digest = picture.wanted.fingerprint.digest
    report(events.ImageBuilt(project.image(digest), digest, made.cached, made.duration))
    if not made.cached:
        images.prune(engine, project)
    return made
