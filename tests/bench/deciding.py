"""What a decision costs in a large project: from a batch in the queue to the plan.

The loop's own code, in this process, on a real tree; only what carries plans out is left away. The
batch is taken as the watcher gives it: reading the file, judging it and choosing the action count,
the time until the watcher notices does not.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from devloop.cli import project as projects
from devloop.engine.client import Engine, connect
from devloop.loop.decide import inputs as on
from devloop.loop.driver import Batch, Loop
from devloop.model import Change, ChangeKind
from tests.bench.figures import Effort, Figure, median, progress, spread
from tests.e2e import harness
from tests.e2e.apps import NODE, package

ALLOWED = 0.005
FOLDERS = 100


class Hands:
    """Takes the plans and does nothing."""

    def __init__(self) -> None:
        self.inspection: Any = None
        self.done: list[str] = []

    def run(self, action: object) -> None:
        """Remember an action."""
        self.done.append(type(action).__name__)


def tree(root: Path, files: int) -> None:
    """Write an express project with many source files."""
    harness.write(root, NODE.files)
    harness.write(root, {"devloop.yaml": "name: shop\n"})
    harness.write(root, {"server.js": NODE.template % {"body": '"hello"'}})
    for number in range(files):
        folder = root / "src" / f"part{number % FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.js").write_text(f"module.exports = {number}\n")


def idle_loop(root: Path, engine: Engine) -> Loop:
    """Give a loop whose app serves, or so it thinks; nothing is done to the engine."""
    around = projects.surroundings()
    inspection = projects.look(str(root), around)
    project = projects.named(str(root), inspection)
    loop = Loop(project, engine, lambda _event: None, around, lambda _port: "")
    loop.inspection, loop.executor = inspection, Hands()  # type: ignore[assignment]
    for happened in (
        on.Begun(0.0, inspection.wanted, ()),
        on.ImageReady(0.0, 1, "image", cached=True, duration=0.0),
        on.Swapped(0.0, 1, "container", "image", None),
        on.AppReady(0.0, "container", 1, None),
    ):
        loop._take(happened)  # noqa: SLF001 - the loop without its queue
    return loop


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure edits that need no build, and one that needs a look at everything."""
    progress(f"decisions among {effort.files} files")
    with tempfile.TemporaryDirectory(prefix="devloop-bench-") as folder:
        root = Path(os.path.realpath(folder))
        tree(root, effort.files)
        loop = idle_loop(root, connect())
        hands: Any = loop.executor
        for name, path, content in _edits():
            hands.done.clear()
            taken = [_decide(loop, root, path, content(turn)) for turn in range(effort.many)]
            what = f"decision among {effort.files} files: {name}"
            if "EnsureImage" in hands.done:
                raise AssertionError(f"{name} led to {hands.done}")
            kept = median(taken) < ALLOWED
            yield Figure(what, spread(taken), f"under {ALLOWED * 1000:.0f} ms", kept)


def _edits() -> Iterator[tuple[str, str, Callable[[int], str]]]:
    yield "version edit", "package.json", lambda turn: package(version=f"1.0.{turn + 1}")
    yield (
        "reformatted",
        "package.json",
        lambda turn: json.dumps(json.loads(package()), indent=turn + 3),
    )
    yield "source edit", "src/part7/module7.js", lambda turn: f"module.exports = {-turn}\n"
    yield "README edit", "README.md", lambda turn: f"# {turn}\n"
    yield "comment in devloop.yaml", "devloop.yaml", lambda turn: f"# {turn}\nname: shop\n"


def _decide(loop: Loop, root: Path, path: str, content: str) -> float:
    (root / path).write_text(content)
    batch = Batch((Change(path, ChangeKind.MODIFIED),))
    began = time.perf_counter()
    loop._next(batch)  # noqa: SLF001 - what the queue's reader calls
    took = time.perf_counter() - began
    ready = on.AppReady(0.0, "container", loop.state.starts, None)
    loop._take(ready)  # noqa: SLF001 - the app answers again
    return took
