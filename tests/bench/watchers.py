"""One figure of one watcher, in a process of its own: `python -m tests.bench.watchers`.

One watcher's memory and threads are not another's, so each figure has its own process; it prints
one JSON object. The watchers of other languages run as a child that prints a line when it has
seen something.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.bench import tools

SAVES = 200
IDLE_SECONDS = 5
PATIENCE = 30

Told = Callable[[], None]


@dataclass(frozen=True)
class Running:
    """A watcher that watches: its process, and what its start took and added if that is known."""

    pid: int
    ms: float = float("nan")
    kib: float = float("nan")


@contextmanager
def watching(tool: str, root: str, told: Told) -> Iterator[Running]:
    """Run a watcher that calls back when it has seen something."""
    if tool in OTHERS:
        with _child(OTHERS[tool](root), told, says_ready=tool != "watchexec") as running:
            yield running
        return
    begin = BEGIN.get(tool, _devloop)
    with tempfile.TemporaryDirectory() as other:
        begin(tool, other, lambda: None)()  # imports are done before the start is timed
    before, now = kib(), time.perf_counter()
    stop = begin(tool, root, told)
    took = (time.perf_counter() - now) * 1000
    try:
        yield Running(os.getpid(), took, kib() - before)
    finally:
        stop()


def _devloop(tool: str, root: str, told: Told) -> Told:
    from devloop.config.settings import Watch  # noqa: PLC0415 - only the tool that is measured
    from devloop.watch import tree  # noqa: PLC0415
    from devloop.watch.watcher import Watcher  # noqa: PLC0415

    settings = Watch(quiet=0.0) if tool == "devloop at once" else Watch()
    watcher = Watcher(
        root, tree.load_ignores(root), settings, lambda *_: told(), lambda text, _: print(text)
    )
    watcher.start()
    return watcher.stop


def _watchdog(_tool: str, root: str, told: Told) -> Told:
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


def _watchfiles(_tool: str, root: str, told: Told) -> Told:
    """Start watchfiles with its defaults; its start is that of a first round without a wait."""
    if str(tools.PYTHON) not in sys.path:
        sys.path.append(str(tools.PYTHON))
    import watchfiles  # noqa: PLC0415 - only the tool that is measured

    stop, ready = threading.Event(), threading.Event()

    def run() -> None:
        for _ in watchfiles.watch(root, rust_timeout=1, yield_on_timeout=True):
            break  # it watches by now, which nothing else tells
        ready.set()
        for _ in watchfiles.watch(root, stop_event=stop, raise_interrupt=False):
            told()

    threading.Thread(target=run, daemon=True).start()
    ready.wait(PATIENCE)
    return stop.set


BEGIN = {"watchdog": _watchdog, "watchfiles": _watchfiles}


def _node(tool: str) -> Callable[[str], list[str]]:
    script = str(Path(__file__).with_name("watchers.mjs"))
    return lambda root: ["node", script, tool, root, str(tools.NODE_MODULES)]


def _watchexec(root: str) -> list[str]:
    options = ["--only-emit-events", "--emit-events-to=json-stdio", "--ignore", "node_modules"]
    return [tools.watchexec(), "-w", root, *options]


OTHERS = {"parcel": _node("parcel"), "chokidar": _node("chokidar"), "watchexec": _watchexec}


@contextmanager
def _child(command: list[str], told: Told, *, says_ready: bool) -> Iterator[Running]:
    with subprocess.Popen(command, stdout=-1, stdin=-1, text=True, start_new_session=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline().split() if says_ready else []
        reader = threading.Thread(target=_read, args=(child.stdout, told), daemon=True)
        reader.start()
        try:
            yield Running(child.pid, *map(float, first[1:]))
        finally:
            child.kill()
            reader.join(PATIENCE)


def _read(lines: Iterator[str], told: Told) -> None:
    for _ in lines:
        told()


def start(tool: str, root: str) -> dict[str, float]:
    """Time the start, and what it adds to the memory."""
    with watching(tool, root, lambda: None) as running:
        return {"ms": running.ms, "kib": running.kib}


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
    command = [sys.executable, "-c", WRITER, os.path.join(root, "saved.py")]
    whole, after = [], []
    with (
        watching(tool, root, lambda: told.put(time.monotonic())),
        subprocess.Popen(command, stdin=-1, stdout=-1, text=True, bufsize=1) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        for number in range(SAVES):
            time.sleep(0.15 if number else 2)
            while not told.empty():
                told.get()
            writer.stdin.write(f"{number}\n")
            seen = told.get(timeout=PATIENCE)
            begun, closed = map(float, writer.stdout.readline().split())
            whole.append((seen - begun) * 1000)
            after.append((seen - closed) * 1000)
    return {
        "median": statistics.median(whole),
        "p95": sorted(whole)[int(SAVES * 0.95)],
        "after": statistics.median(after),
    }


def idle(tool: str, root: str) -> dict[str, float]:
    """Count how often a watcher's threads run when nothing happens."""
    with watching(tool, root, lambda: None) as running:
        time.sleep(2)  # what a start leaves to do in the background
        before = switches(running.pid)
        time.sleep(IDLE_SECONDS)
        own = 1 if running.pid == os.getpid() else 0  # our own sleep
        return {"switches": switches(running.pid) - before - own}


def kib() -> float:
    """Give this process's memory."""
    gc.collect()
    status = Path("/proc/self/status").read_text("ascii")
    return float(status.partition("VmRSS:")[2].split(maxsplit=1)[0])


def switches(pid: int) -> int:
    """Sum up how often the threads of a process gave up the processor to wait."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    texts = [(one / "status").read_text("utf-8") for one in threads]
    return sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in texts)


FIGURES = {"start": start, "latency": latency, "idle": idle}

if __name__ == "__main__":
    print(json.dumps(FIGURES[sys.argv[1]](sys.argv[2], sys.argv[3])))
