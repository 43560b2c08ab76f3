"""What the verbs share: the project folder, its inspection, its name, where reports go."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from devloop import events
from devloop.compose.files import file_of
from devloop.config.settings import Config, Watch
from devloop.errors import UserError
from devloop.model import Project
from devloop.project import inspect
from devloop.project.inspect import Surroundings
from devloop.project.lock import STATE_FOLDER, make_state_folder, write_state
from devloop.project.state import Inspection
from devloop.scaffold import plan as scaffold
from devloop.scaffold import write as scaffold_write
from devloop.stacks.base import Detection, Snapshot
from devloop.watch import tree
from devloop.watch.ignore import Ignores

if TYPE_CHECKING:
    from devloop.compose.command import Compose

Report = Callable[[events.Event], None]


def folder(path: Path) -> str:
    """Give the real path of a project folder; raises ``UserError`` if it is none."""
    root = os.path.realpath(path)
    if not os.path.isdir(root):
        raise UserError(f"{path} is no folder", hint="give the project's folder")
    return root


def target(targets: tuple[str, ...], files: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Tell the project folder from services: the real path of that, and the names of these.

    Services are of the folder named before them, or of this one if it is a Compose project.
    """
    named = [word for word in targets[:1] if "/" in word or word in (".", "..")]
    if not named and not files and file_of(os.getcwd()) is None:
        named = list(targets[:1])
    return folder(Path(*named)), targets[len(named) :]


def compose(root: str, files: tuple[str, ...]) -> Compose | None:
    """Give the Compose project of a folder, None if it is none; ``files`` are from here."""
    chosen = tuple(os.path.abspath(file) for file in files)
    given = chosen or os.environ.get("COMPOSE_FILE") or file_of(root)
    if not given:
        return None
    from devloop.compose.command import Compose  # noqa: PLC0415 - a single app needs none of it

    return Compose(root, chosen)


def bare_snapshot(root: str) -> Snapshot:
    """Read what `init` decides upon; a devloop.yaml that is there does not matter."""
    return inspect.snapshot(root, inspect.files(root, Config()))


def look(root: str, around: Surroundings | None = None) -> Inspection:
    """Look at a project."""
    return inspect.look(root, around or surroundings())


def watching(root: str) -> tuple[Watch, Ignores]:
    """Say how a folder is watched; it need not be a project that devloop could run."""
    config = inspect.read_config(root)
    try:
        return config.watch, inspect.ignores(root, look(root))
    except UserError:
        keep = config.app.keep or ()
        return config.watch, tree.load_ignores(root, keep, inspect.named(config))


def named(root: str, inspection: Inspection) -> Project:
    """Name a project as its devloop.yaml does, else by its folder."""
    return Project(root, inspection.config.name or os.path.basename(root) or "app")


def surroundings(
    user: tuple[int, int] | None = None, debug_port: int | None = None
) -> Surroundings:
    """Give what `init` would write, whom the container runs as, and its debugger's port."""

    def dockerfile(detections: tuple[Detection, ...]) -> str:
        return scaffold.dockerfile(detections, scaffold_write.read_templates())

    def dockerignore(detections: tuple[Detection, ...]) -> str:
        return scaffold.dockerignore(detections, scaffold_write.read_templates())

    return Surroundings(dockerfile, dockerignore, user, debug_port)


def both(first: Report, second: Report) -> Report:
    """Report to two."""

    def report(event: events.Event) -> None:
        first(event)
        second(event)

    return report


def keep_generated(root: str, inspection: Inspection) -> None:
    """Keep a Dockerfile that devloop wrote where the user can read it."""
    if inspection.generated:
        folder = os.path.join(root, STATE_FOLDER)
        make_state_folder(folder)
        write_state(folder, "Dockerfile", inspection.dockerfile)


def at_start(inspection: Inspection) -> tuple[str, ...]:
    """List the notices about an inspection that are reported once, at the start."""
    found = []
    if inspection.generated:
        stack = inspection.detections[0].name
        found.append(
            f"no Dockerfile here: using the one that `devloop init` would write for {stack}, "
            "kept as .devloop/Dockerfile"
        )
    if inspection.inputs.mount is None:
        found.append(f"nothing is mounted, every save rebuilds: {inspection.inputs.unmounted}")
    entries = inspection.wanted.fingerprint.entries
    found += [
        f"{path} does not parse and counts by its content: {entry.warning}"
        for path, entry in sorted(entries.items())
        if entry.warning
    ]
    return tuple(found)
