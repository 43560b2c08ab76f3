"""What an idle loop costs: memory, processor time and wake-ups, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import apps, deciding
from tests.bench.figures import Effort, Figure, ms, progress
from tests.e2e.apps import App

ALLOWED_MB = 80.0
SETTLE = 2.0
TICK = 1.0 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process used so far: seconds of processor time, and how often it was woken."""

    jiffies: int
    seconds: float
    switches: int


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure a small project, and one with many files."""
    if not Path("/proc/self/smaps_rollup").exists():
        yield Figure("idle loop", "needs /proc")
        return
    with apps.project(apps.EXPRESS) as app:
        progress("the idle loop")
        yield from _idle(app, "idle loop", effort)
        progress(f"the idle loop among {effort.files} files")
        deciding.tree(app.root, effort.files)
        yield from _idle(app, f"idle loop, {effort.files} files", effort)


def _idle(app: App, name: str, effort: Effort) -> Iterator[Figure]:
    with apps.upped(app) as up:
        time.sleep(SETTLE)
        pid = up.process.pid
        before = usage(pid)
        time.sleep(effort.idle_s)
        after = usage(pid)
        resident, shared = memory(pid)
    target = f"under {ALLOWED_MB:.0f} MB"
    yield Figure(
        f"{name}: memory (RSS)",
        f"{resident:.0f} MB (PSS {shared:.0f})",
        target,
        resident < ALLOWED_MB,
    )
    ticks = after.jiffies - before.jiffies
    used = f"{ticks} ticks, {ms(after.seconds - before.seconds)}"
    yield Figure(
        f"{name}: processor in {effort.idle_s:.0f} s",
        f"{used}, woken {after.switches - before.switches} times",
        "none measurable",
        ticks == 0,
    )


def memory(pid: int) -> tuple[float, float]:
    """Give the megabytes that are resident, and those less what others share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    sizes = {line.split(":")[0]: line.split()[1] for line in text.splitlines()[1:]}
    return int(sizes["Rss"]) / 1024, int(sizes["Pss"]) / 1024


def usage(pid: int) -> Usage:
    """Sum up what all threads of a process used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    nanoseconds = sum(int((one / "schedstat").read_text("ascii").split()[0]) for one in threads)
    switches = sum(_switches(one / "status") for one in threads)
    return Usage(int(fields[11]) + int(fields[12]), nanoseconds / 1e9, switches)


def _switches(status: Path) -> int:
    lines = status.read_text("utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
