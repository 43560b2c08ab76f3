"""`devloop clean`: remove what was made for a project, and only that."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devloop.cli import project as projects
from devloop.cli.ps import size
from devloop.engine import client, containers, volumes
from devloop.engine.client import Engine
from devloop.errors import HostError, RefusedError, UserError
from devloop.model import LABEL_PROJECT, Project
from devloop.project import lock


@dataclass(frozen=True)
class Made:
    """Something that bears the project's label; ``size`` in bytes, 0 where it is not known."""

    kind: str
    id: str
    name: str
    size: int


def clean(path: Path, *, dry_run: bool) -> int:
    """Remove the project's containers, volumes and images; say what, and how much that frees."""
    engine = client.connect()
    root = projects.folder(path)
    holder = lock.holder(root)
    if holder is not None and not dry_run:
        raise UserError(
            f"a devloop is running in this project (process {holder})",
            hint="`devloop stop` ends it",
        )
    before = _layers(engine)
    freed, failed = 0, False
    for one in made(engine, Project(root, os.path.basename(root))):
        shown = f"{one.kind} {one.name}" + (f" ({size(one.size)})" if one.size else "")
        if dry_run:
            sys.stdout.write(f"would remove {shown}\n")
        elif _remove(engine, one):
            sys.stdout.write(f"removed {shown}\n")
        else:
            failed = True
            continue
        freed += one.size if dry_run or one.kind != "image" else 0
    if dry_run:
        sys.stdout.write(f"would free up to {size(freed)}\n")
        return 0
    sys.stdout.write(f"freed {size(freed + max(0, before - _layers(engine)))}\n")
    return HostError.exit_code if failed else 0


def made(engine: Engine, project: Project) -> Iterator[Made]:
    """List what bears the project's label, in the order in which it can go."""
    wanted = json.dumps({"label": [f"{LABEL_PROJECT}={project.id}"]})
    for one in engine.get("/containers/json", all="true", size="true", filters=wanted):
        name = str(one["Names"][0]).lstrip("/")
        yield Made("container", one["Id"], name, int(one.get("SizeRw") or 0))
    mine = {one["Name"] for one in engine.get("/volumes", filters=wanted).get("Volumes") or ()}
    if mine:  # the engine measures all that there are, which takes it a while
        for one in engine.get("/system/df", type="volume").get("Volumes") or ():
            if one["Name"] in mine:
                taken = int((one.get("UsageData") or {}).get("Size") or 0)
                yield Made("volume", one["Name"], one["Name"], max(0, taken))
    for one in engine.get("/images/json", filters=wanted, **{"shared-size": "true"}):
        names = [name for name in one.get("RepoTags") or () if name != "<none>:<none>"]
        alone = int(one["Size"]) - max(0, int(one.get("SharedSize") or 0))
        yield Made("image", one["Id"], ", ".join(names) or one["Id"][7:19], alone)


def _layers(engine: Engine) -> int:
    return int(engine.get("/system/df", type="image").get("LayersSize") or 0)


def _remove(engine: Engine, one: Made) -> bool:
    try:
        match one.kind:
            case "container":
                containers.remove(engine, one.id)
            case "volume":
                volumes.remove(engine, one.id)
            case _:
                engine.delete(f"/images/{one.id}", force="true")
    except RefusedError as error:
        sys.stderr.write(f"devloop: error: {one.kind} {one.name}: {error.message}\n")
        return False
    return True
