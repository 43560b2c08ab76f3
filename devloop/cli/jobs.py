"""`devloop jobs`: run jobs once, in the container of `up` or in one of the same image."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devloop import events
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.ending import concluded, interruptible
from devloop.cli.project import Report
from devloop.cli.up import invoking_user
from devloop.engine import client, containers
from devloop.engine.client import Engine
from devloop.errors import ProjectError, UserError
from devloop.jobs import graph
from devloop.jobs.contexts import Host
from devloop.jobs.graph import Jobs
from devloop.loop import images
from devloop.loop import look as looks
from devloop.loop.head import head
from devloop.loop.jobs import once
from devloop.loop.lock import ProjectLock, holder
from devloop.loop.picture import Picture
from devloop.loop.serving import make_mount_points
from devloop.loop.signals import INTERRUPTED
from devloop.model import Project


def jobs(path: Path, names: tuple[str, ...], output: str) -> int:
    """Run the named jobs, or all that a save may start; gives the exit code."""
    interruptible()
    with live.reporting(output) as report:
        return concluded(report, lambda: _jobs(path, names, report))


def _jobs(path: Path, names: tuple[str, ...], report: Report) -> int:
    engine = client.connect()
    root = projects.folder(path)
    picture = projects.look(root, projects.surroundings(invoking_user(engine)))
    project = projects.named(root, picture)
    found = Jobs(looks.read_workflows(root, picture.config), limit=max(2, os.cpu_count() or 2))
    if not graph.table(found):
        raise UserError("there are no jobs", hint="write some in devloop.yaml, see docs/jobs.md")
    asked = chosen(found, names) if names else startable(found, report)
    with _container(engine, project, picture, report) as (container, workspace):
        at, secrets = head(root), secrets_of(found) if names else {}
        host = Host(project.name, workspace, sha=at.sha, ref=at.ref, secrets=secrets)
        found = Jobs(found.workflows, host, found.limit)
        found, interrupted = once(engine, root, container, found, asked, report, named=bool(names))
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


def secrets_of(found: Jobs) -> dict[str, str]:
    """Give the secrets that the jobs name, from this process's environment."""
    named = re.findall(r"secrets\s*(?:\.\s*|\[\s*')([A-Za-z_]\w*)", repr(found.workflows))
    return {name: os.environ[name] for name in named if name in os.environ}


@contextmanager
def _container(
    engine: Engine, project: Project, picture: Picture, report: Report
) -> Iterator[tuple[str, str]]:
    """Give a container to run in, and the folder in it: that of `up`, else one for this run."""
    if holder(project.root) is not None:
        running = [
            one
            for one in containers.of_project(engine, project)
            if one["State"] == "running" and str(one["Names"][0]) == f"/{project.slug}"
        ]
        if not running:
            raise UserError("`devloop up` has no running container yet", hint="wait for it")
        inspected = engine.get(f"/containers/{running[0]['Id']}/json")
        workdir = inspected["Config"].get("WorkingDir") or "/"
        yield running[0]["Id"], picture.wanted.spec.mount or workdir
        return
    with ProjectLock(project.root):
        build_id = f"devloop-{project.id}-{os.getpid()}"
        made = images.ensure(engine, project, picture, "jobs", report, build_id, threading.Event())
        spec, digest = picture.wanted.spec, picture.wanted.fingerprint.digest
        make_mount_points(spec)
        container = containers.prepare_idle(engine, project, made.image, spec, digest)
        try:
            containers.start(engine, container)
            yield container.id, spec.mount or made.image.workdir
        finally:
            containers.remove(engine, container.id)
