"""The events as JSON, one object a line (docs/events.md)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TextIO

from devloop.events import Event, as_json


class NdJson:
    """Writes one JSON object an event; safe to use from several threads."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write an event."""
        with self._lock:
            line = json.dumps(as_json(event, self._clock()), ensure_ascii=True)
            self._stream.write(line + "\n")
            self._stream.flush()
