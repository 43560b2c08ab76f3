"""When a batch is due: a pure function of what was seen and the time.

The first save of a calm period is answered after ``quiet``. What follows a batch at once is a
burst (a formatter, a branch switch) and is waited for longer, as is everything while git's index
is locked; never longer than ``max_wait`` after the first event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BURST = 0.1
"""Seconds without an event after which a burst, or a write without a close event, has ended."""
LOOK = 0.02
"""Seconds between two looks at the lock of git's index."""


@dataclass(frozen=True)
class Seen:
    """What a watcher tells at once: paths relative to the root, with ``/``.

    ``closed`` files are written or gone, ``open`` ones may still be written to, ``folders`` have
    to be looked through with all that is below (empty for the root); ``gone``: the root itself.
    """

    closed: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    gone: bool = False

    def __bool__(self) -> bool:
        return bool(self.closed or self.open or self.folders or self.gone)


@dataclass(frozen=True)
class Debounce:
    """Monotonic times in seconds, None for never.

    ``first`` and ``last`` are those of changes that are in no batch yet, ``open_first`` and
    ``open_last`` those of writes without a close, ``flushed`` that of the last batch with a change.
    """

    first: float | None = None
    last: float | None = None
    open_first: float | None = None
    open_last: float | None = None
    flushed: float | None = None


def add(state: Debounce, now: float) -> Debounce:
    """Note that something changed."""
    return replace(state, first=now if state.first is None else state.first, last=now)


def add_look(state: Debounce, now: float) -> Debounce:
    """Note that the whole tree is to be looked at; later events do not cancel that."""
    return add(state, now) if state.first is None else state


def add_open(state: Debounce, now: float) -> Debounce:
    """Note that something is being written."""
    first = now if state.open_first is None else state.open_first
    return replace(state, open_first=first, open_last=now)


def closed(state: Debounce) -> Debounce:
    """Note that nothing is being written any more."""
    return replace(state, open_first=None, open_last=None)


def give_up(state: Debounce) -> Debounce:
    """Count what is being written as changed, as of its last write."""
    if state.open_first is None or state.open_last is None:
        return state
    first = state.open_first if state.first is None else min(state.first, state.open_first)
    last = state.open_last if state.last is None else max(state.last, state.open_last)
    return replace(state, first=first, last=last, open_first=None, open_last=None)


def flush(state: Debounce, now: float | None) -> Debounce:
    """Note that a batch was given, and when the last one with a change was."""
    return replace(state, first=None, last=None, flushed=now)


def due(
    state: Debounce, now: float, *, locked: bool, quiet: float, max_wait: float
) -> float | None:
    """Say when the batch is due (at or before ``now``: at once), None if there is none.

    With ``locked`` it is the time of the next look at the lock; durations are in seconds.
    """
    if state.first is None or state.last is None:
        return None
    limit = state.first + max_wait
    if locked:
        return min(limit, max(state.last + quiet, now + LOOK))
    return min(limit, state.last + _quiet(state, quiet))


def unclosed(state: Debounce, *, max_wait: float) -> float | None:
    """Say when a write without a close counts as a change, None if there is none."""
    if state.open_first is None or state.open_last is None:
        return None
    return min(state.open_first + max_wait, state.open_last + BURST)


def _quiet(state: Debounce, quiet: float) -> float:
    burst = (
        state.flushed is not None
        and state.first is not None
        and state.first - state.flushed < BURST
    )
    return max(quiet, BURST) if burst and quiet > 0 else quiet
