"""A socket that leads to the engine's, and can be cut: to the loop the engine is gone then."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path


class Relay:
    """Passes bytes between its own socket and the engine's."""

    def __init__(self, path: Path, target: str) -> None:
        self.path = str(path)
        self.target = target
        self.links: list[socket.socket] = []
        self.server: socket.socket | None = None

    def open(self) -> None:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(64)
        threading.Thread(target=self._accept, args=(self.server,), daemon=True).start()

    def cut(self) -> None:
        """Take the engine away."""
        os.unlink(self.path)
        assert self.server
        for link in (self.server, *self.links):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        self.links = []

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
                self.links += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_pass, args=pair, daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def reachable() -> str:
    """Give the engine's socket, empty if it is reached in another way."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    found = host.removeprefix("unix://")
    return found if shutil.which("docker") and os.path.exists(found) else ""
