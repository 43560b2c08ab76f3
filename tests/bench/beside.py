"""What else answers a save of the same express app: from the write until the new text is served.

The same image, mounts and way of asking as for devloop. `container restart` is the engine's own
call, made right after the write: nothing has to notice the save. `docker compose watch` copies
the file into the container and restarts it (sync+restart).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import apps, plain
from tests.bench.compose import watched
from tests.bench.figures import Effort, Figure, median, progress, spread
from tests.e2e import harness
from tests.e2e.apps import App

COMPOSE = """name: {name}
services:
  app:
    build: {{context: ., dockerfile: {dockerfile}, target: dev, labels: {{{label}}}}}
    labels: {{{label}}}
    init: true
    command: ["node", "server.js"]
    ports: ["127.0.0.1:{port}:3000"]
    develop:
      watch:
        - {{action: sync+restart, path: ./server.js, target: /app/server.js}}
"""


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure devloop and the others on one project, one after the other."""
    with apps.project(apps.EXPRESS) as app:
        with apps.upped(app):
            progress("beside: devloop")
            saver = apps.Saver(app)
            ours = _saves(saver, app.port, effort.few)
            how = plain.recipe(app)
        yield Figure("beside: devloop", spread(ours))
        for name, theirs in _others(how, saver, app, effort.few):
            factor = median(theirs) / median(ours)
            yield Figure(f"beside: {name}", f"{spread(theirs)}, {factor:.1f} times devloop")


def _saves(saver: apps.Saver, port: int, count: int) -> list[float]:
    saver.until_served(port)
    return [saver.until_served(port) for _ in range(count)]


def _others(
    how: plain.Recipe, saver: apps.Saver, app: App, count: int
) -> Iterator[tuple[str, list[float]]]:
    watchers = {
        "nodemon in the container": ["node_modules/.bin/nodemon", "--quiet", "server.js"],
        "node --watch in the container": ["node", "--watch", "server.js"],
    }
    for name, command in watchers.items():
        progress(f"beside: {name}")
        port = harness.free_port()
        with plain.container(how, port, command):
            apps.answered(port)
            yield name, _saves(saver, port, count)
    progress("beside: container restart")
    port = harness.free_port()
    with plain.container(how, port) as identity:
        apps.answered(port)
        yield "container restart", [_restarted(saver, port, identity) for _ in range(count)]
    if _has_compose():
        progress("beside: docker compose watch")
        with _compose(app) as port:
            yield "docker compose watch", _saves(saver, port, max(2, count // 2))


def _restarted(saver: apps.Saver, port: int, identity: str) -> float:
    """Restart a container after a save; nobody asks before the engine says that it has."""
    from devloop.engine.client import connect  # noqa: PLC0415 - as devloop itself would call it

    engine = connect()
    try:
        began = time.monotonic()
        text = saver.save()
        engine.post(f"/containers/{identity}/restart", t=2)
        return apps.answered(port, text) - began
    finally:
        engine.close()


def _has_compose() -> bool:
    docker = shutil.which("docker")
    if not docker:
        return False
    asked = [docker, "compose", "watch", "--help"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@contextmanager
def _compose(app: App) -> Iterator[int]:
    """Run `docker compose watch` on the project; gives the port."""
    port = harness.free_port()
    key, _, value = harness.label(app.root).partition("=")
    file = app.root / "compose.yaml"
    file.write_text(
        COMPOSE.format(
            name=f"devloop-bench-{os.getpid()}",
            port=port,
            label=f'"{key}": "{value}"',
            dockerfile=_dockerfile(app.root),
        )
    )
    with watched(app.root):
        apps.answered(port)
        yield port


def _dockerfile(root: Path) -> str:
    """Give compose the Dockerfile that devloop had made."""
    return ".devloop/Dockerfile" if (root / ".devloop/Dockerfile").exists() else "Dockerfile"
