"""Files that change right after each start, which may be the app's own doing.

Nothing tells who wrote a file. One that changed right after ``LOOPS`` starts in a row has to rest
before it starts the app again, for longer each time; nothing is ever dropped, so a user's save is
at worst late. What else is saved starts the app at once, and that start reads this file too.
"""

from __future__ import annotations

from dataclasses import replace

from devloop.loop.decide.state import Rewrites, Running, ServiceState

FRESH = 0.5
"""Seconds after a start in which a change may be the app's own doing."""
LOOPS, CERTAIN = 3, 6
"""So many starts in a row are let through; after so many the waits grow."""
REST, LONGEST_REST = 1.5, 86_400.0
"""Seconds in which a file must not be written to have come to rest."""


def count(
    service: ServiceState, paths: tuple[str, ...], now: float
) -> tuple[ServiceState, Rewrites | None]:
    """Count changes that come right after a start; gives the file that all of a batch is about.

    None if the batch is to be answered at once.
    """
    app = service.app
    if not (isinstance(app, Running) and not app.starting and now - app.since < FRESH):
        return replace(service, rewrites=()), None
    known = {one.path: one for one in service.rewrites}
    found = tuple(_counted(known.get(path), path, app.start) for path in sorted(set(paths)))
    suspect = len(found) == 1 and found[0].count > LOOPS
    return replace(service, rewrites=found), found[0] if suspect else None


def _counted(known: Rewrites | None, path: str, start: int) -> Rewrites:
    """Count a start once, however often the file changes after it."""
    if known is None:
        return Rewrites(path, 1, start)
    return Rewrites(path, known.count + (known.start != start), start)


def rest(found: Rewrites) -> float:
    """Give the seconds for which a file has to rest before it starts the app again."""
    return float(min(REST * 2.0 ** max(0, found.count - CERTAIN), LONGEST_REST))
