"""The files that Compose finds by itself, by name."""

from __future__ import annotations

import os

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)


def file_of(folder: str) -> str | None:
    """Name the compose file of a folder, None if it has none."""
    return next((name for name in FILES if os.path.isfile(os.path.join(folder, name))), None)
