"""`devloop jobs`: run jobs once, in the container of `up` or in one of the same image."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from devloop import events
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.apps import DevelopedApp, apps
from devloop.cli.conclusion import concluded, interruptible
from devloop.cli.project import Report
from devloop.cli.secrets import secrets_of
from devloop.cli.work import invoking_user
from devloop.engine import client, containers
from devloop.engine.client import Engine
from devloop.errors import ProjectError, UserError
from devloop.jobs.run.pool import once
from devloop.jobs.schedule import graph
from devloop.jobs.schedule.contexts import RunnerContext
from devloop.jobs.schedule.graph import Jobs
from devloop.loop.signals import INTERRUPTED
from devloop.model import LABEL_SERVICE
from devloop.project import inspect
from devloop.project.git import head
from devloop.project.lock import ProjectLock, holder
from devloop.target import images, prepare
from devloop.target.container import make_mount_points
from devloop.target.shell import surroundings


def jobs(path: Path, names: tuple[str, ...], output: str) -> int:
    """Run the named jobs, or all that a save may start; gives the exit code."""
    interruptible()
    with live.reporting(output) as report:
        return concluded(report, lambda: _jobs(path, names, report))


def _jobs(path: Path, names: tuple[str, ...], report: Report) -> int:
    engine = client.connect()
    root = projects.folder(path)
    found = read(root)
    if not graph.table(found):
        raise UserError("there are no jobs", hint="write some in devloop.yaml, see docs/jobs.md")
    asked = chosen(found, names) if names else startable(found, report)
    app = at_work(apps(root, around=projects.surroundings(invoking_user(engine))))
    with _container(engine, app, report) as place:
        return run(engine, root, app, place, found, asked, report, named=bool(names))


def read(root: str) -> Jobs:
    """Read the jobs of a project."""
    workflows = inspect.read_workflows(root, inspect.read_config(root))
    return Jobs(workflows, limit=max(2, os.cpu_count() or 2))


def at_work(found: tuple[DevelopedApp, ...]) -> DevelopedApp:
    """Give the app in whose container jobs run; raises ``UserError`` if there is none."""
    for one in found:
        if one.at_work:
            return one
    raise UserError(
        "no service is built from the project's folder, and jobs run in one that is",
        hint="give a service `build: .`",
    )


def run(  # noqa: PLR0913 - all that jobs are run with
    engine: Engine,
    root: str,
    app: DevelopedApp,
    place: tuple[str, str],
    found: Jobs,
    asked: tuple[str, ...],
    report: Report,
    *,
    named: bool,
) -> int:
    """Run jobs in a place, a container and a folder in it; gives the exit code."""
    container, workspace = place
    at, secrets = head(root), secrets_of(found) if named else {}
    host = RunnerContext(app.project.name, workspace, sha=at.sha, ref=at.ref, secrets=secrets)
    found = replace(found, host=host)
    found, interrupted = once(
        surroundings(engine, root), container, found, asked, report, named=named
    )
    if interrupted:
        return INTERRUPTED
    return ProjectError.exit_code if found.red else 0


def chosen(found: Jobs, names: tuple[str, ...]) -> tuple[str, ...]:
    """Find the jobs that are meant; raises ``UserError`` for a name that is none."""
    known = graph.table(found)
    meant = []
    for name in names:
        fitting = [one for one in known if one == name or one.endswith(f"/{name}")]
        if not fitting:
            there = f"there are {', '.join(known)}" if known else "there are none"
            raise UserError(f"there is no job `{name}`", hint=there)
        unsupported = [known[one][1].unsupported for one in fitting if known[one][1].unsupported]
        if unsupported:
            raise UserError(f"the job {name} cannot run here: {unsupported[0]}")
        meant += fitting
    return tuple(meant)


def startable(found: Jobs, report: Report) -> tuple[str, ...]:
    """Give the jobs that need not be named, and tell which do."""
    for text in graph.told(found):
        report(events.Notice(text))
    known = graph.table(found)
    return tuple(name for name, (flow, job) in known.items() if not graph.gated(flow, job))


def place_of(engine: Engine, app: DevelopedApp) -> tuple[str, str]:
    """Give the container of the loop that runs, and the project's folder in it.

    Raises ``UserError`` if no container runs yet.
    """
    running = [
        one
        for one in containers.of_project(engine, app.project)
        if one.state == "running" and _is_of(one, app)
    ]
    if not running:
        raise UserError("`devloop up` has no running container yet", hint="wait for it")
    workdir = containers.inspect(engine, running[0].id).workdir
    return running[0].id, app.inspection.wanted.spec.mount or workdir


def _is_of(found: containers.ListedContainer, app: DevelopedApp) -> bool:
    if app.service:
        return found.labels.get(LABEL_SERVICE) == app.service
    return found.name == app.project.slug


@contextmanager
def _container(engine: Engine, app: DevelopedApp, report: Report) -> Iterator[tuple[str, str]]:
    """Give a container to run in, and the folder in it: that of `up`, else one for this run."""
    project, inspection = app.project, app.inspection
    if holder(app.root) is not None:
        yield place_of(engine, app)
        return
    if app.service:
        raise UserError(
            "jobs of a Compose project run while it is up", hint="`devloop up --detach` first"
        )
    with ProjectLock(project.root):
        build_id = f"devloop-{project.id}-{os.getpid()}"
        made = images.ensure(
            engine, project, inspection, "jobs", report, build_id, threading.Event()
        )
        spec, digest = inspection.wanted.spec, inspection.wanted.fingerprint.digest
        make_mount_points(spec)
        container = prepare.prepare_idle(engine, project, made.image, spec, digest)
        try:
            containers.start(engine, container)
            yield container.id, spec.mount or made.image.workdir
        finally:
            containers.remove(engine, container.id)
