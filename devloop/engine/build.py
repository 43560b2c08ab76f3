"""Builds by the engine's own BuildKit: what is posted, and the stream that it answers with."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import IO

from devloop.engine.client import Engine


def build(
    engine: Engine, parameters: Mapping[str, str], context: IO[bytes]
) -> Generator[Mapping[str, object], None, None]:
    """Post a build, its context as a tar archive; yields its messages until it ends.

    Raises ``RefusedError`` or ``EngineGoneError``.
    """
    response = engine.request(
        "POST",
        "/build",
        params=parameters,
        data=context,
        headers={"Content-Type": "application/x-tar"},
        stream=True,
        timeout=None,
    )
    with response:
        for line in response.iter_lines():
            with suppress(ValueError):
                message = json.loads(line) if line else None
                if isinstance(message, dict):
                    yield message


def cancel(engine: Engine, build_id: str) -> None:
    """Cancel a build; one that has ended is no error."""
    with suppress(Exception):
        engine.request("POST", "/build/cancel", params={"id": build_id}, timeout=5)
