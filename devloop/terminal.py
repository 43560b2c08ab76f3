"""The door to terminals: their modes, and the signals that tell of them. Windows has none of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from devloop.errors import UserError

if sys.platform != "win32":
    import termios
    import tty


def ours(fd: int) -> bool:
    """Say whether this is a terminal that is ours to read from, key by key."""
    if sys.platform == "win32":
        return False
    try:
        return os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False


def single_keys(fd: int) -> Callable[[], None]:
    """Have each key come at once, Ctrl-C stays what it is; gives what makes it as it was.

    Raises ``UserError`` on Windows.
    """
    restore = _restore(fd)
    if sys.platform != "win32":
        tty.setcbreak(fd, termios.TCSADRAIN)
    return restore


def raw(fd: int) -> Callable[[], None]:
    """Have all that is typed come as it is, what was typed ahead too; gives what undoes it.

    Raises ``UserError`` on Windows.
    """
    restore = _restore(fd)
    if sys.platform != "win32":
        tty.setraw(fd, termios.TCSADRAIN)
    return restore


def on_resize(changed: Callable[[], None]) -> None:
    """Tell of each change of the terminal's size, between two steps of the main thread.

    Raises ``ValueError`` in another thread; Windows tells nothing.
    """
    if sys.platform != "win32":
        signal.signal(signal.SIGWINCH, lambda *_: changed())


def no_more_resizes() -> None:
    """Tell of no more changes."""
    if sys.platform != "win32":
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)


def hang_ups() -> tuple[signal.Signals, ...]:
    """Give the signal that says that the terminal was closed, if there is one."""
    if sys.platform == "win32":
        return ()
    return (signal.SIGHUP,)


def _restore(fd: int) -> Callable[[], None]:
    if sys.platform != "win32":
        before = termios.tcgetattr(fd)

        def restore() -> None:
            with suppress(termios.error):
                termios.tcsetattr(fd, termios.TCSADRAIN, before)

        return restore
    raise UserError(
        "a terminal cannot be handed over on Windows", hint="use --no-tty, or `docker exec -it`"
    )
