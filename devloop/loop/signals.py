"""The signals that ask a verb to end: Ctrl-C, SIGTERM, a terminal that was closed."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from devloop import terminal, threads
from devloop.loop.decide.inputs import StopAsked

INTERRUPTED = 130
SECOND_INTERRUPT_AFTER = 0.3


def ending() -> tuple[signal.Signals, ...]:
    """List the signals that end a verb; a hang-up that is ignored (nohup) stays so."""
    hang_ups = (one for one in terminal.hang_ups() if signal.getsignal(one) is not signal.SIG_IGN)
    return (signal.SIGINT, signal.SIGTERM, *hang_ups)


@contextmanager
def signals(post: Callable[[StopAsked | None], None], kill: Callable[[], None]) -> Iterator[None]:
    """Make the signals inputs of the loop; a second one kills at once."""
    first: list[float] = []

    def asked(_number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not first:
            first.append(now)
            post(StopAsked(now, INTERRUPTED))
        elif now - first[0] > SECOND_INTERRUPT_AFTER:
            threads.spawn(kill, failed=lambda _error: None)

    ours = ending()
    for one in ours:
        signal.signal(one, asked)
    try:
        with _awake(post):
            yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_IGN)  # nothing is left that could be ended sooner


@contextmanager
def _awake(post: Callable[[None], None]) -> Iterator[None]:
    """Have each signal put something into the queue.

    Python runs its handlers between two of its own steps: a signal that comes in the moment
    before the owner's thread falls asleep would be answered only at the next input.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)

    def nudge() -> None:
        with ours:
            while ours.recv(16):
                post(None)

    threads.spawn(nudge, failed=lambda _error: None, name="signals")
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()
