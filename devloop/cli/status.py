"""`devloop status`: the status of the running loop."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from devloop.cli import project as projects
from devloop.cli.following import Found
from devloop.errors import ProjectError
from devloop.model import Project
from devloop.report.status import Status
from devloop.serve.client import Connection, NoLoopError


def status(path: Path, output: str) -> int:
    """Print the status of the loop; gives the exit code, 1 if none runs."""
    root = projects.folder(path)
    try:
        with Connection(Project(root, "").id, "status") as connection:
            found = connection.answer["status"]
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
