from __future__ import annotations

import pytest

from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Running
from tests.loop.decide.machine import A, Machine


@pytest.fixture
def up() -> Machine:
    """A loop whose app answers, made from A."""
    machine = Machine()
    assert machine(on.Begun, {"": A}) == f"image {'a' * 12}: start"
    assert machine(on.ImageReady, 1, "img-a", cached=False, duration=2.0) == "create: start"
    assert machine(on.HandedOver, 1, "c1", "img-a", machine.now) == ""
    assert machine(on.AppStarted, "c1", 1) == "probe start 1"
    assert machine(on.AppReady, "c1", 1, "http://x") == ""
    assert isinstance(machine.app, Running)
    assert machine.app.ready
    return machine
