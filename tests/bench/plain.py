"""The same app in the same image with the same mounts, run by `docker run` without devloop."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.apps import answered, running
from tests.e2e import harness
from tests.e2e.apps import App

START_ON_LINE = """app=
while read -r _; do
  [ -z "$app" ] || { kill -s KILL -- "-$app"; wait "$app" 2>/dev/null; }
  setsid "$@" &
  app=$!
  echo started
done
"""
"""Starts the app anew for each line on stdin: the cold start without anybody's watcher."""


@dataclass(frozen=True)
class Recipe:
    """How devloop runs an app, as options of `docker run`, and the app's command."""

    options: tuple[str, ...]
    image: str
    command: tuple[str, ...]
    container_port: int

    def argv(self, port: int, *flags: str, command: Sequence[str] = ()) -> list[str]:
        """Give a `docker run` that publishes the app at a port."""
        publish = f"127.0.0.1:{port}:{self.container_port}"
        first, *rest = command or self.command
        head = ["docker", "run", "--init", *flags, *self.options, "--publish", publish]
        return [*head, "--entrypoint", first, self.image, *rest]


def recipe(app: App) -> Recipe:
    """Read it off the container that devloop runs."""
    found: dict[str, Any] = running(app)
    config = found["Config"]
    options = ["--label", harness.label(app.root), "--workdir", config["WorkingDir"] or "/"]
    if config.get("User"):
        options += ["--user", config["User"]]
    for mount in found["Mounts"]:
        if mount["Type"] in ("bind", "volume"):
            source = mount["Source"] if mount["Type"] == "bind" else mount["Name"]
            options += ["--volume", f"{source}:{mount['Destination']}"]
    return Recipe(tuple(options), config["Image"], tuple(config["Cmd"]), app.kind.port)


class Starter:
    """A container in which the app is started again and again, and timed."""

    def __init__(self, how: Recipe) -> None:
        self.port = harness.free_port()
        command = ["sh", "-c", START_ON_LINE, "starter", *how.command]
        self.process = subprocess.Popen(
            how.argv(self.port, "--interactive", "--rm", command=command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def cold_start(self) -> float:
        """Give the seconds from the spawned process to its first answer."""
        assert self.process.stdin
        assert self.process.stdout
        time.sleep(0.1)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()) and line.strip() != "started":
            pass
        began = time.monotonic()
        return answered(self.port) - began

    def end(self) -> None:
        """Remove the container."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def starter(how: Recipe) -> Iterator[Starter]:
    """Have a starter whose first start, which reads the disk, is over."""
    found = Starter(how)
    try:
        found.cold_start()
        yield found
    finally:
        found.end()


@contextmanager
def container(how: Recipe, port: int, command: Sequence[str] = ()) -> Iterator[str]:
    """Run the app, or another command, in the background; gives the container."""
    done = subprocess.run(
        how.argv(port, "--detach", command=command), capture_output=True, text=True, check=True
    )
    identity = done.stdout.strip()
    try:
        yield identity
    finally:
        subprocess.run(["docker", "rm", "--force", identity], capture_output=True, check=True)
