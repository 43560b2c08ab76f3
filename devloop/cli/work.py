"""What `up` and `ci` run: one app, or the services of a Compose project, and the target for it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devloop import events
from devloop.cli import project as projects
from devloop.cli.apps import DevelopedApp, apps
from devloop.cli.project import Report
from devloop.cli.secrets import secrets_of
from devloop.config.settings import AppSettings
from devloop.engine import ports, system
from devloop.engine.client import Engine
from devloop.errors import UserError
from devloop.jobs.schedule.contexts import RunnerContext
from devloop.jobs.schedule.graph import Jobs
from devloop.loop.decide.state import SERVE, Aim, Once
from devloop.loop.source import Source
from devloop.loop.work import Composed, Work
from devloop.model import Project
from devloop.project import inspect
from devloop.project.git import head
from devloop.project.inspect import Surroundings
from devloop.project.state import CONFIG_FILE
from devloop.target import container
from devloop.target.base import Post, Target
from devloop.target.docker import Links

if TYPE_CHECKING:
    from devloop.compose.command import Compose
    from devloop.loop.compose_file import ComposeFile

Ready = tuple[Work, Target]


@dataclass(frozen=True)
class Request:
    """What is to be run: the services that were named, of the project in ``root``.

    ``known`` are its apps where they have been inspected already.
    """

    root: str
    engine: Engine
    report: Report
    around: Surroundings
    services: tuple[str, ...] = ()
    aim: Aim = SERVE
    known: tuple[DevelopedApp, ...] = ()


def of_app(asked: Request, post: Post) -> Ready:
    """Give the work of a single app; raises ``ConfigError`` or ``UserError``."""
    app = asked.known[0] if asked.known else apps(asked.root, around=asked.around)[0]
    inspection, project = app.inspection, app.project
    config = CONFIG_FILE if os.path.exists(os.path.join(asked.root, CONFIG_FILE)) else None
    asked.report(events.UpStarted(project.name, config))
    projects.keep_generated(asked.root, inspection)
    workflows = inspect.read_workflows(asked.root, inspection.config)
    source = Source("", project, asked.around, inspection, projects.at_start(inspection))
    target = container.target(asked.engine, project, post, asked.report, ports.owner)
    return Work(project, {"": source}, workflows, aim=asked.aim), target


def of_compose(asked: Request, compose: Compose, post: Post) -> Ready:
    """Give the work of a Compose project; raises what reading its files raises."""
    from devloop.loop.compose_file import ComposeFile  # noqa: PLC0415 - a single app needs neither
    from devloop.target.compose import ComposeProject  # noqa: PLC0415

    config = inspect.read_config(asked.root)
    workflows = inspect.read_workflows(asked.root, config)
    file = ComposeFile(compose, asked.services, config.watch, asked.around)
    model = file.now.model
    asked.report(events.UpStarted(model.name, compose.file))
    for text in _notices(file, config.app):
        asked.report(events.Notice(text))
    links = Links(asked.engine, post, asked.report)
    running = ComposeProject(links, compose, file.now)
    sources = {name: file.source(name, _at_start) for name in sorted(file.developed)}
    composed = Composed(file, running, _at_start)
    project = Project(asked.root, model.name)
    return Work(project, sources, workflows, composed, asked.aim), running.target()


def with_context(work: Work, jobs: Jobs) -> Work:
    """Tell the jobs the commit; those that a person chose get the secrets that they name."""
    aim, at = work.aim, head(work.project.root)
    secrets = secrets_of(jobs) if isinstance(aim, Once) and aim.named else {}
    host = RunnerContext(work.project.name, sha=at.sha, ref=at.ref, secrets=secrets)
    return replace(work, host=host)


def _notices(file: ComposeFile, app: AppSettings) -> list[str]:
    """List the notices on what devloop does not follow, or not develop, of a Compose project."""
    from devloop.compose.settings import lefts  # noqa: PLC0415 - the same

    found = []
    if app != AppSettings():
        found.append("devloop.yaml: `app` counts for a single app; x-devloop says it of a service")
    found += lefts(file.now.model)
    if not file.developed:
        found.append("no service has a build: nothing here is developed")
    return found


def _at_start(source: Source) -> tuple[str, ...]:
    """Keep a service's generated Dockerfile; give its notices, as for a single app."""
    projects.keep_generated(source.project.root, source.inspection)
    return projects.at_start(source.inspection)


def ready(asked: Request, compose: Compose | None, post: Post) -> Ready:
    """Give the work of whatever project there is.

    Raises ``UserError`` for services where there is no compose file, and what reading raises.
    """
    if compose is not None:
        return of_compose(asked, compose, post)
    if asked.services:
        hint = "services are one's of that"
        raise UserError(f"there is no compose file in {asked.root}", hint=hint)
    return of_app(asked, post)


def invoking_user(engine: Engine) -> tuple[int, int] | None:
    """Say as whom the container runs: on Linux the invoking user, so that no file becomes root's.

    Root leaves it to the image; rootless and remapped engines map the user themselves.
    """
    if sys.platform != "linux" or os.getuid() == 0:
        return None
    options = system.info(engine).security
    mapped = any("rootless" in one or "userns" in one for one in options)
    return None if mapped else (os.getuid(), os.getgid())
