"""An interactive command in a running container.

Its environment bears a mark, by which all that it started is found and ended: the engine lets a
command run on when its client has disconnected.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress

from devloop.engine.client import Conversation, Engine
from devloop.errors import RefusedError

MARK = "DEVLOOP_SESSION"
REACH = """each() { for at in /proc/[0-9]*; do
  if grep -qs "$mark" "$at/environ"; then kill "-$1" "${at#/proc/}"; fi
done; }
mark=$1; each "$2" 2>/dev/null; [ "$2" = INT ] || { sleep 2; each KILL 2>/dev/null; }
:"""
PATIENCE, PAUSE = 5.0, 0.02

Size = tuple[int, int]
"""Columns and rows."""


class Session:
    """One command; ``link`` is its connection."""

    def __init__(
        self,
        engine: Engine,
        container: str,
        argv: list[str],
        env: Mapping[str, str],
        workdir: str,
        size: Size | None,
    ) -> None:
        """Start it, with a terminal of that size if there is one; raises ``RefusedError``."""
        self._engine, self._container = engine, container
        self._mark = f"{MARK}={secrets.token_hex(8)}"
        self.tty = size is not None
        body: dict[str, object] = {
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": self.tty,
            "Cmd": argv,
            "Env": [self._mark, *(f"{key}={value}" for key, value in env.items())],
        }
        if workdir:
            body["WorkingDir"] = workdir
        if size:
            body["ConsoleSize"] = [size[1], size[0]]
        self._id: str = engine.post(f"/containers/{container}/exec", body)["Id"]
        self.link: Conversation = engine.begin(self._id, tty=self.tty)
        if size:
            self.resize(size)

    def resize(self, size: Size) -> None:
        """Tell its terminal's size."""
        with suppress(RefusedError):  # it has ended already
            self._engine.post(f"/exec/{self._id}/resize", w=size[0], h=size[1])

    def signal(self, name: str) -> None:
        """Send a signal to all that the command began; all but INT are followed by KILL in 2 s."""
        body = {"Cmd": ["sh", "-c", REACH, "devloop", self._mark, name], "User": "0"}
        with suppress(RefusedError):
            reach = self._engine.post(f"/containers/{self._container}/exec", body)["Id"]
            self._engine.post(f"/exec/{reach}/start", {"Detach": True})

    def exit_code(self) -> int:
        """Give the exit code once the output has ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self._engine.get(f"/exec/{self._id}/json")
            if not found["Running"] or time.monotonic() > deadline:
                return int(found["ExitCode"] or 0)
            time.sleep(PAUSE)
