"""`devloop ci`: check, build, start, wait until ready, every job once; then nothing is left."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

from devloop import events
from devloop.check.subject import Finding, Level
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.check import findings
from devloop.cli.ending import concluded, interruptible
from devloop.cli.jobs import chosen, secrets_of, startable
from devloop.cli.project import Report
from devloop.cli.up import invoking_user
from devloop.engine import client, ports
from devloop.engine.client import Engine
from devloop.errors import ProjectError
from devloop.image import engine_build
from devloop.jobs.contexts import Host
from devloop.jobs.graph import Jobs
from devloop.loop import images, tagging
from devloop.loop import look as looks
from devloop.loop.head import head
from devloop.loop.images import Made
from devloop.loop.jobs import once
from devloop.loop.lock import ProjectLock
from devloop.loop.picture import Picture
from devloop.loop.tagging import Wish
from devloop.loop.trial import Trial
from devloop.model import Project


def ci(path: Path, names: tuple[str, ...], shipped: tuple[str, bool, str], output: str) -> int:
    """Try the whole project once, with these jobs or all; ship it if it is well."""
    interruptible()
    with live.reporting(output) as report:
        return concluded(report, lambda: _ci(path, names, Wish(*shipped), report))


def _ci(path: Path, names: tuple[str, ...], wish: Wish, report: Report) -> int:
    tagging.check(wish)
    engine = client.connect()
    root = projects.folder(path)
    with ProjectLock(root):
        picture = projects.look(root, projects.surroundings(invoking_user(engine)))
        project = projects.named(root, picture)
        workflows = looks.read_workflows(root, picture.config)
        found = Jobs(workflows, limit=max(2, os.cpu_count() or 2))
        asked = chosen(found, names) if names else startable(found, report)
        projects.keep_generated(root, picture)
        for text in projects.at_start(picture):
            report(events.Notice(text))
        if not _passes(findings(root), report):
            return ProjectError.exit_code
        made = _built(engine, project, picture, report)
        with Trial(engine, project, report, ports.owner) as trial:
            container = trial.start(picture.wanted)
            at, workspace = head(root), picture.wanted.spec.mount or made.image.workdir
            secrets = secrets_of(found) if names else {}
            host = Host(project.name, workspace, sha=at.sha, ref=at.ref, secrets=secrets)
            found = replace(found, host=host)
            named = bool(names)
            found, interrupted = once(engine, root, container, found, asked, report, named=named)
            if interrupted:
                raise KeyboardInterrupt
            trial.look()
        if found.red:
            return ProjectError.exit_code
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
        engine_build.cancel(engine, build_id)
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
        engine_build.cancel(engine, build_id)
        raise
    digest = picture.wanted.fingerprint.digest
    name, size = project.image(digest), made.image.size
    report(events.ImageBuilt(name, digest, made.cached, made.duration, size))
    if not made.cached:
        images.prune(engine, project)
    return made
