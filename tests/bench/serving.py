"""Save to served, against the app's own cold start.

Two containers run the same image with the same mounts. In one devloop runs the app, and the
source is saved: the time goes from before the write until an answer shows the new text. In the
other a shell starts the same command anew for each line that it reads, after the old process is
dead: the time goes from the word that the process was spawned until its first answer. Both are
asked in the same way from outside, every 2 ms through a published port, in turns.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import apps, plain
from tests.bench.figures import Effort, Figure, in_turns, median, ms, progress, spread
from tests.e2e.apps import Kind

ALLOWED = 0.050


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure every kind of app."""
    for kind in apps.KINDS:
        progress(f"save to served: {kind.name}")
        yield from _kind(kind, effort)


def _kind(kind: Kind, effort: Effort) -> Iterator[Figure]:
    with apps.project(kind) as app, apps.upped(app):
        saver = apps.Saver(app)
        saver.until_served(app.port)
        with plain.starter(plain.recipe(app)) as starter:
            saves, starts = in_turns(
                effort.many, lambda: saver.until_served(app.port), starter.cold_start
            )
    more = median(saves) - median(starts)
    yield Figure(f"{kind.name}: save to served", spread(saves))
    yield Figure(f"{kind.name}: cold start in that container", spread(starts))
    yield Figure(
        f"{kind.name}: more than its cold start",
        ms(more),
        f"at most {ms(ALLOWED)}",
        more <= ALLOWED,
    )
