"""Waits until the app answers.

An HTTP response below 500 from ``health``; else any HTTP response from the first port; else, if it
does not speak HTTP, a connection that is still open after a moment: the engine's proxy accepts
connections that no app serves, and closes them at once. One that was made before the container had
started it would hold for a second (its first packet is lost), so none is made before that.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

OPEN_LONG_ENOUGH = 0.25
ALIVE_LONG_ENOUGH = 0.5
SERVER_ERROR = 500
HTTP_WAIT = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25  # each attempt takes time from the app that starts


def wait(
    address: tuple[str, int] | None,
    health: str | None,
    cancelled: Callable[[float], bool],
) -> bool:
    """Wait until the app is ready; False if cancelled.

    ``cancelled(seconds)`` sleeps at most that long and says whether to give up.
    """
    if health:
        parts = urlsplit(health)
        target = (parts.hostname or "localhost", parts.port or 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _poll(lambda: _healthy(target, path), cancelled)
    if address:
        return _poll(lambda: answers(address), cancelled)
    return not cancelled(ALIVE_LONG_ENOUGH)


def _poll(attempt: Callable[[], bool], cancelled: Callable[[float], bool]) -> bool:
    pause = FIRST_PAUSE
    while not cancelled(0):
        if attempt():
            return True
        if cancelled(pause):
            return False
        pause = min(pause * 1.15, LONGEST_PAUSE)
    return False


def answers(address: tuple[str, int]) -> bool:
    """Say whether this address is served: by HTTP, or by a connection that stays open."""
    try:
        with socket.create_connection(address, timeout=1) as link:
            link.settimeout(OPEN_LONG_ENOUGH)
            link.sendall(_request(address, "/"))
            try:
                return bool(link.recv(16))
            except TimeoutError:
                return True
    except OSError:
        return False


def _healthy(address: tuple[str, int], path: str) -> bool:
    try:
        with socket.create_connection(address, timeout=1) as link:
            link.settimeout(HTTP_WAIT)
            link.sendall(_request(address, path))
            head = link.recv(64).split(b" ", 2)
            return len(head) > 1 and head[1][:3].isdigit() and int(head[1][:3]) < SERVER_ERROR
    except OSError:
        return False


def _request(address: tuple[str, int], path: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
    return (head + "Accept: */*\r\nUser-Agent: devloop\r\nConnection: close\r\n\r\n").encode()


def free(host: str, port: int) -> bool:
    """Say whether this machine has no listener on this address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return True  # a low port is the engine's to bind, not ours
        except OSError:
            return False
    return True
