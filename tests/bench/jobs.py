"""Save to the first line of a job's step, in a warm container: alone, and ending an older run."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench import apps
from tests.bench.figures import Effort, Figure, median, ms, progress, spread
from tests.e2e.harness import Up

ALLOWED = 0.150
JOB = """
on: {{change: {{paths: ["*.py"]}}}}
jobs:
  told:
    steps: [{{run: 'echo here{then}'}}]
"""


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure saves after the job's end, and saves while it runs."""
    yield _saves("save to a job's first line", "", effort)
    yield _saves("save to a job's first line, an older run ended", "; sleep 300", effort)


def _saves(what: str, then: str, effort: Effort) -> Figure:
    progress(what)
    with apps.project(apps.HTTP_SERVER) as app:
        (app.root / "devloop.yaml").write_text(app.config(JOB.format(then=then)), "utf-8")
        with apps.upped(app) as up:
            saver = apps.Saver(app)
            _save(up, saver, ends=not then)
            took = [_save(up, saver, ends=not then) for _ in range(effort.many)]
    middle = median(took)
    return Figure(what, spread(took), f"under {ms(ALLOWED)}", middle < ALLOWED)


def _save(up: Up, saver: apps.Saver, *, ends: bool) -> float:
    """Give the seconds from a save to the first line; ``ends``: wait for the job's end then."""
    time.sleep(apps.CALM)
    here, began = up.here, time.time()
    saver.save()
    line = up.wait("log", here, service="told")
    if ends:
        up.wait("job.finished", here, job="told")
    return float(line["ts"]) - began
