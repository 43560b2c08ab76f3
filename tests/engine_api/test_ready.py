"""Readiness against real sockets on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devloop.engine import ready


@contextmanager
def server(answer: bytes, *, close: bool = True) -> Iterator[int]:
    """Answer every connection with these bytes; keep it open if asked to."""
    links: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                if answer:
                    link.recv(1024)
                    link.sendall(answer)
                links.append(link)
                if close:
                    link.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for link in links:
            link.close()


@pytest.mark.parametrize(
    ("answer", "close", "ready_"),
    [
        (b"HTTP/1.1 500 no\r\n\r\n", True, True),
        (b"220 smtp\r\n", True, True),
        (b"", False, True),
        (b"", True, False),
    ],
    ids=["http", "another protocol", "silent but open", "accepted and closed"],
)
def test_answers(answer: bytes, close: bool, ready_: bool) -> None:
    with server(answer, close=close) as port:
        assert ready.answers(("127.0.0.1", port)) is ready_


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert ready.answers(("127.0.0.1", port)) is False
    assert ready.free("127.0.0.1", port)


@pytest.mark.parametrize(
    ("answer", "healthy"),
    [(b"HTTP/1.1 404 x\r\n\r\n", True), (b"HTTP/1.1 503 x\r\n\r\n", False), (b"hello", False)],
)
def test_health(answer: bytes, healthy: bool) -> None:
    looks = iter([False, False, True, True])
    with server(answer) as port:
        found = ready.wait(None, f"http://127.0.0.1:{port}/up?x=1", lambda _s: next(looks))
    assert found is healthy


def test_without_a_port_it_is_alive_after_a_moment() -> None:
    asked: list[float] = []

    def cancelled(seconds: float) -> bool:
        asked.append(seconds)
        return False

    assert ready.wait(None, None, cancelled)
    assert asked == [0.5]
    assert not ready.wait(None, None, lambda _s: True)


def test_a_port_in_use_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not ready.free("127.0.0.1", listener.getsockname()[1])
