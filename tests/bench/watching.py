"""How fast a save is seen, and what watching costs, beside other watchers in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import tools
from tests.bench.figures import Effort, Figure, median, progress

FOLDERS, COUNTED = 50_000, 112
ALLOWED_MS, ALLOWED_MB = 20, 1
AT_ONCE_MS, DEFAULT_MS = 1, 32
FACTOR = 20
OTHERS = ("watchdog", "watchfiles", "parcel", "chokidar", "watchexec")

Found = dict[str, float]


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure starts on a large tree, saves and idling."""
    missing = tools.fetch()
    others = [tool for tool in OTHERS if tool not in missing]
    with tempfile.TemporaryDirectory() as folder:
        large, empty = Path(folder, "large"), Path(folder, "empty")
        large_tree(large)
        empty.mkdir()
        for tool in ("devloop", *others):
            if tool != "watchexec":  # it does not tell when it watches
                yield _start(tool, large, empty, effort.few)
        found = {
            tool: _taken("latency", tool, empty) for tool in ("devloop at once", "devloop", *others)
        }
        for tool, one in found.items():
            yield _latency(tool, one, found.get("watchfiles"))
        for tool in ("devloop", *others):
            woken = _taken("idle", tool, empty)["switches"]
            target = ("none", woken <= 0) if tool == "devloop" else ("", None)
            yield Figure(f"watching: wake-ups in 5 s, {tool}", f"{woken:.0f}", *target)
    for tool, why in missing.items():
        yield Figure(f"watching: {tool}", f"not measured: {why}")


def _start(tool: str, large: Path, empty: Path, count: int) -> Figure:
    runs = [(_taken("start", tool, large), _taken("start", tool, empty)) for _ in range(count)]
    took = median([high["ms"] - low["ms"] for high, low in runs])
    added = median([high["kib"] - low["kib"] for high, low in runs]) / 1024
    what = f"watching: start on {FOLDERS} folders, {COUNTED} count, over an empty one: {tool}"
    value = f"{took:.1f} ms, {added:.1f} MB"
    if tool != "devloop":
        return Figure(what, value)
    kept = took <= ALLOWED_MS and added <= ALLOWED_MB
    return Figure(what, value, f"{ALLOWED_MS} ms, {ALLOWED_MB} MB", kept)


def _latency(tool: str, found: Found, watchfiles: Found | None) -> Figure:
    value = (
        f"{found['median']:.2f} ms (p95 {found['p95']:.2f}, after the save {found['after']:.2f})"
    )
    what = f"watching: save to batch, {tool}"
    if tool == "devloop":
        return Figure(what, value, f"{DEFAULT_MS} ms", found["median"] <= DEFAULT_MS)
    if tool != "devloop at once":
        return Figure(what, value)
    factor = watchfiles["median"] / found["median"] if watchfiles else float("nan")
    kept = found["median"] <= AT_ONCE_MS and factor >= FACTOR
    return Figure(
        what, f"{value}, 1/{factor:.0f} of watchfiles", f"{AT_ONCE_MS} ms, 1/{FACTOR}", kept
    )


def large_tree(root: Path) -> None:
    """Make very many folders of which few count."""
    for number in range(COUNTED - 1):
        (root / f"src/d{number % 10}/{number}").mkdir(parents=True)
    for number in range(FOLDERS - COUNTED):
        (root / f"node_modules/p{number % 500}/{number}").mkdir(parents=True)


def _taken(figure: str, tool: str, root: Path) -> Found:
    """Take a figure in a process of its own."""
    progress(f"watching: {figure} of {tool}")
    command = [sys.executable, "-m", "tests.bench.watchers", figure, tool, str(root)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))
