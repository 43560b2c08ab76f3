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
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Running
from devloop.loop.driver import Driver
from devloop.loop.source import Batch, Source
from devloop.loop.work import Work
from devloop.model import Change, ChangeKind
from tests.bench.figures import Effort, Figure, median, progress, spread
from tests.e2e import harness
from tests.e2e.apps import NODE, package

ALLOWED = 0.005
FOLDERS = 100


class Idle:
    """A target that is told what to do and does nothing."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: self.done.append(name)


def tree(root: Path, files: int) -> None:
    """Write an express project with many source files."""
    harness.write(root, NODE.files)
    harness.write(root, {"devloop.yaml": "name: shop\n"})
    harness.write(root, {"server.js": NODE.template % {"body": '"hello"'}})
    for number in range(files):
        folder = root / "src" / f"part{number % FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.js").write_text(f"module.exports = {number}\n")


def idle_driver(root: Path, target: Idle) -> Driver:
    """Give a driver whose app serves, or so it thinks; there is no engine."""
    around = projects.surroundings()
    inspection = projects.look(str(root), around)
    project = projects.named(str(root), inspection)
    work = Work(project, {"": Source("", project, around, inspection)})
    driver = Driver(lambda _event: None, lambda _post: (work, target))
    for happened in (
        on.Begun(0.0, {"": inspection.wanted}),
        on.ImageReady(0.0, "", 1, "image", cached=True, duration=0.0),
        on.HandedOver(0.0, "", 1, "container", "image", 0.0),
        on.BroughtUp(0.0, 1),
    ):
        driver._take(happened)  # noqa: SLF001 - the loop without its queue
    answer(driver)
    return driver


def answer(driver: Driver) -> None:
    """Let the app start, if it was told to, and answer."""
    app = driver.state.services[""].app
    if isinstance(app, Running):
        driver._take(on.AppStarted(0.0, "", "container", app.ordered))  # noqa: SLF001
        driver._take(on.AppReady(0.0, "", "container", app.ordered, None))  # noqa: SLF001


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure edits that need no build, and one that needs a look at everything."""
    progress(f"decisions among {effort.files} files")
    with tempfile.TemporaryDirectory(prefix="devloop-bench-") as folder:
        root = Path(os.path.realpath(folder))
        tree(root, effort.files)
        target = Idle()
        driver = idle_driver(root, target)
        for name, path, content in _edits():
            target.done.clear()
            taken = [_decide(driver, root, path, content(turn)) for turn in range(effort.many)]
            what = f"decision among {effort.files} files: {name}"
            if "ensure_image" in target.done:
                raise AssertionError(f"{name} led to {target.done}")
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


def _decide(driver: Driver, root: Path, path: str, content: str) -> float:
    (root / path).write_text(content)
    batch = Batch("", (Change(path, ChangeKind.MODIFIED),))
    began = time.perf_counter()
    driver._next(batch)  # noqa: SLF001 - what the queue's reader calls
    took = time.perf_counter() - began
    answer(driver)
    return took
