"""`devloop build`: the image of the project as it is now."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from devloop import events
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.ending import concluded
from devloop.cli.project import Report
from devloop.engine import client
from devloop.image import engine_build
from devloop.loop import images, tagging
from devloop.loop.tagging import Wish


def build(path: Path, output: str, shipped: tuple[str, bool, str]) -> int:
    """Build the image if it is not there, or the one that is shipped; gives the exit code."""
    names: list[str] = []
    with live.reporting(output) as report:
        code = concluded(report, lambda: _build(path, report, Wish(*shipped), names.append))
    if output != "json":
        sys.stdout.writelines(f"{name}\n" for name in names)
    return code


def _build(path: Path, report: Report, wish: Wish, named: Callable[[str], None]) -> int:
    tagging.check(wish)
    engine = client.connect()
    root = projects.folder(path)
    picture = projects.look(root)
    project = projects.named(root, picture)
    for text in projects.at_start(picture):
        report(events.Notice(text))
    build_id = f"devloop-{project.id}-{os.getpid()}"
    stopped = threading.Event()

    def cancel(_number: int, _frame: FrameType | None) -> None:
        stopped.set()
        engine_build.cancel(engine, build_id)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, cancel)
    digest = picture.wanted.fingerprint.digest
    if wish.tag:
        made = tagging.build(engine, project, picture, wish, report, build_id, stopped)
    else:
        made = images.ensure(engine, project, picture, "build", report, build_id, stopped)
        if not made.cached:
            images.prune(engine, project)
    name = wish.tag or project.image(digest)
    report(events.ImageBuilt(name, digest, made.cached, made.duration, made.image.size))
    named(name)
    return 0
