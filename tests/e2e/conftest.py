from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine, connect
from devloop.errors import HostError
from tests.e2e.apps import NODE, PYTHON, App, Kind
from tests.e2e.harness import clear, devloop, forget, free_port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        found = connect()
    except HostError as error:
        pytest.skip(f'no engine: {error} (start one with `eval "$(make -s engine)"`)')
    yield found
    found.close()


@pytest.fixture(autouse=True)
def nothing_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove the volumes and images of a test's projects, whose folders are never used again."""
    if not {"tmp_path", "engine"} <= set(request.fixturenames):
        yield
        return
    engine, folder = (request.getfixturevalue(name) for name in ("engine", "tmp_path"))
    yield
    forget(engine, folder)


@pytest.fixture
def lone_shop(tmp_path: Path, engine: Engine) -> Iterator[App]:  # noqa: ARG001 - it is needed
    """An express app; whatever a test did, no loop and no container of it is left."""
    root = tmp_path / "shop"
    root.mkdir()
    yield App(NODE, root)
    devloop("kill", str(root))
    clear(root)


@pytest.fixture(
    params=(NODE, pytest.param(PYTHON, marks=pytest.mark.slow)), ids=lambda kind: kind.name
)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def app(kind: Kind, tmp_path: Path, engine: Engine) -> App:  # noqa: ARG001 - an engine is needed
    root = tmp_path / "shop"
    root.mkdir()
    return App(kind, root)


@pytest.fixture
def port() -> int:
    return free_port()
