"""`devloop plan`: what a change would cause; it touches nothing and needs no engine."""

from __future__ import annotations

import json
import os
import posixpath
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from devloop.cli import project as projects
from devloop.cli.apps import DevelopedApp, apps
from devloop.compose.files import FILES
from devloop.errors import UserError
from devloop.loop.decide import foresee
from devloop.project import inspect

SHOWN = 3


@dataclass(frozen=True)
class FileEffect:
    """What a change of one file would cause."""

    path: str
    action: str
    cause: str
    service: str = ""


def plan(project: Path, paths: tuple[str, ...], output: str) -> int:
    """Print the effect of changing each path; without paths, what `up` starts from."""
    root = projects.folder(project)
    found = apps(root)
    effects = [one for path in paths for one in _effects(root, found, _relative(root, path))]
    if output == "json":
        sys.stdout.write(json.dumps(_document(found, effects), ensure_ascii=True) + "\n")
        return 0
    told = [(f"{one.service}: " if one.service else "", one) for one in effects]
    lines = [f"{head}{one.path}: {one.action} ({one.cause})" for head, one in told]
    if not paths:
        lines = [f"{one.said}{line}" for one in found for line in _overview(one)]
    sys.stdout.write("\n".join(lines or ["no service has a build"]) + "\n")
    return 0


def _effects(root: str, found: tuple[DevelopedApp, ...], path: str) -> list[FileEffect]:
    """Say what a change means for each app that is made of the file's folder."""
    if found and found[0].service and path in FILES:
        return [FileEffect(path, "recreate", "the services whose part of it changed")]
    full = os.path.join(root, path)
    effects = []
    for one in found:
        inside = os.path.relpath(full, one.root)
        if not inside.startswith("../"):
            found_out = _foreseen(one, inside)
            effects.append(FileEffect(path, found_out.action, found_out.cause, one.service))
    return effects or [FileEffect(path, "none", "no service is built from its folder")]


def _foreseen(app: DevelopedApp, path: str) -> foresee.Effect:
    """Say what a save of ``path`` would cause: nothing if it is ignored or does not exist."""
    inspection = app.inspection
    if not inspection.structural(path):
        if inspect.ignores(app.root, inspection).prunes(path):
            return foresee.Effect("none", "it is ignored")
        if not os.path.lexists(os.path.join(app.root, path)):
            return foresee.Effect("none", "there is no such file")
    return foresee.foresee(inspection, path)


def _document(found: tuple[DevelopedApp, ...], effects: list[FileEffect]) -> dict[str, object]:
    """Give one JSON object: the app's, or each service's by its name."""
    told = [{key: one for key, one in asdict(it).items() if one != ""} for it in effects]
    each = {
        one.service: {
            "fingerprint": one.inspection.wanted.fingerprint.digest,
            "image": one.project.image(one.inspection.wanted.fingerprint.digest),
            "mount": one.inspection.inputs.mount,
        }
        for one in found
    }
    alone = each.get("")
    return {**alone, "effects": told} if alone else {"services": each, "effects": told}


def _relative(root: str, path: str) -> str:
    """Take a path as the user gave it: from here, or from the project."""
    here = os.path.realpath(path)
    full = here if here.startswith(root + os.sep) else os.path.join(root, path)
    found = os.path.relpath(full, root).replace(os.sep, "/")
    if found.startswith("../"):
        raise UserError(f"{path} is outside the project", hint=f"the project is {root}")
    return posixpath.normpath(found)


def _shortly(names: list[str]) -> str:
    more = len(names) - SHOWN
    shown = ", ".join(names[:SHOWN] if more > 1 else names)
    return (f"{shown} and {more} more" if more > 1 else shown) or "nothing"


def _overview(app: DevelopedApp) -> list[str]:
    inspection = app.inspection
    fingerprint = inspection.wanted.fingerprint
    spec, stage = inspection.wanted.spec, inspection.inputs.target or "the last one"
    return [
        f"image {app.project.image(fingerprint.digest)}",
        f"  built from {inspection.dockerfile_path}, stage {stage}",
        f"  rebuilt when these move: {_shortly(sorted(fingerprint.entries))}",
        f"mounted at {spec.mount}" if spec.mount else f"not mounted: {inspection.inputs.unmounted}",
        f"  kept from the mount: {', '.join(spec.keep) or 'nothing'}",
        f"ports: {', '.join(f'{p.host}:{p.published}' for p in spec.ports) or 'none'}",
    ]
