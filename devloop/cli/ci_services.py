"""`devloop ci` of a Compose project: its loop in the background, the jobs, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devloop.cli import jobs, talk
from devloop.cli.apps import App
from devloop.cli.down import end_loop
from devloop.cli.project import Report
from devloop.compose.command import Compose
from devloop.engine import containers
from devloop.engine.client import Engine
from devloop.loop.signals import INTERRUPTED

COMPOSE_PROJECT = "com.docker.compose.project"


def tried(
    engine: Engine,
    root: str,
    compose: Compose,
    all_apps: tuple[App, ...],
    names: tuple[str, ...],
    report: Report,
    output: str,
) -> int:
    """Start all services, run the jobs, stop what was started; gives the exit code.

    What ran before is left as it was; else the containers go, and no volume.
    """
    found = jobs.read(root)
    asked = jobs.chosen(found, names) if names else jobs.startable(found, report)
    app = jobs.at_work(all_apps) if asked else None
    forward = talk.teller(output, report)

    def tell(event: Mapping[str, Any]) -> None:
        if event["event"] != "end":  # the loop's; ours is yet to come
            forward(event)

    fresh = not _containers(engine, compose)
    try:
        code = talk.started(root, (), (), None, tell)
        if code == 0 and app:
            place = jobs.place_of(engine, app)
            named = bool(names)
            code = jobs.run(engine, root, app, place, found, asked, report, named=named)
    finally:
        end_loop(root)
        if fresh:
            compose.down(volumes=False)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code


def _containers(engine: Engine, compose: Compose) -> bool:
    """Say whether the Compose project has containers already."""
    name = compose.model()[0].name
    return bool(containers.labelled(engine, [f"{COMPOSE_PROJECT}={name}"]))
