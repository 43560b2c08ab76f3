"""`devloop up --detach`: the loop in the background, once its apps are ready."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

from devloop import events, process
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.following import Found, Tell, briefly, ended, last, teller
from devloop.errors import ProjectError
from devloop.loop.signals import INTERRUPTED
from devloop.model import Project
from devloop.project.lock import STATE_FOLDER, make_state_folder
from devloop.serve.client import Connection, NoLoopError

LOG = "up.log"
PAUSE = 0.02
AFTERMATH = 1.0
"""Seconds in which a loop that fails for good comes to its end."""
FAILURES = ("image.failed", "app.exited", "error")


def detached(
    targets: tuple[str, ...], files: tuple[str, ...], output: str, debug_port: int | None = None
) -> int:
    """Start the loop in the background and wait until the app is ready or something fails."""
    root, services = projects.target(targets, files)
    with live.reporting(briefly(output)) as shown:
        return started(root, services, files, debug_port, teller(output, shown))


def started(
    root: str,
    services: tuple[str, ...],
    files: tuple[str, ...],
    debug_port: int | None,
    tell: Tell,
) -> int:
    """Start a loop in the background and tell what it does until all is ready; gives 0 then."""
    folder = os.path.join(root, STATE_FOLDER)
    make_state_folder(folder)
    log = os.path.join(folder, LOG)
    argv = [sys.executable, "-m", "devloop", "up", root, *services, "--format", "plain"]
    argv += [word for file in files for word in ("--file", os.path.abspath(file))]
    argv += ["--debug-port", str(debug_port)] if debug_port else []
    child = process.Background(argv, log)
    try:
        connection = _reached(Project(root, "").id, child)
        if connection is None:
            return _told_by_log(log, child, tell)
        with connection:
            return _until_ready(connection.events(), tell, child)
    except KeyboardInterrupt:
        child.send(signal.SIGTERM)
        child.wait()
        return ended(tell, INTERRUPTED)


def _reached(project: str, child: process.Background) -> Connection | None:
    """Wait until the loop of ``child`` answers; None if it has ended before."""
    while child.running:
        try:
            connection = Connection(project, "attach", follow=True, recent=True)
        except NoLoopError:
            time.sleep(PAUSE)
            continue
        if connection.answer.get("pid") == child.pid:
            return connection
        connection.close()
        time.sleep(PAUSE)
    return None


def _told_by_log(log: str, child: process.Background, tell: Tell) -> int:
    """Report the log of a loop that ended before it answered; gives its exit code."""
    with open(log, encoding="utf-8", errors="replace") as stream:
        lines = stream.read().splitlines()
    for line in lines:
        text = line.removeprefix("devloop: ")
        kind = events.Error if text.startswith("error: ") else events.Notice
        tell(events.as_json(kind(text.removeprefix("error: ")), time.time()))
    return ended(tell, child.wait())


def _until_ready(found: Iterator[Found], tell: Tell, child: process.Background) -> int:
    """Report events until all apps are ready or one fails; gives the exit code."""
    waiting: set[str | None] = set()
    for one in found:
        if one["event"] == "end":
            return ended(tell, int(one["exit_code"]))
        tell(one)
        service = one.get("service")
        if one["event"] in ("image.building", "image.built"):
            waiting.add(service)
        ended_well = one["event"] == "app.exited" and service and one["exit_code"] == 0
        if one["event"] == "app.ready" or ended_well:
            waiting.discard(service)
            if not waiting:
                return ended(tell, 0)
        elif one["event"] in FAILURES:
            return _failed(found, tell, child)
    return ended(tell, ProjectError.exit_code)


def _failed(found: Iterator[Found], tell: Tell, child: process.Background) -> int:
    """Report whether the loop ends with this failure or goes on; gives the exit code."""
    if child.within(AFTERMATH) is not None:
        return last(found, tell)
    hint = "the loop goes on, a save that mends it is answered; `devloop attach` shows it"
    tell(events.as_json(events.Notice(hint), time.time()))
    return ended(tell, ProjectError.exit_code)
