from __future__ import annotations

import os
import queue
from collections.abc import Iterator

import pytest

from devloop.report.keys import Keys
from devloop.terminal import ours as is_ours

pty = pytest.importorskip("pty", reason="needs POSIX: terminals")
termios = pytest.importorskip("termios", reason="needs POSIX: terminals")


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def echoes(fd: int) -> bool:
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def test_each_key_is_told_without_enter_and_the_terminal_given_back(
    terminal: tuple[int, int],
) -> None:
    ours, theirs = terminal
    pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
    keys = Keys(theirs, pressed.put)
    assert not echoes(theirs)
    assert termios.tcgetattr(theirs)[3] & termios.ISIG, "Ctrl-C stays what it is"
    os.write(ours, b"rQ\xff")
    assert [pressed.get(timeout=5) for _ in range(2)] == ["r", "q"]
    keys.close()
    keys.close()
    assert echoes(theirs)


def test_what_was_typed_ahead_counts(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
    os.write(ours, b"b\n")
    keys = Keys(theirs, pressed.put)
    assert pressed.get(timeout=5) == "b"
    keys.close()


def test_keys_are_read_from_a_terminal_of_ours_alone(terminal: tuple[int, int]) -> None:
    read, write = os.pipe()
    assert not is_ours(read)
    assert not is_ours(terminal[1]), "it is a terminal, but another session's"
    os.close(read)
    os.close(write)
    assert not is_ours(read)
