"""The verbs that talk to a running loop: `attach`, `status`, `restart`, `up --detach`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from devloop import events, process
from devloop.cli import live
from devloop.cli import project as projects
from devloop.cli.project import Report
from devloop.errors import ProjectError
from devloop.loop.signals import INTERRUPTED
from devloop.model import Project
from devloop.project.lock import STATE_FOLDER, make_state_folder
from devloop.report.status import Status
from devloop.serve.client import Connection, NoLoopError

LOG = "up.log"
PAUSE = 0.02
AFTERMATH = 1.0
"""Seconds in which a loop that fails for good comes to its end."""
FAILURES = ("image.failed", "app.exited", "error")

Found = Mapping[str, Any]
Tell = Callable[[Found], None]


def project_id(path: Path) -> str:
    """Give the id of the project in a folder."""
    return Project(projects.folder(path), "").id


def attach(path: Path, output: str) -> int:
    """Show where the loop is and what it does until it ends; Ctrl-C leaves it alone."""
    project = project_id(path)

    def ask(what: str) -> None:
        with Connection(project, what):
            pass

    with (
        Connection(project, "attach", follow=True, recent=True) as talk,
        live.reporting(output) as shown,
    ):
        tell = teller(output, shown)
        with live.at_keys(shown, ask, live.interrupt):
            try:
                return _last(talk.events(), tell)
            except KeyboardInterrupt:
                return _ended(tell, INTERRUPTED)


def _last(found: Iterator[Found], tell: Tell) -> int:
    """Tell all; gives the loop's exit code."""
    for one in found:
        tell(one)
        if one["event"] == "end":
            return int(one["exit_code"])
    tell(events.as_json(events.Error("the loop has gone without a word"), time.time()))
    return _ended(tell, ProjectError.exit_code)


def _ended(tell: Tell, code: int) -> int:
    tell(events.as_json(events.End(code), time.time()))
    return code


def teller(output: str, report: Report) -> Tell:
    """Tell events as a format has them; JSON goes on as it came, with its own times."""
    if output == "json":

        def forward(found: Found) -> None:
            sys.stdout.write(json.dumps(found, ensure_ascii=True) + "\n")
            sys.stdout.flush()

        return forward

    def tell(found: Found) -> None:
        event = events.from_json(found)
        if event is not None:
            report(event)

    return tell


def status(path: Path, output: str) -> int:
    """Say where the loop is; exit code 1 if none runs."""
    root = projects.folder(path)
    try:
        with Connection(Project(root, "").id, "status") as talk:
            found = talk.answer["status"]
    except NoLoopError:
        found = {"root": root, "pid": None, **Status().as_json(), "state": "stopped"}
    if output == "json":
        sys.stdout.write(json.dumps(found, ensure_ascii=True) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _words(found))
    return 0 if found["pid"] else ProjectError.exit_code


def _words(found: Found) -> Iterator[str]:
    yield f"{found['project'] or found['root']}: {found['state']}" + (
        f" (process {found['pid']})" if found["pid"] else ""
    )
    for one in found["services"]:
        ended = f" with code {one['exit_code']}" if one["exit_code"] is not None else ""
        yield f"  {one['service']}: {one['state']}{ended} {one['url'] or ''}".rstrip()
    for one in found["cycles"][-1:]:
        end = f"{one['action']} {one['outcome']} in {one['duration_s']:.2f}s: {one['cause']}"
        name = f"{one['service']} " if one["service"] else ""
        yield f"  {name}cycle {one['cycle']}: {end if one['outcome'] else 'under way'}"
    for one in found["jobs"]:
        row = f" {one['matrix']}" if one["matrix"] else ""
        yield f"  job {one['job']}{row}: {one['conclusion'] or 'running'}"
    if found["error"]:
        yield f"  error: {found['error']}"


def restart(path: Path, service: str, output: str) -> int:
    """Have the loop start the app, or a service, anew; gives 0 if all is there again."""
    talk = Connection(project_id(path), "restart", follow=True, service=service)
    with talk, live.reporting(_briefly(output)) as shown:
        tell = teller(output, shown)
        good = _answered(talk.events(), tell)
        return _ended(tell, 0 if good else ProjectError.exit_code)


def _briefly(output: str) -> str:
    """Tell in lines where `auto` would show a view: what is told here goes on without us."""
    return "plain" if output == "auto" else output


def _answered(found: Iterator[Found], tell: Tell) -> bool:
    """Wait for the end of the cycles that answer a request; they all begin before one ends."""
    waiting, good = set(), True
    for one in found:
        which = (one.get("service"), one.get("cycle"))
        if one["event"] == "cycle.started" and one.get("asked"):
            waiting.add(which)
        if one["event"] not in ("log", "end"):
            tell(one)
        if one["event"] == "cycle.finished" and which in waiting:
            waiting.remove(which)
            good = good and one["outcome"] in ("ok", "superseded")
            if not waiting:
                return good
    raise ProjectError("the loop ended before the app was there again")


def detached(
    targets: tuple[str, ...], files: tuple[str, ...], output: str, debug_port: int | None = None
) -> int:
    """Start the loop in the background and wait until the app is ready or something fails."""
    root, services = projects.target(targets, files)
    with live.reporting(_briefly(output)) as shown:
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
        talk = _reached(Project(root, "").id, child)
        if talk is None:
            return _told_by_log(log, child, tell)
        with talk:
            return _until_ready(talk.events(), tell, child)
    except KeyboardInterrupt:
        child.send(signal.SIGTERM)
        child.wait()
        return _ended(tell, INTERRUPTED)


def _reached(project: str, child: process.Background) -> Connection | None:
    """Wait until this very loop can be talked to; None if it has ended before."""
    while child.running:
        try:
            talk = Connection(project, "attach", follow=True, recent=True)
        except NoLoopError:
            time.sleep(PAUSE)
            continue
        if talk.answer.get("pid") == child.pid:
            return talk
        talk.close()
        time.sleep(PAUSE)
    return None


def _told_by_log(log: str, child: process.Background, tell: Tell) -> int:
    """Hand on what a loop said that never came to answer."""
    with open(log, encoding="utf-8", errors="replace") as stream:
        lines = stream.read().splitlines()
    for line in lines:
        text = line.removeprefix("devloop: ")
        kind = events.Error if text.startswith("error: ") else events.Notice
        tell(events.as_json(kind(text.removeprefix("error: ")), time.time()))
    return _ended(tell, child.wait())


def _until_ready(found: Iterator[Found], tell: Tell, child: process.Background) -> int:
    """Tell until all that is made here is ready, or something fails; the loop goes on anyway."""
    waiting: set[str | None] = set()
    for one in found:
        if one["event"] == "end":
            return _ended(tell, int(one["exit_code"]))
        tell(one)
        service = one.get("service")
        if one["event"] in ("image.building", "image.built"):
            waiting.add(service)
        ended_well = one["event"] == "app.exited" and service and one["exit_code"] == 0
        if one["event"] == "app.ready" or ended_well:
            waiting.discard(service)
            if not waiting:
                return _ended(tell, 0)
        elif one["event"] in FAILURES:
            return _failed(found, tell, child)
    return _ended(tell, ProjectError.exit_code)


def _failed(found: Iterator[Found], tell: Tell, child: process.Background) -> int:
    """Tell whether the loop ends with this failure, or goes on."""
    if child.within(AFTERMATH) is not None:
        return _last(found, tell)
    hint = "the loop goes on, a save that mends it is answered; `devloop attach` shows it"
    tell(events.as_json(events.Notice(hint), time.time()))
    return _ended(tell, ProjectError.exit_code)
