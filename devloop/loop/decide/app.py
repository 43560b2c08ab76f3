"""One service: which part of the core answers which input.

At most one long work at a time, with a generation; a newer change that needs another image cancels
a build, and results of old generations are dropped.
"""

from __future__ import annotations

from typing import assert_never

from devloop import events
from devloop.loop.decide import batches, containers, process
from devloop.loop.decide import inputs as on
from devloop.loop.decide.actions import tell
from devloop.loop.decide.starts import Result
from devloop.loop.decide.state import ServiceState


def step(service: ServiceState, happened: on.ServiceEvent) -> Result:  # noqa: C901, PLR0911, PLR0912 - one arm an input
    """Decide what one input to a service causes."""
    match happened:
        case on.Changed():
            return batches.changed(service, happened)
        case on.Waited():
            return batches.waited(service, happened)
        case on.Settled():
            return batches.settled(service, happened)
        case on.ImageReady():
            return containers.image_ready(service, happened)
        case on.ImageFailed():
            return containers.image_failed(service, happened)
        case on.HandedOver():
            return containers.handed_over(service, happened)
        case on.HandOverFailed():
            return containers.hand_over_failed(service, happened)
        case on.AppStarted():
            return process.app_started(service, happened)
        case on.AppReady():
            return process.app_ready(service, happened)
        case on.AppSlow():
            return process.app_slow(service, happened)
        case on.AppExited():
            return process.app_exited(service, happened)
        case on.RestartFailed():
            return process.restart_failed(service, happened)
        case on.ReloadFailed():
            error = f"the app could not be reloaded: {happened.message}"
            return service, (tell(events.Error(error, "see app.reload")),)
        case _:
            assert_never(happened)
