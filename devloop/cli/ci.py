"""`devloop ci`: check, build, start, wait until ready, every job once; then nothing is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devloop import events
from devloop.check.subject import Finding, Level
from devloop.cli import live, work
from devloop.cli import project as projects
from devloop.cli.check import looked
from devloop.cli.conclusion import Signals, concluded, interruptible
from devloop.cli.jobs import at_work, chosen, read, startable
from devloop.cli.project import Report
from devloop.compose.command import Compose
from devloop.engine import build as builds
from devloop.engine import client, containers
from devloop.engine.client import Engine
from devloop.errors import ProjectError, UserError
from devloop.loop.decide.state import Once
from devloop.loop.driver import Driver
from devloop.model import Project
from devloop.project.lock import ProjectLock
from devloop.project.state import Inspection
from devloop.target import release
from devloop.target.base import Post
from devloop.target.compose_services import PROJECT
from devloop.target.release import Wish


def ci(path: Path, names: tuple[str, ...], shipped: tuple[str, bool, str], output: str) -> int:
    """Try the whole project once, with these jobs or all; ship it if it is well."""
    signals = interruptible()
    with live.reporting(output) as report:
        return concluded(report, lambda: _ci(path, names, Wish(*shipped), report, signals))


def _ci(path: Path, names: tuple[str, ...], wish: Wish, report: Report, signals: Signals) -> int:
    release.check(wish)
    engine = client.connect()
    root = projects.folder(path)
    compose = projects.compose(root, ())
    if compose is not None and wish.tag:
        hint = "`docker compose build --push` ships several"
        raise UserError("--tag ships one image", hint=hint)
    around = projects.surroundings(work.invoking_user(engine))
    with ProjectLock(root):
        found = read(root)
        asked = chosen(found, names) if names else startable(found, report)
        all_apps, wrong = looked(root, around)
        if not _passes(wrong, report):
            return ProjectError.exit_code
        if asked:
            at_work(all_apps)
        aim = Once(asked, named=bool(names))
        request = work.Request(root, engine, report, around, aim=aim, known=all_apps)

        def prepare(post: Post) -> work.Ready:
            ready, target = work.ready(request, compose, post)
            return work.with_context(ready, found), target

        with _left_as_it_was(engine, compose):
            code = Driver(report, prepare).run(watch=False)
        if code == 0 and wish.tag:
            interruptible(signals)  # the loop, which has ended, ignores them
            app = all_apps[0]
            _ship(engine, app.project, app.inspection, wish, report)
        return code


@contextmanager
def _left_as_it_was(engine: Engine, compose: Compose | None) -> Iterator[None]:
    """Remove the containers of a Compose project that had none before, and no volume."""
    fresh = compose is not None and not _containers(engine, compose)
    try:
        yield
    finally:
        if compose is not None and fresh:
            compose.down(volumes=False)


def _containers(engine: Engine, compose: Compose) -> bool:
    """Say whether the Compose project has containers already."""
    name = compose.model()[0].name
    return bool(containers.labelled(engine, [f"{PROJECT}={name}"]))


def _ship(
    engine: Engine, project: Project, inspection: Inspection, wish: Wish, report: Report
) -> None:
    """Build the image that is shipped; what is interrupted is cancelled in the engine too."""
    build_id, stopped = f"devloop-{project.id}-{os.getpid()}-ship", threading.Event()
    try:
        made = release.build(engine, project, inspection, wish, report, build_id, stopped)
    except KeyboardInterrupt:
        stopped.set()
        builds.cancel(engine, build_id)
        raise
    digest = inspection.wanted.fingerprint.digest
    report(events.ImageBuilt(wish.tag, digest, made.cached, made.duration, made.image.size))


def _passes(found: tuple[Finding, ...], report: Report) -> bool:
    """Tell what is wrong; errors fail, warnings do not."""
    for one in found:
        message = f"{one.what} ({one.mend})"
        column = one.column or None
        report(events.Annotation("check", one.level, message, one.path, one.line, column, one.rule))
    return not any(one.level is Level.ERROR for one in found)
