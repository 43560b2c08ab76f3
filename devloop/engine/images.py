"""Images of the engine: looked up, listed, removed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from devloop.engine.client import NOT_FOUND, Engine
from devloop.errors import RefusedError
from devloop.model import LABEL_PROJECT, Project

NAMELESS = "<none>:<none>"


@dataclass(frozen=True)
class Image:
    """What is needed of an image's configuration; ``size`` in bytes."""

    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    workdir: str
    stop_signal: str
    ports: tuple[int, ...]
    size: int = 0


@dataclass(frozen=True)
class ListedImage:
    """An image in a list; ``made`` in seconds since the epoch.

    ``size`` in bytes is what it alone takes if that was asked for, else with what it shares.
    """

    id: str
    names: tuple[str, ...]
    labels: Mapping[str, str]
    made: int
    size: int


def inspect(engine: Engine, reference: str) -> Image | None:
    """Look an image up, None if the engine does not have it."""
    try:
        found = engine.get(f"/images/{reference}/json")
    except RefusedError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    config: Mapping[str, Any] = found.get("Config") or {}
    exposed = (key.partition("/") for key in config.get("ExposedPorts") or {})
    return Image(
        id=found["Id"],
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        workdir=config.get("WorkingDir") or "/",
        stop_signal=str(config.get("StopSignal") or "TERM").removeprefix("SIG"),
        ports=tuple(sorted(int(port) for port, _, kind in exposed if kind in ("", "tcp"))),
        size=int(found.get("Size") or 0),
    )


def labelled(
    engine: Engine, wanted: Iterable[str], *, alone: bool = False
) -> tuple[ListedImage, ...]:
    """List the images that bear all these labels, each a name or ``name=value``, newest first.

    ``alone``: the sizes are without the layers that other images share.
    """
    asked = {"filters": json.dumps({"label": list(wanted)})}
    asked |= {"shared-size": "true"} if alone else {}
    return tuple(_listed(one) for one in engine.get("/images/json", **asked))


def of_project(engine: Engine, project: Project, *, alone: bool = False) -> tuple[ListedImage, ...]:
    """List the images that bear the project's label."""
    return labelled(engine, [f"{LABEL_PROJECT}={project.id}"], alone=alone)


def _listed(found: Mapping[str, Any]) -> ListedImage:
    return ListedImage(
        id=found["Id"],
        names=tuple(name for name in found.get("RepoTags") or () if name != NAMELESS),
        labels=found.get("Labels") or {},
        made=int(found["Created"]),
        size=int(found["Size"]) - max(0, int(found.get("SharedSize") or 0)),
    )


def named_at(engine: Engine, image: ListedImage) -> datetime:
    """Say when an image got its name; one made of cached layers bears their old date itself."""
    try:
        metadata = engine.get(f"/images/{image.id}/json").get("Metadata") or {}
        return datetime.fromisoformat(metadata["LastTagTime"])
    except (KeyError, RefusedError):  # gone meanwhile, or an engine that does not tell
        return datetime.fromtimestamp(image.made, UTC)


def remove(engine: Engine, reference: str, *, force: bool = False) -> None:
    """Take a name away, with the last one the image; by its ID all of it.

    One that is gone is removed. ``force``: even if it has several names, or a container that does
    not run. Raises ``RefusedError``, with ``CONFLICT`` for one that is in use.
    """
    engine.delete(f"/images/{reference}", **({"force": "true"} if force else {}))
