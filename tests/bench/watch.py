"""How fast a save is seen, and what watching costs, beside other watchers where they are installed.

Run it as ``python -m tests.bench.watch``. Each figure is taken in a process of its own, so that one
watcher's memory and threads are not another's.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

FOLDERS, COUNTED = 50_000, 112
SAVES = 200
IDLE_SECONDS = 5
WAIT = 10
TOOLS = ("devloop", "watchdog", "watchfiles")

Save = Callable[[], None]


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        large, empty = Path(folder, "large"), Path(folder, "empty")
        large_tree(large)
        empty.mkdir()
        print(
            f"{'':12} {'start':>10} {'memory':>10}   (a tree of {FOLDERS} folders, {COUNTED} count)"
        )
        for tool in filter(installed, TOOLS):
            costs, floor = measured("start", tool, large), measured("start", tool, empty)
            memory = (costs["kib"] - floor["kib"]) / 1024
            print(f"{tool:12} {costs['ms']:7.1f} ms {memory:7.1f} MB")
        print(f"\n{'':22} {'median':>10} {'p95':>10} {'after it':>10}   ({SAVES} saves to batches)")
        for tool in filter(installed, ("devloop at once", *TOOLS)):
            found = measured("latency", tool, empty)
            times = f"{found['median']:7.2f} ms {found['p95']:7.2f} ms {found['after']:7.2f} ms"
            print(f"{tool:22} {times}")
        print(f"\n{'':12} {'wake-ups':>10} {'processor':>10}   (idle for {IDLE_SECONDS} s)")
        for tool in filter(installed, TOOLS):
            found = measured("idle", tool, empty)
            print(f"{tool:12} {found['switches']:10.0f} {found['ms']:7.1f} ms")
    for tool in TOOLS:
        if not installed(tool):
            print(f"\n{tool} is not installed: no figures for it")


def installed(tool: str) -> bool:
    """Say whether a tool can be measured."""
    return importlib.util.find_spec(tool.split(maxsplit=1)[0]) is not None


def large_tree(root: Path) -> None:
    """Make very many folders of which few count."""
    for number in range(COUNTED - 1):
        (root / f"src/d{number % 10}/{number}").mkdir(parents=True)
    for number in range(FOLDERS - COUNTED):
        (root / f"node_modules/p{number % 500}/{number}").mkdir(parents=True)


def measured(figure: str, tool: str, root: Path) -> dict[str, float]:
    """Take a figure in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.watch", figure, tool, str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


# within that process


def begin(tool: str, root: str, told: Save) -> Save:
    """Start a watcher that calls back when it has seen something; gives what stops it."""
    if tool == "watchdog":
        return begin_watchdog(root, told)
    if tool == "watchfiles":
        return begin_watchfiles(root, told)
    from devloop.config.settings import Watch  # noqa: PLC0415 - only the tool that is measured
    from devloop.watch import tree  # noqa: PLC0415
    from devloop.watch.watcher import Watcher  # noqa: PLC0415

    settings = Watch(quiet=0.0) if tool == "devloop at once" else Watch()
    watcher = Watcher(
        root, tree.load_ignores(root), settings, lambda *_: told(), lambda text, _: print(text)
    )
    watcher.start()
    return watcher.stop


def begin_watchdog(root: str, told: Save) -> Save:
    """Start watchdog's own observer for saves."""
    from watchdog.events import FileClosedEvent, FileSystemEventHandler  # noqa: PLC0415 - only the tool that is measured
    from watchdog.observers import Observer  # noqa: PLC0415

    class Handler(FileSystemEventHandler):
        def on_closed(self, _: object) -> None:
            told()

    observer = Observer()
    observer.schedule(Handler(), root, recursive=True, event_filter=[FileClosedEvent])
    observer.start()
    return observer.stop


def begin_watchfiles(root: str, told: Save) -> Save:
    """Start watchfiles with its defaults; its start is that of a first round without a wait."""
    import watchfiles  # noqa: PLC0415 - only the tool that is measured

    stop, ready = threading.Event(), threading.Event()

    def run() -> None:
        for _ in watchfiles.watch(root, rust_timeout=1, yield_on_timeout=True):
            break  # it watches by now, which nothing else tells
        ready.set()
        for _ in watchfiles.watch(root, stop_event=stop, raise_interrupt=False):
            told()

    threading.Thread(target=run, daemon=True).start()
    ready.wait(WAIT)
    return stop.set


def kib() -> float:
    """Give this process's memory."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmRSS:")[2].split(maxsplit=1)[0])


def start(tool: str, root: str) -> dict[str, float]:
    """Time the start, and what it adds to the memory; imports are done before."""
    with tempfile.TemporaryDirectory() as other:
        begin(tool, other, lambda: None)()
    before, now = kib(), time.perf_counter()
    stop = begin(tool, root, lambda: None)
    found = {"ms": (time.perf_counter() - now) * 1000, "kib": kib() - before}
    stop()
    return found


WRITER = """
import sys, time
for line in sys.stdin:
    now = time.monotonic()
    with open(sys.argv[1], "w") as stream:
        stream.write(line)
    print(now, time.monotonic(), flush=True)
"""


def latency(tool: str, root: str) -> dict[str, float]:
    """Time a save by another process until it is told, each after a calm moment.

    ``after`` counts from the end of the save: the file system takes its time for a save too.
    """
    told: SimpleQueue[float] = SimpleQueue()
    stop = begin(tool, root, lambda: told.put(time.monotonic()))
    command = [sys.executable, "-c", WRITER, os.path.join(root, "saved.py")]
    whole, after = [], []
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, bufsize=1) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for number in range(SAVES):
            time.sleep(0.15 if number else 2)
            while not told.empty():
                told.get()
            writer.stdin.write(f"{number}\n")
            seen = told.get(timeout=WAIT)
            begun, closed = map(float, writer.stdout.readline().split())
            whole.append((seen - begun) * 1000)
            after.append((seen - closed) * 1000)
    stop()
    return {
        "median": statistics.median(whole),
        "p95": sorted(whole)[int(SAVES * 0.95)],
        "after": statistics.median(after),
    }


def idle(tool: str, root: str) -> dict[str, float]:
    """Count how often its threads run when nothing happens."""
    stop = begin(tool, root, lambda: None)
    time.sleep(2)  # what a start leaves to do in the background
    before = switches()
    time.sleep(IDLE_SECONDS)
    after = switches()
    stop()
    return {"switches": after[0] - before[0] - 1, "ms": (after[1] - before[1]) * 1000}


def switches() -> tuple[float, float]:
    """Give this process's context switches and processor seconds; one switch is our own sleep."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw, used.ru_utime + used.ru_stime


FIGURES = {"start": start, "latency": latency, "idle": idle}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(FIGURES[sys.argv[1]](sys.argv[2], sys.argv[3])))
    else:
        main()
