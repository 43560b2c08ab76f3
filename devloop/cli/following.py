"""Reporting the events of a running loop: what the verbs that follow one have in common."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from devloop import events
from devloop.cli import project as projects
from devloop.cli.project import Report
from devloop.errors import ProjectError
from devloop.model import Project

Found = Mapping[str, Any]
Tell = Callable[[Found], None]


def project_id(path: Path) -> str:
    """Give the id of the project in a folder."""
    return Project(projects.folder(path), "").id


def teller(output: str, report: Report) -> Tell:
    """Give a function that reports events in a format; JSON keeps the times of the loop."""
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


def last(found: Iterator[Found], tell: Tell) -> int:
    """Report all events; gives the loop's exit code, 1 if it ended without one."""
    for one in found:
        tell(one)
        if one["event"] == "end":
            return int(one["exit_code"])
    tell(events.as_json(events.Error("the loop has gone without a word"), time.time()))
    return ended(tell, ProjectError.exit_code)


def ended(tell: Tell, code: int) -> int:
    """Report the ``end`` event of the verb with this exit code; gives the code."""
    tell(events.as_json(events.End(code), time.time()))
    return code


def briefly(output: str) -> str:
    """Give the format to use: ``auto`` is ``plain`` here, as the verb ends before the loop does."""
    return "plain" if output == "auto" else output
