"""`devloop fingerprint`: what the image is made of."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from devloop.cli import project as projects
from devloop.cli.apps import apps
from devloop.project.state import Inspection


def fingerprint(path: Path, output: str) -> int:
    """Print the fingerprint and its inputs."""
    found = apps(projects.folder(path))
    if output == "json":
        each = {one.service: as_json(one.inspection) for one in found}
        told = each.get("") or {"services": each}
        sys.stdout.write(json.dumps(told, ensure_ascii=True, default=str) + "\n")
        return 0
    lines = [f"{one.said}{line}" for one in found for line in _lines(one.inspection)]
    sys.stdout.write("\n".join(lines or ["no service has a build"]) + "\n")
    return 0


def _lines(inspection: Inspection) -> list[str]:
    found = inspection.wanted.fingerprint
    lines = [found.digest]
    for name, entry in sorted(found.entries.items()):
        how = (
            "its content" if entry.fields is None else ", ".join(sorted(entry.fields)) or "nothing"
        )
        lines.append(f"  {name}: {how}{' (does not parse)' if entry.warning else ''}")
    stage = inspection.inputs.target or "the last one"
    return [*lines, f"  {inspection.dockerfile_path}: for stage {stage}"]


def as_json(inspection: Inspection) -> dict[str, object]:
    """Give the fingerprint as one JSON object."""
    found = inspection.wanted.fingerprint
    return {
        "fingerprint": found.digest,
        "dockerfile": inspection.dockerfile_path,
        "target": inspection.inputs.target,
        "mount": inspection.inputs.mount,
        "inputs": [
            {
                "path": name,
                "kind": "content" if entry.fields is None else "fields",
                "digest": entry.digest,
                "fields": entry.fields,
            }
            for name, entry in sorted(found.entries.items())
        ],
    }
