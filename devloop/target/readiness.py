"""Waiting until an app answers: one wait for each service, that of its newest start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from devloop import threads
from devloop.engine import ready
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.model import ContainerSpec, Port
from devloop.target.base import Post

SLOW = 15.0
"""Seconds after which it is told that an app does not answer yet."""


class Probes:
    """The waits that are under way; may be used by several threads."""

    def __init__(self, post: Post, failed: Callable[[Exception], None]) -> None:
        self._post = post
        self._failed = failed
        self._waits: dict[str, threading.Event] = {}

    def start(self, order: do.Probe, spec: ContainerSpec) -> None:
        """Wait for a start of an app; a wait for an older one ends."""
        self.cancel(order.service)
        cancelled = self._waits[order.service] = threading.Event()
        threads.spawn(self._wait, order, spec, cancelled, failed=self._failed)

    def cancel(self, service: str) -> None:
        """End the wait for a service, if there is one."""
        if service in self._waits:
            self._waits[service].set()

    def cancel_all(self) -> None:
        """End all waits."""
        for wait in self._waits.values():
            wait.set()

    def _wait(self, order: do.Probe, spec: ContainerSpec, cancelled: threading.Event) -> None:
        port = spec.ports[0] if spec.ports else None
        address = (reachable(port.host), port.published) if port else None
        slow = threads.later(SLOW, self._slow, order, port, failed=self._failed)
        try:
            if ready.wait(address, spec.health, cancelled.wait):
                url = f"http://localhost:{port.published}" if port else None
                now = time.monotonic()
                self._post(on.AppReady(now, order.service, order.container, order.number, url))
        finally:
            slow.cancel()

    def _slow(self, order: do.Probe, port: Port | None) -> None:
        where = f"port {port.container}" if port else "its port"
        hint = f"does it listen on 0.0.0.0 (not on localhost) and on {where} of the container?"
        now = time.monotonic()
        self._post(on.AppSlow(now, order.service, order.container, order.number, hint))


def reachable(host: str) -> str:
    """Give an address at which what is published on ``host`` can be asked."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
