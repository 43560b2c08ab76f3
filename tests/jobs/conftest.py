from __future__ import annotations

from collections.abc import Iterator

import pytest

from devloop.engine.client import Engine, connect
from devloop.errors import HostError


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        found = connect()
    except HostError as error:
        pytest.skip(f"no engine: {error}")
    yield found
    found.close()


@pytest.fixture(scope="module")
def container(engine: Engine) -> Iterator[str]:
    body = {
        "Image": "python:3.13-slim",
        "Entrypoint": ["tail", "-f", "/dev/null"],
        "HostConfig": {"Init": True},
    }
    identity = engine.post("/containers/create", body)["Id"]
    engine.post(f"/containers/{identity}/start")
    yield identity
    engine.delete(f"/containers/{identity}", force="true")
