"""Compose projects with real packages, and how the tests look at them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import harness
from tests.e2e.harness import Up


def _compose_is_there() -> bool:
    docker = shutil.which("docker")
    asked = [docker or "", "compose", "version"]
    return bool(docker) and not subprocess.run(asked, capture_output=True, check=False).returncode


NEEDS_COMPOSE = pytest.mark.skipif(
    not _compose_is_there(), reason="no docker compose on this machine"
)

DOCKERFILE = """FROM node:22-slim
WORKDIR /app
COPY package.json ./
RUN npm install
COPY . .
CMD ["node", "server.js"]
"""

COUNTER = """const http = require('http')
const redis = require('redis').createClient({ url: process.env.REDIS_URL })
redis.connect().then(() => http.createServer(async (req, res) => {
  if (req.url.startsWith('/has/')) {
    try { require(req.url.slice(5)); return res.end('there') } catch { return res.end('missing') }
  }
  res.end('%s ' + (req.url === '/visit' ? await redis.incr('visits') : 0))
}).listen(3000, '0.0.0.0'))
"""

COMPOSE = """services:
  web:
    build: .
    ports: ["127.0.0.1:%(port)d:3000"]
    environment: {REDIS_URL: "redis://redis:6379"}
    depends_on: {redis: {condition: service_healthy}}
    stop_grace_period: 3s
  redis:
    image: redis:7
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, redis-cli, ping], interval: 200ms}
volumes: {data: {}}
"""


def package(**dependencies: str) -> str:
    found = {"redis": "^4.7.0", **dependencies}
    return json.dumps({"name": "counter", "version": "1.0.0", "dependencies": found}, indent=2)


def counter(root: Path, port: int) -> Path:
    """Write the visit counter: a Node app and its Redis."""
    root.mkdir(mode=0o755, exist_ok=True)
    return harness.write(
        root,
        {
            "Dockerfile": DOCKERFILE,
            "package.json": package(),
            "server.js": COUNTER % "one",
            "compose.yaml": COMPOSE % {"port": port},
        },
    )


def compose(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", "--project-name", root.name, *words],
        cwd="/",  # whatever the compose file says by now
        capture_output=True,
        text=True,
        check=False,
    )


def ps(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """Ask `docker compose ps` for the project's containers, by service."""
    lines = compose(root, "ps", "--all", "--format", "json").stdout.splitlines()
    return {one["Service"]: one for one in map(json.loads, lines)}


def ids(root: Path) -> dict[str, str]:
    return {name: one["ID"] for name, one in ps(root).items()}


@contextmanager
def upped(root: Path, *words: str, **options: Any) -> Iterator[Up]:
    """Run `devloop up` in a Compose project and leave nothing of it behind."""
    ours = [sys.executable, "-m", "devloop", "up", f"{root}/", *words, "--format", "json"]
    argv = options.pop("argv", ours)
    up = Up(root, argv=argv, **options)
    try:
        yield up
        up.check()
    except BaseException:
        print("\n".join(str(one) for one in up.events), up.errors, sep="\n")
        raise
    finally:
        if up.process.poll() is None:
            up.stop(signal.SIGINT)
        up.end()
        compose(root, "down", "--volumes", "--timeout", "1")
        harness.clear(root)


def again(up: Up) -> None:
    """Run the same once more, in place of one that has ended."""
    up.end()
    up.__init__(up.root, argv=list(up.process.args))  # type: ignore[misc]


def docker_without_plugins(folder: Path) -> dict[str, str]:
    """Give an environment in which the docker command knows no plugins."""
    (folder / "config").mkdir()
    return {**os.environ, "DOCKER_CONFIG": str(folder / "config")}


def wait_until(what: Callable[[], bool], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def visits(port: int) -> tuple[str, int]:
    word, count = harness.get(port, "/visit").split()
    return word, int(count)


PLAIN = """FROM node:22-slim
WORKDIR /app
COPY . .
CMD ["node", "server.js"]
"""


SERVER = """const http = require('http')
process.on('SIGTERM', () => setTimeout(() => process.exit(), %(wait)d))
http.createServer((req, res) => res.end(process.env.WORD || '%(name)s')).listen(3000)
console.log('%(name)s %(text)s')
"""


def plain(root: Path, name: str, wait: int = 0, text: str = "runs") -> None:
    """Write a service without dependencies, which takes its time to stop."""
    source = SERVER % {"name": name, "wait": wait, "text": text}
    harness.write(root / name, {"Dockerfile": PLAIN, "server.js": source})


def answers(port: int) -> str:
    try:
        return harness.get(port)
    except OSError:
        return ""
