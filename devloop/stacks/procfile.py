"""The Procfile, where a project says how its web process starts."""

from __future__ import annotations

import re

from devloop.model import Command
from devloop.stacks.base import Snapshot

_WEB = re.compile(r"^web:[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE)


def web(snapshot: Snapshot) -> Command:
    """Give the web process as a string for ``sh -c``; an empty tuple where there is none."""
    found = _WEB.search(snapshot.text("Procfile"))
    return found[1] if found else ()
