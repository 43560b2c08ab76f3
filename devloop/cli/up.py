"""`devloop up`: build what is missing, run, watch, hot-reload."""

from __future__ import annotations

from functools import partial

from devloop.cli import live, work
from devloop.cli import project as projects
from devloop.cli.conclusion import concluded
from devloop.cli.project import Report
from devloop.engine import client
from devloop.errors import UserError
from devloop.loop.driver import Driver
from devloop.model import Project
from devloop.project.lock import ProjectLock
from devloop.serve.requests import Requests
from devloop.serve.server import ControlServer


def up(
    targets: tuple[str, ...], files: tuple[str, ...], output: str, debug_port: int | None = None
) -> int:
    """Run the loop until it is asked to end; gives the exit code."""
    requests = Requests()
    with (
        live.reporting(output) as shown,
        live.at_keys(shown, requests.ask, lambda: _leave(requests)),
    ):
        report = projects.both(shown, requests)
        code = concluded(report, lambda: _up(targets, files, report, requests, debug_port))
        requests.history.close()
        return code


def _leave(requests: Requests) -> None:
    """End the loop; before there is one, as Ctrl-C does."""
    try:
        requests.ask("stop")
    except UserError:
        live.interrupt()


def _up(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    report: Report,
    requests: Requests,
    debug_port: int | None,
) -> int:
    engine = client.connect()
    root, services = projects.target(targets, files)
    requests.root = root
    compose = projects.compose(root, files)
    if compose is not None and debug_port is not None:
        raise UserError("--debug-port is for one app", hint="publish the port in the compose file")
    with ProjectLock(root), ControlServer(Project(root, "").id, requests.history, requests.answer):
        around = projects.surroundings(work.invoking_user(engine), debug_port)
        asked = work.Request(root, engine, report, around, services)
        driver = Driver(report, partial(work.ready, asked, compose))
        requests.loop = driver
        return driver.run()
