"""The door to threads: none holds the process, and none dies without a word."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Failed = Callable[[Exception], None]
"""Told of an exception, in the thread that it ended."""


def spawn(
    work: Callable[[*Arguments], object],
    *arguments: *Arguments,
    name: str = "",
    failed: Failed,
) -> threading.Thread:
    """Do something in a thread of its own, which is given back running."""
    thread = threading.Thread(
        target=_guarded, args=(work, arguments, failed), name=name or _name(work), daemon=True
    )
    thread.start()
    return thread


def later(
    seconds: float,
    work: Callable[[*Arguments], object],
    *arguments: *Arguments,
    name: str = "",
    failed: Failed,
) -> threading.Timer:
    """Do something after a while, unless the timer that is given back is cancelled."""
    timer = threading.Timer(seconds, _guarded, (work, arguments, failed))
    timer.name, timer.daemon = name or _name(work), True
    timer.start()
    return timer


def shown(error: Exception) -> None:
    """Show an exception with its traceback: for a thread whose failure is nobody's to answer."""
    sys.excepthook(type(error), error, error.__traceback__)


def _guarded(
    work: Callable[[*Arguments], object],
    arguments: tuple[*Arguments],
    failed: Failed,
) -> None:
    try:
        work(*arguments)
    except Exception as error:  # noqa: BLE001 - whoever started the thread is told
        failed(error)


def _name(work: Callable[..., object]) -> str:
    return str(getattr(work, "__name__", "work"))
