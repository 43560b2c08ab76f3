"""``devloop init``: detect the stack and write Dockerfile, .dockerignore and devloop.yaml."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TextIO

from devloop.cli.project import look
from devloop.compose.files import file_of
from devloop.errors import ConfigError, Problem
from devloop.scaffold import backings as backing
from devloop.scaffold import compose as composing
from devloop.scaffold.backings import Backing
from devloop.scaffold.editors import plan as editing
from devloop.scaffold.editors.files import EditorSubject
from devloop.scaffold.plan import FILES, FilePlan, looked_for, plan, with_compose
from devloop.scaffold.write import read_existing, read_templates, with_own, write
from devloop.stacks import registry
from devloop.stacks.base import Detection, ManifestError, Snapshot

_DONE = {
    "create": "created",
    "overwrite": "overwrote",
    "merge": "added to",
    "keep": "kept (it is there already; --force overwrites it)",
    "same": "unchanged",
}
_FILL_IN = "fill in the Dockerfile's CMD, and app.ports in devloop.yaml if it listens"
_WOULD = {
    **_DONE,
    "create": "would create",
    "overwrite": "would overwrite",
    "merge": "would add to",
}


def init(  # noqa: PLR0913 - the verb's options
    root: Path,
    snapshot: Snapshot,
    *,
    force: bool,
    dry_run: bool,
    output: Literal["plain", "json"],
    editors: tuple[str, ...] = (),
    compose: bool = False,
    templates: Path | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Write the files of a project and say so; give the exit code.

    ``snapshot`` has all contents that ``registry.wanted`` names, ``templates`` is the folder of a
    team's own. For people, what was done goes to ``stderr``; with ``json``, one object goes to
    ``stdout``. Raises ``ConfigError`` if manifests do not parse, ``UserError`` if a template
    cannot be used.
    """
    detections = registry.detect(snapshot)
    _check(snapshot, detections)
    name = root.resolve().name
    backings = backing.used(snapshot, detections)
    existing = read_existing(root, (*FILES, composing.FILE))
    chosen = with_own(read_templates(), templates) if templates is not None else read_templates()
    plans = plan(name, detections, chosen, existing, force=force)
    if compose:
        port = detections[0].port if detections else None
        text = composing.with_services(name, port, backings)
        plans = with_compose(plans, text, existing, force=force)
    if not dry_run:
        write(root, plans)
    if editors:
        more = _for_editors(root, editors)
        if not dry_run:
            write(root, more)
        plans = (*plans, *more)
    if output == "json":
        print(json.dumps(_document(detections, plans)), file=stdout or sys.stdout)
        return 0
    offer = _offer(backings) if not compose and file_of(str(root)) is None else []
    for line in (*_lines(detections, plans, dry_run=dry_run), *offer):
        print(line, file=stderr or sys.stderr)
    return 0


def _offer(backings: Sequence[Backing]) -> list[str]:
    """Offer the compose.yaml that code which uses other services asks for."""
    if not backings:
        return []
    names = backing.titles(backings)
    return [f"it uses {names}: `devloop init --compose` writes a compose.yaml with that"]


def _for_editors(root: Path, editors: tuple[str, ...]) -> list[FilePlan]:
    """Plan the files of editors, from what the loop makes of the project."""
    inspection = look(str(root))
    spec, target = inspection.wanted.spec, inspection.config.app.target
    lead = inspection.detections[0].name if inspection.detections else ""
    subject = EditorSubject(
        inspection.config.name or root.resolve().name,
        "Dockerfile" if inspection.generated else inspection.dockerfile_path,
        target or inspection.inputs.target,
        spec.mount or "/",
        spec.keep,
        spec.ports,
        lead,
    )
    names = editing.paths(editors, subject)
    return editing.plan(editors, subject, read_existing(root, names))


def _check(snapshot: Snapshot, detections: Sequence[Detection]) -> None:
    """Tell all manifests that do not parse at once: detection has read them as empty."""
    problems = []
    for path in sorted(filter(registry.is_manifest, snapshot.contents)):
        try:
            registry.fields(path, snapshot.contents[path], detections)
        except ManifestError as error:
            problems.append(_problem(path, error))
    if problems:
        raise ConfigError(tuple(problems))


def _problem(path: str, error: ManifestError) -> Problem:
    place = f"{path}:{error.line}:{error.column}" if error.line else path
    return Problem(error.reason, hint="Mend it and run init again.", location=place)


def _document(detections: Sequence[Detection], plans: Sequence[FilePlan]) -> dict[str, object]:
    return {
        "stacks": [_stack(item) for item in detections],
        "files": [
            {"path": item.path, "action": item.action, "content": item.content} for item in plans
        ],
    }


def _stack(item: Detection) -> dict[str, object]:
    return {
        "name": item.name,
        "manager": item.manager,
        "framework": item.framework,
        "version": item.version,
        "manifests": list(item.manifests),
        "install": item.install,
        "keep": list(item.keep),
        "run": item.run if isinstance(item.run, str) else list(item.run),
        "port": item.port,
        "reload": item.reload,
    }


def _lines(
    detections: Sequence[Detection], plans: Sequence[FilePlan], *, dry_run: bool
) -> list[str]:
    words = _WOULD if dry_run else _DONE
    found = [f"found {_describe(item)}" for item in detections]
    files = [f"{words[item.action]}: {item.path}" for item in plans]
    if not detections:
        return [f"found no stack that devloop knows. {looked_for()}", *files, _FILL_IN]
    idle = (
        [] if detections[0].run else ["no start command was found: write app.run in devloop.yaml"]
    )
    return [*found, *files, *idle]


def _describe(item: Detection) -> str:
    framework = f", {item.framework}" if item.framework else ""
    manager = f" with {item.manager}" if item.manager else ""
    return f"{item.name} {item.version}{manager}{framework}"
