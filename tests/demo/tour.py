"""The tour: each step makes one edit, waits for devloop's answer, and holds it to its promise."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from devloop.engine.client import connect
from tests.demo import show
from tests.demo.project import DATED, SERVER, SERVER_WITH_DATE, Sample, package
from tests.demo.show import Row
from tests.demo.visitor import Visitor
from tests.e2e import harness
from tests.e2e.harness import Event, Up

INTERRUPTED = 130


class NotAsPromisedError(Exception):
    """devloop did something else than the tour says."""


def promise(kept: bool, what: str) -> None:
    """Hold devloop to its word."""
    if not kept:
        raise NotAsPromisedError(what)


def init(sample: Sample) -> int:
    """Let `devloop init` write its files; gives the port that the tour uses."""
    began = time.monotonic()
    done = harness.devloop("init", str(sample.root))
    promise(done.returncode == 0, f"`devloop init` failed: {done.stderr.strip()}")
    for line in done.stderr.splitlines():
        show.quote(line)
    show.say(f"That took {show.seconds(time.monotonic() - began)}; no engine was asked.")
    port = 3000 if _free(3000) else harness.free_port()
    if port != 3000:
        show.say(f"Port 3000 is taken here, so devloop.yaml now says ports: {port}:3000.")
        sample.publish_at(port)
    return port


def _free(port: int) -> bool:
    from devloop.engine.ready import free  # noqa: PLC0415 - the same question as the loop's

    return free("127.0.0.1", port)


class Tour:
    """The steps after `devloop up`; ``rows`` gathers what the table shows."""

    def __init__(self, sample: Sample, up: Up, visitor: Visitor, began: float) -> None:
        self.sample = sample
        self.up = up
        self.visitor = visitor
        self.began = began
        self.rows: list[Row] = []

    def take(self) -> None:
        """Walk through all steps."""
        steps = (
            self.first_up,
            self.source,
            self.readme,
            self.version,
            self.dependency,
            self.branch,
            self.interrupt,
        )
        for number, step in enumerate(steps, start=2):
            show.chapter(number, (step.__doc__ or "").splitlines()[0].rstrip("."))
            step()

    def first_up(self) -> None:
        """`devloop up`: build the image, start the app, watch the folder."""
        built = self.up.wait("image.built")
        ready = self.up.ready()
        took = self.visitor.served("hello 1", self.began)
        show.quote(f"image {built['fingerprint'][:12]}: built in {built['duration_s']:.1f}s")
        show.quote(f"listening on {ready['url']}")
        show.say(f"The first page came {show.seconds(took)} after the command was typed.")
        self.rows.append(Row("devloop up", "built the image, started it", took))

    def source(self) -> None:
        """Save server.js: the app restarts in the same container."""
        done, at = self._save("server.js", SERVER.format(text="hello 2"))
        took = self.visitor.served("hello 2", at)
        silence = self.visitor.silence(at)
        self._expect(done, "restart", builds=1, containers=1)
        show.say(f"The browser saw the new page {show.seconds(took)} after the save.")
        self.rows.append(Row("server.js saved", "restart, same container", took, silence))

    def readme(self) -> None:
        """Save README.md: nothing to do."""
        done, at = self._save("README.md", "# shop\n\nSells things.\n")
        self._expect(done, "none", builds=1, containers=1)
        took, silence = done["duration_s"], self.visitor.silence(at)
        self.rows.append(Row("README.md saved", "nothing", took, silence))

    def version(self) -> None:
        """Raise the version in package.json: a manifest was saved, but no dependency moved."""
        done, at = self._save("package.json", package("1.0.1"))
        promise(done["action"] in ("none", "restart"), f"a version edit led to {done['action']}")
        self._expect(done, done["action"], builds=1, containers=1)
        did = "restart, no build" if done["action"] == "restart" else "nothing"
        took, silence = done["duration_s"], self.visitor.silence(at)
        self.rows.append(Row("version raised", did, took, silence))

    def dependency(self) -> None:
        """Add dayjs to package.json: one build, and the old app answers meanwhile."""
        self.sample.begin_history()
        done, at = self._save("package.json", package("1.0.1", DATED))
        self._expect(done, "rebuild", builds=2, containers=2)
        answered = self.visitor.answers("hello 2", at)
        silence = self.visitor.silence(at)
        show.say(
            f"While the image was built the old app answered {answered} requests. The hand-over "
            f"took {show.seconds(done['gap_s'])} by devloop's own count; the browser got no "
            f"answer for {show.seconds(silence)}."
        )
        promise(answered > 0, "the old app did not answer while the image was built")
        self.rows.append(Row("dayjs added", "1 build, handed over", done["duration_s"], silence))
        show.say("Now server.js uses it:")
        done, at = self._save("server.js", SERVER_WITH_DATE)
        took = self.visitor.served("today is", at)
        self._expect(done, "restart", builds=2, containers=2)
        silence = self.visitor.silence(at)
        self.rows.append(Row("server.js uses dayjs", "restart, same container", took, silence))

    def branch(self) -> None:
        """Go back to the branch without dayjs: its image is still there, so nothing is built."""
        self.sample.commit_on("dates", "Say which day it is")
        if not self.sample.git:
            show.say("(git is not installed: the two files are saved as a checkout would.)")
        done, at = self._cycle("package.json", self.sample.back_to_main)
        took = self.visitor.served("hello 2", at)
        self._expect(done, "recreate", builds=2, containers=3)
        silence = self.visitor.silence(at)
        what = "git checkout main" if self.sample.git else "the old files put back"
        self.rows.append(Row(what, "no build, container only", took, silence))

    def interrupt(self) -> None:
        """Ctrl-C: everything is stopped, nothing is left running."""
        at = time.monotonic()
        code = self.up.stop()
        took = time.monotonic() - at
        promise(code == INTERRUPTED, f"Ctrl-C ended with exit code {code}")
        promise(not _left(self.sample.root), "a container was left behind")
        show.say("No container is left. The images stay, so the next `devloop up` is quick.")
        self.rows.append(Row("Ctrl-C", "stopped, nothing left", took))

    def _save(self, name: str, text: str) -> tuple[Event, float]:
        return self._cycle(name, lambda: self.sample.write(name, text))

    def _cycle(self, path: str, change: Callable[[], None]) -> tuple[Event, float]:
        """Make a change and wait for its answer, shown in devloop's own words."""
        here, at = self.up.here, time.monotonic()
        change()
        done = self.up.cycle(path, here)
        phases = [f"build {done['build_s']:.1f}s"] if "build_s" in done else []
        phases += [f"nobody served for {done['gap_s']:.2f}s"] if "gap_s" in done else []
        tail = f" [{', '.join(phases)}]" if phases else ""
        show.quote(f"{done['action']}: {done['cause']} ({done['duration_s']:.2f}s){tail}")
        return done, at

    def _expect(self, done: Event, action: str, *, builds: int, containers: int) -> None:
        """Hold a cycle to its action, and the whole run to its number of builds."""
        where = f"after {done['cause']!r}"
        promise(done["outcome"] == "ok", f"{where} the outcome was {done['outcome']}")
        promise(done["action"] == action, f"{where} devloop chose {done['action']}, not {action}")
        built, started = self.up.count("image.building"), self.up.count("app.started")
        promise(built == builds, f"{where} there had been {built} builds, not {builds}")
        promise(started == containers, f"{where} there had been {started} containers")


def _left(root: Path) -> int:
    engine = connect()
    try:
        return len(harness.containers(engine, root))
    finally:
        engine.close()
