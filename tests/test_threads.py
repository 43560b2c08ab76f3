"""Threads whose failures are told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial

import pytest

from devloop import threads

WAIT = 10


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_thread_does_its_work_and_never_holds_the_process() -> None:
    done: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    thread = threads.spawn(
        lambda count: done.put((count, threading.current_thread().name)),
        3,
        name="counter",
        failed=threads.shown,
    )
    assert done.get(timeout=WAIT) == (3, "counter")
    assert thread.daemon


@pytest.mark.parametrize("start", [threads.spawn, partial(threads.later, 0.01)])
def test_a_failure_is_told(start: Callable[..., threading.Thread]) -> None:
    told: queue.SimpleQueue[Exception] = queue.SimpleQueue()
    thread = start(fail, "one", failed=told.put)
    assert str(told.get(timeout=WAIT)) == "one"
    assert (thread.daemon, thread.name) == (True, "fail")


def test_a_timer_can_be_called_off() -> None:
    done: list[int] = []
    timer = threads.later(0.05, done.append, 1, failed=threads.shown)
    timer.cancel()
    timer.join(WAIT)
    assert done == []


def test_a_failure_that_is_nobodys_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    threads.spawn(fail, "three", failed=threads.shown).join(WAIT)
    assert "ValueError: three" in capsys.readouterr().err
