"""How long starts take: `devloop up` to the first page, and the command line itself.

`devloop up` with its image and volumes there, against `docker run` of the same image with the same
mounts; both from the spawned command to the first answer. Nobody asks before the container is
started (the word of `docker run --detach`, the event app.started): the engine listens on the
published port earlier, and who connects then waits a second for the network's own retry.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import apps, plain
from tests.bench.figures import Effort, Figure, in_turns, median, progress, spread, timed
from tests.e2e.apps import App, Kind
from tests.e2e.harness import Up

UP_FACTOR, VERSION_FACTOR, HELP_FACTOR = 1.3, 3.0, 1.5


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure both."""
    for kind in apps.KINDS[: effort.apps]:
        progress(f"up to the first page: {kind.name}")
        yield from _up(kind, effort)
    progress("the command line")
    yield from _command_line(effort)


def _up(kind: Kind, effort: Effort) -> Iterator[Figure]:
    with apps.project(kind) as app:
        with apps.upped(app):
            how = plain.recipe(app)
        ours, theirs = in_turns(effort.few, lambda: _first_page(app), lambda: _run(how, app.port))
    yield Figure(f"{kind.name}: up to first page, all cached", spread(ours))
    yield Figure(f"{kind.name}: docker run to first page", spread(theirs))
    yield _ratio(f"{kind.name}: up, as a multiple of docker run", ours, theirs, UP_FACTOR)


def _first_page(app: App) -> float:
    began = time.monotonic()
    up = Up(app.root)
    try:
        up.wait("app.started")
        return apps.answered(app.port) - began
    finally:
        apps.stop(up)


def _run(how: plain.Recipe, port: int) -> float:
    began = time.monotonic()
    with plain.container(how, port):
        return apps.answered(port) - began


def _command_line(effort: Effort) -> Iterator[Figure]:
    python = sys.executable
    devloop = str(Path(python).with_name("devloop"))
    _process(devloop, "--help")  # writes the bytecode, if that is still missing
    bare, version, typer, usage = in_turns(
        effort.many,
        lambda: _process(python, "-c", "pass"),
        lambda: _process(devloop, "--version"),
        lambda: _process(python, "-c", "import typer"),
        lambda: _process(devloop, "--help"),
    )
    yield Figure("python -c pass", spread(bare))
    yield Figure("devloop --version", spread(version))
    yield _ratio("--version, as a multiple of python", version, bare, VERSION_FACTOR)
    yield Figure("python -c 'import typer'", spread(typer))
    yield Figure("devloop --help", spread(usage))
    yield _ratio("--help, as a multiple of importing typer", usage, typer, HELP_FACTOR)


def _process(*argv: str) -> float:
    return timed(lambda: subprocess.run(argv, stdout=subprocess.DEVNULL, check=True))


def _ratio(what: str, ours: list[float], theirs: list[float], allowed: float) -> Figure:
    value = median(ours) / median(theirs)
    return Figure(what, f"{value:.2f}", f"at most {allowed}", value <= allowed)
