"""Events of a running loop, told as they come: what the verbs that follow one have in common."""

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


def last(found: Iterator[Found], tell: Tell) -> int:
    """Tell all; gives the loop's exit code."""
    for one in found:
        tell(one)
        if one["event"] == "end":
            return int(one["exit_code"])
    tell(events.as_json(events.Error("the loop has gone without a word"), time.time()))
    return ended(tell, ProjectError.exit_code)


def ended(tell: Tell, code: int) -> int:
    """Tell the end of the verb with this exit code, and give it."""
    tell(events.as_json(events.End(code), time.time()))
    return code


def briefly(output: str) -> str:
    """Tell in lines where `auto` would show a view: what is told here goes on without us."""
    return "plain" if output == "auto" else output
