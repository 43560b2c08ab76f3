"""Takes away what a sample project left in the engine: by its label, nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from devloop.engine.client import Engine, connect
from devloop.errors import RefusedError
from tests.e2e import harness


def sweep(root: Path) -> None:
    """Remove a project's containers, volumes and images."""
    engine = connect()
    try:
        harness.clear(root)
        for volume in harness.volumes(engine, root):
            with suppress(RefusedError):
                engine.delete(f"/volumes/{volume['Name']}")
        for image in images(engine, root):
            for tag in image.get("RepoTags") or ():
                with suppress(RefusedError):
                    engine.delete(f"/images/{tag}")
    finally:
        engine.close()


def images(engine: Engine, root: Path) -> list[dict[str, Any]]:
    """List a project's images."""
    return list(engine.get("/images/json", filters=f'{{"label":["{harness.label(root)}"]}}'))
