"""Answers the clients of a running loop, on a socket that only its user can reach.

One JSON object a line: ``{"ask": "restart"}`` is answered by ``{"ok": true}`` or ``{"ok": false,
"message": …, "hint": …}``. With ``"follow": true`` events go on behind the answer, as in ``--format
json``, until the loop ends; ``"recent": true`` has those first that were told before. Nothing
listens on the network.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self

from devloop import threads
from devloop.errors import DevloopError, HostError
from devloop.events import as_json
from devloop.serve import address as place
from devloop.serve.history import History

LONGEST_REQUEST = 1 << 16
PATIENCE = 10.0

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes a request, gives what goes into the answer; raises ``DevloopError`` to refuse."""


class ControlServer:
    """One loop's control socket; it listens inside its ``with`` block."""

    def __init__(self, project: str, history: History, answer: Answer) -> None:
        self._path = place.path(project)
        self._history = history
        self._answer = answer
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        """Listen; removes the socket file of a killed loop. The project's lock must be held."""
        if sys.platform == "win32":
            return self  # it has no sockets that one user alone can reach
        place.make_folder()
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(self._path)
            os.chmod(self._path, 0o600)
        except OSError as error:
            listening.close()
            raise HostError(
                f"no control socket can be made at {self._path}: {error}",
                hint="set XDG_RUNTIME_DIR to a short path of yours that is not on a network drive",
            ) from None
        listening.listen()
        self._socket = listening
        threads.spawn(self._accept, listening, name="control", failed=threads.shown)
        return self

    def __exit__(self, *_: object) -> None:
        """Accept no new client; those that follow still get the last events."""
        if self._socket is None:
            return
        with suppress(OSError):
            os.unlink(self._path)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                link, _ = listening.accept()
            except OSError:
                return
            threads.spawn(self._talk, link, failed=threads.shown)

    def _talk(self, link: socket.socket) -> None:
        with link, suppress(OSError):
            if not place.same_user(link):
                return
            link.settimeout(PATIENCE)
            request = _request(link)
            link.settimeout(None)
            if request.get("follow"):
                self._follow(link, request)
            else:
                _send(link, self._answered(request))

    def _follow(self, link: socket.socket, request: Mapping[str, Any]) -> None:
        """Attach the client before the request is done, so that it gets all events of that."""
        with self._history.listen(recent=bool(request.get("recent"))) as heard:
            answer = self._answered(request)
            _send(link, answer)
            if answer["ok"]:
                threads.spawn(_watch, link, heard.end, failed=threads.shown)
                for ts, event in heard:
                    _send(link, as_json(event, ts))
                link.shutdown(socket.SHUT_RDWR)  # the watching thread holds it open

    def _answered(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return {"ok": True, **self._answer(request)}
        except DevloopError as error:
            return {"ok": False, "message": str(error), "hint": error.hint}


def _watch(link: socket.socket, gone: Callable[[], None]) -> None:
    """Call ``gone`` when the client has closed its end."""
    with suppress(OSError):
        while link.recv(1024):
            pass
    gone()


def _request(link: socket.socket) -> Mapping[str, Any]:
    text = b""
    while not text.endswith(b"\n"):
        piece = link.recv(4096)
        text += piece
        if not piece or len(text) > LONGEST_REQUEST:
            break
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _send(link: socket.socket, found: Mapping[str, object]) -> None:
    link.sendall(json.dumps(found, ensure_ascii=True).encode() + b"\n")
