"""`devloop plan`: what a change would cause; it touches nothing and needs no engine."""

from __future__ import annotations

import json
import os
import posixpath
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from devloop.cli import project as projects
from devloop.cli.apps import App, apps
from devloop.compose.command import FILES
from devloop.errors import UserError
from devloop.image.inputs import Role
from devloop.project.classify import triggers
from devloop.project.state import Picture, below
from devloop.stacks import registry

SHOWN = 3


@dataclass(frozen=True)
class Effect:
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


def _effects(root: str, found: tuple[App, ...], path: str) -> list[Effect]:
    """Say what a change means for each app that is made of the file's folder."""
    if found and found[0].service and path in FILES:
        return [Effect(path, "recreate", "the services whose part of it changed")]
    full = os.path.join(root, path)
    effects = []
    for one in found:
        inside = os.path.relpath(full, one.root)
        if not inside.startswith("../"):
            effects.append(replace(effect(one.picture, inside), path=path, service=one.service))
    return effects or [Effect(path, "none", "no service is built from its folder")]


def _document(found: tuple[App, ...], effects: list[Effect]) -> dict[str, object]:
    """Give one JSON object: the app's, or each service's by its name."""
    told = [{key: one for key, one in asdict(it).items() if one != ""} for it in effects]
    each = {
        one.service: {
            "fingerprint": one.picture.wanted.fingerprint.digest,
            "image": one.project.image(one.picture.wanted.fingerprint.digest),
            "mount": one.picture.inputs.mount,
        }
        for one in found
    }
    alone = each.get("")
    return {**alone, "effects": told} if alone else {"services": each, "effects": told}


def effect(picture: Picture, path: str) -> Effect:
    """Say what a change of one path would cause."""
    if picture.structural(path):
        return Effect(path, "rebuild or recreate", "it says how the image and container are made")
    role = picture.role(path)
    if role is Role.CONTENT:
        return Effect(path, "rebuild", "the image is made of its content")
    mounted, lock = picture.inputs.mount is not None, registry.is_lock(path)
    restarts = mounted and triggers(picture, path) and not lock
    how = picture.reload.kind
    mild = {"none": "reload", "restart": "restart"}.get(how, "reload") if restarts else "none"
    if role is Role.FIELDS:
        fields = picture.wanted.fingerprint.entries.get(path)
        which = ", ".join(sorted(fields.fields)) if fields and fields.fields else "its content"
        return Effect(path, f"rebuild, else {mild}", f"a rebuild if this moves: {which}")
    if below(path, picture.wanted.spec.keep):
        return Effect(path, "none", "it is kept from the mount: the container has its own")
    if not restarts:
        return Effect(path, "none", "not a source of the app (watch.paths)")
    return Effect(path, mild, "the app sees it through the mount")


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


def _overview(app: App) -> list[str]:
    picture = app.picture
    fingerprint = picture.wanted.fingerprint
    spec = picture.wanted.spec
    return [
        f"image {app.project.image(fingerprint.digest)}",
        f"  built from {picture.dockerfile_path}, stage {picture.inputs.target or 'the last one'}",
        f"  rebuilt when these move: {_shortly(sorted(fingerprint.entries))}",
        f"mounted at {spec.mount}" if spec.mount else f"not mounted: {picture.inputs.unmounted}",
        f"  kept from the mount: {', '.join(spec.keep) or 'nothing'}",
        f"ports: {', '.join(f'{p.host}:{p.published}' for p in spec.ports) or 'none'}",
    ]
