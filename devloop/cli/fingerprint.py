"""`devloop fingerprint`: what the image is made of."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from devloop.cli import project as projects
from devloop.loop.picture import Picture


def fingerprint(path: Path, output: str) -> int:
    """Print the fingerprint and its inputs."""
    picture = projects.look(projects.folder(path))
    if output == "json":
        sys.stdout.write(json.dumps(as_json(picture), ensure_ascii=True, default=str) + "\n")
        return 0
    found = picture.wanted.fingerprint
    lines = [found.digest]
    for name, entry in sorted(found.entries.items()):
        how = (
            "its content" if entry.fields is None else ", ".join(sorted(entry.fields)) or "nothing"
        )
        lines.append(f"  {name}: {how}{' (does not parse)' if entry.warning else ''}")
    stage = picture.inputs.target or "the last one"
    lines.append(f"  {picture.dockerfile_path}: for stage {stage}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def as_json(picture: Picture) -> dict[str, object]:
    """Give the fingerprint as one JSON object."""
    found = picture.wanted.fingerprint
    return {
        "fingerprint": found.digest,
        "dockerfile": picture.dockerfile_path,
        "target": picture.inputs.target,
        "mount": picture.inputs.mount,
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
