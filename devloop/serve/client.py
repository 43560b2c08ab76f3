"""The client of the control socket (``devloop.serve.server`` describes the protocol)."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

from devloop.errors import HostError, UserError
from devloop.serve import address as place

PATIENCE = 5.0


class NoLoopError(UserError):
    """No loop runs in this project."""


class NoControlError(UserError):
    """No control socket exists on this platform."""


class Connection:
    """One request; ``answer`` is the loop's reply, ``events`` yields its events from then on."""

    def __init__(self, project: str, ask: str, **more: object) -> None:
        """Ask; raises ``NoLoopError``, ``NoControlError``, ``HostError`` if it does not answer.

        ``UserError`` has the loop's words if it refuses.
        """
        self._link = _socket()
        self._link.settimeout(PATIENCE)
        self._lines = self._link.makefile("rb")
        try:
            self._connect(place.path(project))
            self._link.sendall(json.dumps({"ask": ask, **more}).encode() + b"\n")
            self.answer = self._answer()
        except TimeoutError:
            self.close()
            raise HostError("the loop does not answer", hint="`devloop kill` ends it") from None
        except OSError:
            self.close()
            raise NoLoopError("no loop runs here", hint="start one with `devloop up`") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Give the connection, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; a thread that reads ``events`` gets their end."""
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._lines.close()
        self._link.close()

    def _connect(self, path: str) -> None:
        self._link.connect(path)
        if not place.same_user(self._link):
            raise HostError("the control socket is another user's", hint="who runs the loop?")

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Yield events as ``--format json`` has them, until the loop ends or goes."""
        self._link.settimeout(None)
        with suppress(OSError, ValueError):
            for line in self._lines:
                yield json.loads(line)

    def _answer(self) -> Mapping[str, Any]:
        line = self._lines.readline()
        if not line:
            raise NoLoopError("the loop has just ended", hint="start one with `devloop up`")
        found: Mapping[str, Any] = json.loads(line)
        if not found["ok"]:
            raise UserError(str(found["message"]), hint=str(found["hint"]))
        return found


def _socket() -> socket.socket:
    if sys.platform == "win32":
        raise NoControlError(
            "on Windows nobody can talk to a loop that runs",
            hint="Ctrl-C where it runs ends it, `devloop down` from elsewhere",
        )
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
