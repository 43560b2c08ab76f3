"""Images as the engine knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devloop.engine.client import NOT_FOUND, Engine
from devloop.errors import RefusedError


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
