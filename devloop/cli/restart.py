"""`devloop restart`: the app, or a service, started anew by the running loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from devloop.cli import live
from devloop.cli.following import Found, Tell, briefly, ended, project_id, teller
from devloop.errors import ProjectError
from devloop.serve.client import Connection


def restart(path: Path, service: str, output: str) -> int:
    """Have the loop restart the app, or a service, and wait for it; gives the exit code."""
    connection = Connection(project_id(path), "restart", follow=True, service=service)
    with connection, live.reporting(briefly(output)) as shown:
        tell = teller(output, shown)
        good = _answered(connection.events(), tell)
        return ended(tell, 0 if good else ProjectError.exit_code)


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
