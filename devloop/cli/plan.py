"""`devloop plan`: what a change would cause; it touches nothing and needs no engine."""

from __future__ import annotations

import json
import os
import posixpath
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from devloop.cli import project as projects
from devloop.errors import UserError
from devloop.image.inputs import Role
from devloop.loop.classify import LOCKS, triggers
from devloop.loop.picture import Picture, below

SHOWN = 3


@dataclass(frozen=True)
class Effect:
    """What a change of one file would cause."""

    path: str
    action: str
    cause: str


def plan(project: Path, paths: tuple[str, ...], output: str) -> int:
    """Print the effect of changing each path; without paths, what `up` starts from."""
    root = projects.folder(project)
    picture = projects.look(root)
    effects = [effect(picture, _relative(root, path)) for path in paths]
    digest = picture.wanted.fingerprint.digest
    if output == "json":
        found = {
            "fingerprint": digest,
            "image": projects.named(root, picture).image(digest),
            "mount": picture.inputs.mount,
            "effects": [asdict(one) for one in effects],
        }
        sys.stdout.write(json.dumps(found, ensure_ascii=True) + "\n")
        return 0
    lines = [f"{one.path}: {one.action} ({one.cause})" for one in effects]
    sys.stdout.write("\n".join(lines or _overview(root, picture)) + "\n")
    return 0


def effect(picture: Picture, path: str) -> Effect:
    """Say what a change of one path would cause."""
    if picture.structural(path):
        return Effect(path, "rebuild or recreate", "it says how the image and container are made")
    role = picture.role(path)
    if role is Role.CONTENT:
        return Effect(path, "rebuild", "the image is made of its content")
    name = path.rsplit("/", 1)[-1]
    restarts = picture.inputs.mount is not None and triggers(picture, path) and name not in LOCKS
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


def _overview(root: str, picture: Picture) -> list[str]:
    fingerprint = picture.wanted.fingerprint
    spec = picture.wanted.spec
    return [
        f"image {projects.named(root, picture).image(fingerprint.digest)}",
        f"  built from {picture.dockerfile_path}, stage {picture.inputs.target or 'the last one'}",
        f"  rebuilt when these move: {_shortly(sorted(fingerprint.entries))}",
        f"mounted at {spec.mount}" if spec.mount else f"not mounted: {picture.inputs.unmounted}",
        f"  kept from the mount: {', '.join(spec.keep) or 'nothing'}",
        f"ports: {', '.join(f'{p.host}:{p.published}' for p in spec.ports) or 'none'}",
    ]
