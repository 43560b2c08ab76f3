"""`devloop attach`: what the running loop does, until it ends."""

from __future__ import annotations

from pathlib import Path

from devloop.cli import live
from devloop.cli.following import ended, last, project_id, teller
from devloop.loop.signals import INTERRUPTED
from devloop.serve.client import Connection


def attach(path: Path, output: str) -> int:
    """Show where the loop is and what it does until it ends; Ctrl-C leaves it alone."""
    project = project_id(path)

    def ask(what: str) -> None:
        with Connection(project, what):
            pass

    with (
        Connection(project, "attach", follow=True, recent=True) as connection,
        live.reporting(output) as shown,
    ):
        tell = teller(output, shown)
        with live.at_keys(shown, ask, live.interrupt):
            try:
                return last(connection.events(), tell)
            except KeyboardInterrupt:
                return ended(tell, INTERRUPTED)
