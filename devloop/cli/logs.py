"""`devloop logs`: what the project's containers have written."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devloop import threads
from devloop.cli import project as projects
from devloop.engine import client, logs
from devloop.engine import listing as roster
from devloop.engine.client import Engine
from devloop.engine.listing import Resident
from devloop.errors import RefusedError, UserError
from devloop.model import Project
from devloop.project import lock

DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PAUSE = 0.2


def show(path: Path, service: str, *, follow: bool, since: str, tail: str) -> int:
    """Print the output on the streams that it was written to; ``follow`` goes on until Ctrl-C.

    With ``follow`` the output of a container that replaces another one comes next.

    Raises ``UserError`` if there is nothing to read from.
    """
    engine = client.connect()
    root = projects.folder(path)
    project = Project(root, os.path.basename(root))
    began = moment(since, time.time()) if since else None
    if tail != "all" and not tail.isdigit():
        raise UserError(f"--tail takes a number or `all`, not `{tail}`")
    way = LogOptions(follow, began, tail)
    fresh = roster.residents(engine, project, service)
    if not fresh:
        raise UserError("no container of this project is there", hint="start `devloop up`")
    shown: set[str] = set()
    while True:
        _all(engine, fresh, way)
        if not follow or lock.holder(root) is None:
            return 0
        shown |= {one.id for one in fresh}
        time.sleep(PAUSE)
        there = roster.residents(engine, project)
        running = (one for one in there if one.state == "running" and one.id not in shown)
        fresh = tuple(one for one in running if service in ("", one.service))
        way = LogOptions(follow, None, "all")


@dataclass(frozen=True)
class LogOptions:
    """How output is read: ``since`` in seconds since the epoch, ``tail`` a number or ``all``."""

    follow: bool
    since: float | None
    tail: str


def _all(engine: Engine, found: tuple[Resident, ...], way: LogOptions) -> None:
    """Print what several containers write, each line with its service's name if they differ."""
    several = len({one.service for one in found}) > 1
    readers = []
    for one in found:
        prefix = f"{one.service} | " if several else ""
        readers.append(threads.spawn(_print, engine, one, way, prefix, failed=threads.shown))
        if not way.follow:
            readers[-1].join()
    for reader in readers:
        while reader.is_alive():
            reader.join(PAUSE)


def _print(engine: Engine, one: Resident, way: LogOptions, prefix: str) -> None:
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}

    def line(stream: str, text: str) -> None:
        streams[stream].write(f"{prefix}{text}\n")
        streams[stream].flush()

    try:
        mark = roster.nonce(engine, one.id)
        pieces = engine.logs(one.id, follow=way.follow, since=way.since, tail=way.tail)
        logs.split(pieces, mark, line, lambda _word, _number: None)
    except (RefusedError, BrokenPipeError):
        return  # the container, or who read this, has gone


def moment(text: str, now: float) -> float:
    """Read a moment as ``docker logs --since`` does: seconds since the epoch, ``10m``, a date.

    Raises ``UserError`` for what is none of these.
    """
    if DURATION.fullmatch(text):
        return now - sum(float(count) * SECONDS[unit] for count, unit in PART.findall(text))
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UserError(
            f"--since does not understand `{text}`", hint="write 10m, 1h30m or 2026-01-31T12:00:00"
        ) from None
