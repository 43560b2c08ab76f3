"""The engine itself: its version, its host, what it keeps on its disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from devloop.engine.client import Engine


@dataclass(frozen=True)
class Version:
    """The engine's version as it names it, and the API's as numbers."""

    engine: str
    api: tuple[int, ...]


@dataclass(frozen=True)
class Info:
    """The engine's host: its clock in seconds since the epoch, None if it does not tell.

    ``folder`` is where the engine keeps its data, ``security`` are its words, ``name=rootless``
    for one.
    """

    clock: float | None
    folder: str
    security: tuple[str, ...]


def version(engine: Engine) -> Version:
    """Ask for the version; raises ``RefusedError`` or ``EngineGoneError``."""
    found = engine.get("/version")
    api = tuple(int(part) for part in str(found["ApiVersion"]).split("."))
    return Version(str(found["Version"]), api)


def info(engine: Engine) -> Info:
    """Ask for the host; raises ``RefusedError`` or ``EngineGoneError``."""
    found = engine.get("/info")
    return Info(
        clock=_moment(str(found.get("SystemTime") or "")),
        folder=str(found.get("DockerRootDir") or ""),
        security=tuple(found.get("SecurityOptions") or ()),
    )


def layers_size(engine: Engine) -> int:
    """Measure what all images take, in bytes; layers that they share count once."""
    return int(engine.get("/system/df", type="image").get("LayersSize") or 0)


def volume_sizes(engine: Engine) -> Mapping[str, int]:
    """Measure every volume, in bytes, 0 where it is not known; takes the engine a while."""
    found = engine.get("/system/df", type="volume").get("Volumes") or ()
    return {
        one["Name"]: max(0, int((one.get("UsageData") or {}).get("Size") or 0)) for one in found
    }


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(_micro(text)).timestamp()
    except ValueError:
        return None


def _micro(text: str) -> str:
    """Cut a time's nanoseconds to what Python 3.11 reads."""
    head, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}" if dot else text
