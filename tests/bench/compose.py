"""Compose projects: a save in one of ten services, and the same project under `compose watch`.

Ten express services run under one `devloop up`, and beside it one of the same under another, as a
single app: saves are served by the two in turns. Then one service runs twice, under `devloop up`
and under `docker compose watch` with sync+restart and rebuild rules, and is saved in turns.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench import apps
from tests.bench.figures import Effort, Figure, in_turns, median, ms, progress, spread
from tests.e2e import composing, harness

SERVICES = 10
NEAR = 0.030
FASTER = 8.0
RANGES = (">=3.0.0", ">=2.0.0", ">=1.0.0", ">=0.1.0", ">=0.1.1", ">=0.1.2", ">=0.1.3")

DOCKERFILE = """FROM node:22-slim
WORKDIR /app
COPY package.json ./
RUN npm install
COPY . .
CMD ["node", "server.js"]
"""
SERVER = """const express = require('express')
let odd = ''
try { require('is-odd'); odd = require('./package.json').dependencies['is-odd'] || '' } catch {}
express().get('/', (req, res) => res.send('%s ' + odd)).listen(3000, '0.0.0.0')
"""
SERVICE = """  %(name)s:
    build: %(context)s
    ports: ["127.0.0.1:%(port)d:3000"]
    init: true
    stop_grace_period: 2s
"""
WATCH = """    develop:
      watch:
        - {action: sync+restart, path: server.js, target: /app/server.js}
        - {action: rebuild, path: package.json}
"""


class Service:
    """One express app in a folder, saved and asked."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.count = 0
        self.ranges = iter(RANGES)
        folder.mkdir(exist_ok=True)
        harness.write(folder, {"Dockerfile": DOCKERFILE, "server.js": SERVER % "start"})
        self.require({})

    def require(self, more: dict[str, str], version: str = "1.0.0") -> None:
        # a name of its own: nobody gets the layers that another one has built
        found = {
            "name": self.folder.name,
            "version": version,
            "dependencies": {"express": "^4.18.0", **more},
        }
        (self.folder / "package.json").write_text(json.dumps(found, indent=2))

    def save(self) -> float:
        """Give the seconds from a save to the answer that shows it."""
        time.sleep(apps.CALM)
        self.count += 1
        text = f"answer {self.count}."
        began = time.monotonic()
        (self.folder / "server.js").write_text(SERVER % text)
        return apps.answered(self.port, text) - began

    def add(self) -> float:
        """Give the seconds from a new dependency to the answer that shows it."""
        time.sleep(apps.CALM)
        text = next(self.ranges)
        began = time.monotonic()
        self.require({"is-odd": text})
        return apps.answered(self.port, f"answer {self.count}. {text}") - began


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure both."""
    if not shutil.which("docker") or composing.compose(Path("/x"), "version").returncode:
        progress("no docker compose on this machine")
        return
    with tempfile.TemporaryDirectory(prefix="devloop-bench-") as folder:
        yield from _of_ten(Path(folder).resolve(), effort)
    with tempfile.TemporaryDirectory(prefix="devloop-bench-") as folder:
        yield from _beside_watch(Path(folder).resolve(), effort)


def _of_ten(folder: Path, effort: Effort) -> Iterator[Figure]:
    progress(f"compose: a save in one of {SERVICES} services")
    root = folder / f"ten{harness.free_port()}"
    root.mkdir()
    text, services = "services:\n", []
    for number in range(SERVICES):
        name = f"s{number}"
        services.append(Service(root / name, harness.free_port()))
        text += SERVICE % {"name": name, "context": f"./{name}", "port": services[-1].port}
    (root / "compose.yaml").write_text(text)
    alone = Service(folder / "alone", harness.free_port())
    settings = f'app: {{ports: ["{alone.port}:3000"]}}\n'
    (alone.folder / "devloop.yaml").write_text(settings)
    with composing.upped(root) as many, harness.running(alone.folder) as one:
        for number in range(SERVICES):
            many.ready(service=f"s{number}")
        one.ready()
        chosen = services[3]
        of_ten, single = in_turns(effort.many, chosen.save, alone.save)
        many.stop()
        one.stop()
    more = median(of_ten) - median(single)
    yield Figure("compose: save to served, a single app", spread(single))
    yield Figure(f"compose: save to served, one of {SERVICES} services", spread(of_ten))
    yield Figure("compose: more than the single app", ms(more), f"at most {ms(NEAR)}", more <= NEAR)


def _beside_watch(folder: Path, effort: Effort) -> Iterator[Figure]:
    progress("compose: beside docker compose watch")
    ours, theirs = (_project(folder, name) for name in ("ours", "theirs"))
    with composing.upped(ours.folder) as up, watched(theirs.folder):
        up.ready()
        apps.answered(theirs.port)
        mine, others = in_turns(max(3, effort.few // 2), ours.save, theirs.save)
        here = up.here
        time.sleep(apps.CALM)
        ours.require({}, version="1.0.1")
        up.cycle("package.json", here)
        builds = up.count("image.building", here)
        built, rebuilt = in_turns(3, ours.add, theirs.add)
        up.stop()
    factor = median(others) / median(mine)
    yield Figure("compose: restart, devloop", spread(mine))
    yield Figure("compose: restart, docker compose watch", spread(others))
    yield Figure(
        "compose: restart, times faster",
        f"{factor:.1f}",
        f"at least {FASTER:.0f}",
        factor >= FASTER,
    )
    yield Figure("compose: builds for a `version` edit", str(builds), "0", builds == 0)
    yield Figure("compose: new dependency to served, devloop", spread(built))
    yield Figure(
        "compose: new dependency to served, docker compose watch",
        spread(rebuilt),
        "no faster",
        median(built) <= median(rebuilt),
    )


def _project(folder: Path, name: str) -> Service:
    port = harness.free_port()
    found = Service(folder / f"{name}{port}", port)
    text = SERVICE % {"name": "app", "context": ".", "port": port}
    (found.folder / "compose.yaml").write_text("services:\n" + text + WATCH)
    return found


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Run `docker compose watch` in a folder; nothing of it is left."""
    process = subprocess.Popen(
        ["docker", "compose", "watch"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        down = ["docker", "compose", "down", "--timeout", "2", "--rmi", "local", "--volumes"]
        subprocess.run(down, cwd=folder, capture_output=True, check=False)
