from __future__ import annotations

import pytest

from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import App
from tests.loop.machine import A, Machine


@pytest.fixture
def up() -> Machine:
    """A loop whose app answers, made from A."""
    machine = Machine()
    assert machine(on.Begun, A) == f"image {'a' * 12}: start"
    assert machine(on.ImageReady, 1, "img-a", cached=False, duration=2.0) == "recreate: start"
    assert machine(on.Swapped, 1, "c1", "img-a", None) == "probe start 1"
    assert machine(on.AppReady, "c1", 1, "http://x") == ""
    assert machine.state.app is App.READY
    return machine
