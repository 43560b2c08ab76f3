"""The apps of a project: one, or the services of a Compose project that devloop develops."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devloop.cli import project as projects
from devloop.config.settings import Watch
from devloop.model import Project
from devloop.project import inspect
from devloop.project.inspect import Surroundings
from devloop.project.state import Inspection

if TYPE_CHECKING:
    from devloop.compose.command import Compose
    from devloop.compose.settings import Developed


@dataclass(frozen=True)
class DevelopedApp:
    """``service`` is empty for a project of one app; ``root`` is what its image is built from.

    ``at_work``: the project's jobs run in its container.
    """

    service: str
    root: str
    inspection: Inspection
    project: Project
    at_work: bool = True

    @property
    def said(self) -> str:
        """The start of a message about this app: ``service: ``, empty for a single app."""
        return f"{self.service}: " if self.service else ""

    def below(self, root: str) -> str:
        """Give its folder below the project's, with a slash at the end, empty for the same."""
        path = os.path.relpath(self.root, root)
        return "" if path == "." else f"{path}/"


def apps(
    root: str,
    files: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
    around: Surroundings | None = None,
) -> tuple[DevelopedApp, ...]:
    """Look at the apps of a project, or at these services; ``files`` are compose files."""
    around = around or projects.surroundings()
    compose = projects.compose(root, files)
    if compose is None:
        inspection = projects.look(root, around)
        return (DevelopedApp("", root, inspection, projects.named(root, inspection)),)
    return _of_compose(root, compose, services, around)


def _of_compose(
    root: str, compose: Compose, services: tuple[str, ...], around: Surroundings
) -> tuple[DevelopedApp, ...]:
    from devloop.compose import settings  # noqa: PLC0415 - a single app needs none of it

    model, extensions = compose.model()
    model.check(services)
    found = settings.developed(model, root, extensions, Watch())
    at_work = model.workplace(root, found)
    return tuple(
        DevelopedApp(name, one.build.context, _look(one, around), one.project, name == at_work)
        for name, one in found.items()
        if not services or name in services
    )


def _look(one: Developed, around: Surroundings) -> Inspection:
    return inspect.look(
        one.build.context, replace(around, config=lambda: one.config, finish=one.spec)
    )
