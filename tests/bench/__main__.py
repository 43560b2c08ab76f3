"""`make bench`: how fast a save is answered. ARGS='--quick' measures less, ARGS=NAME one part."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from devloop.engine.client import connect
from devloop.errors import DevloopError
from tests.bench import beside, compose, deciding, idle, jobs, monorepo, serving, starting, watching
from tests.bench.figures import QUICK, THOROUGH, Effort, Figure, progress, table

Part = Callable[[Effort], Iterator[Figure]]

PARTS: dict[str, Part] = {
    "serving": serving.measure,
    "jobs": jobs.measure,
    "beside": beside.measure,
    "compose": compose.measure,
    "deciding": deciding.measure,
    "starting": starting.measure,
    "idle": idle.measure,
    "watching": watching.measure,
    "monorepo": monorepo.measure,
}


def main(arguments: list[str]) -> int:
    """Measure and print; a target that is missed is no failure."""
    signal.signal(signal.SIGTERM, _terminated)
    # an installed devloop has its bytecode: without it every start compiles the whole package
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    chosen = _options(arguments)
    effort = QUICK if chosen.quick else THOROUGH
    began = time.monotonic()
    figures: list[Figure] = []
    try:
        connect().close()
        for name in chosen.part or PARTS:
            figures.extend(_measure(name, effort))
    except KeyboardInterrupt:
        return 130
    except DevloopError as error:
        progress(f"{error} ({error.hint})")
        return error.exit_code
    finally:
        for line in table(figures):
            print(line)
    print(f"\nMedians (least to most), all in one run of {time.monotonic() - began:.0f} s.")
    return 0


def _measure(name: str, effort: Effort) -> Iterator[Figure]:
    """Measure one part; what goes wrong is a line of the table, the other parts go on."""
    try:
        yield from PARTS[name](effort)
    except Exception as error:  # noqa: BLE001 - whatever it is, the table says so
        why = (str(error).splitlines() or [""])[0]
        yield Figure(f"{name}: could not be measured", f"{type(error).__name__} {why}")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="parts; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer runs of each")
    return parser.parse_args(arguments)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
