"""`make demo`: a newcomer's tour of devloop on a sample project, on a real engine."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from devloop.engine.client import connect
from devloop.errors import DevloopError
from tests.demo import clean, show
from tests.demo.project import Sample
from tests.demo.tour import INTERRUPTED, NotAsPromisedError, Tour, init
from tests.demo.visitor import Visitor
from tests.e2e.harness import Up

NO_ENGINE = 3


def main() -> int:
    """Give the tour; 0 if everything was as promised."""
    signal.signal(signal.SIGTERM, _terminated)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is where devloop is installed
    try:
        connect().close()
        with tempfile.TemporaryDirectory(prefix="devloop-demo-") as folder:
            _tour(Path(folder).resolve() / "shop")
    except KeyboardInterrupt:
        print("\nInterrupted; everything was taken away again.", file=sys.stderr)
        return INTERRUPTED
    except DevloopError as error:
        print(f"demo: {error} ({error.hint})", file=sys.stderr)
        return NO_ENGINE
    except (NotAsPromisedError, AssertionError) as error:
        print(f"\ndemo: not as promised: {error}", file=sys.stderr)
        return 1
    return 0


def _tour(root: Path) -> None:
    began = time.monotonic()
    sample = Sample(root)
    print("A tour of devloop, on a small express app: package.json, server.js and README.md.")
    try:
        show.chapter(1, "`devloop init`: read the project, write what it lacks")
        port = init(sample)
        tour = _loop(sample, port)
    finally:
        clean.sweep(root)
    print("\nAll of it, as a browser saw it that asked a hundred times a second:\n")
    show.table(tour.rows)
    took = time.monotonic() - began
    print(f"\nThe tour took {show.seconds(took)}; the sample project is taken away again.")


def _loop(sample: Sample, port: int) -> Tour:
    """Run `devloop up` through all steps; it is asked to end even when one of them fails."""
    began = time.monotonic()
    up = Up(sample.root)
    try:
        with Visitor(port) as visitor:
            tour = Tour(sample, up, visitor, began)
            tour.take()
            return tour
    finally:
        if up.process.poll() is None:
            with suppress(Exception):
                up.stop()
        up.end()


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
