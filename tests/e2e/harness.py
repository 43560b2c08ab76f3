"""Drives devloop as a user does: a process of its own, its JSON events, real requests."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from devloop.engine.client import Engine, connect
from devloop.errors import RefusedError
from devloop.model import LABEL_PATH, LABEL_PROJECT, Project

PATIENCE = 120.0
DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA = Draft202012Validator(json.loads((DOCS / "events.schema.json").read_text("utf-8")))
Event = dict[str, Any]


class Up:
    """One `devloop up --format json`."""

    def __init__(self, root: Path, argv: list[str] | None = None, **options: Any) -> None:
        self.root = root
        self.events: list[Event] = []
        self.errors = ""
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            argv or [sys.executable, "-m", "devloop", "up", str(root), "--format", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **options,
        )
        self.readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.events.append({"event": "(output closed)"})
            self.changed.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.errors += line

    @property
    def here(self) -> int:
        """The number of events so far: give it as ``after``."""
        return len(self.events)

    def wait(
        self,
        event: str,
        after: int = 0,
        where: Callable[[Event], bool] = lambda _it: True,
        timeout: float = PATIENCE,
        **fields: Any,
    ) -> Event:
        """Wait for an event with these fields that came after a moment."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for found in self.events[after:]:
                    if found["event"] == event and _fits(found, fields) and where(found):
                        return found
                ended = any(one["event"] == "(output closed)" for one in self.events[after:])
                if ended or not self.changed.wait(max(0.0, deadline - time.monotonic())):
                    shown = "\n".join(str(one) for one in self.events[max(0, after - 3) :])
                    raise AssertionError(
                        f"no {event} {fields} after {after}; seen:\n{shown}\n{self.errors}"
                    )

    def ready(self, after: int = 0, **options: Any) -> Event:
        return self.wait("app.ready", after, **options)

    def cycle(self, path: str, after: int) -> Event:
        """Wait until the cycle that a path started is finished; give its end."""
        begun = self.wait("cycle.started", after, lambda it: path in it["paths"])
        return self.wait("cycle.finished", after, cycle=begun["cycle"])

    def count(self, event: str, after: int = 0) -> int:
        return sum(one["event"] == event for one in self.events[after:])

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to end; give the exit code."""
        self.process.send_signal(number)
        return self.exit_code()

    def exit_code(self, timeout: float = 60) -> int:
        code = self.process.wait(timeout)
        for reader in self.readers:
            reader.join(10)
        return code

    def check(self) -> None:
        """Hold every event to the published schema."""
        for found in self.events:
            if found["event"] != "(output closed)":
                SCHEMA.validate(found)

    def end(self) -> None:
        """Leave nothing behind, whatever a test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for reader in self.readers:
            reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def _fits(found: Event, fields: Mapping[str, Any]) -> bool:
    return all(found.get(key) == value for key, value in fields.items())


@contextmanager
def running(root: Path, verb: str = "up", **options: Any) -> Iterator[Up]:
    argv = [sys.executable, "-m", "devloop", verb, str(root), "--format", "json"]
    up = Up(root, **{"argv": argv, **options})
    try:
        yield up
        up.check()
    except BaseException:
        print("\n".join(str(one) for one in up.events), up.errors, sep="\n")
        raise
    finally:
        up.end()
        clear(root)


def clear(root: Path) -> None:
    """Remove what a test's project left in the engine: containers and volumes, not images."""
    engine = connect()
    try:
        for one in containers(engine, root):
            engine.delete(f"/containers/{one['Id']}", force="true", v="true")
    finally:
        engine.close()


def label(root: Path) -> str:
    return f"{LABEL_PROJECT}={Project(os.path.realpath(root), 'x').id}"


def containers(engine: Engine, root: Path) -> list[Mapping[str, Any]]:
    filters = json.dumps({"label": [label(root)]})
    return list(engine.get("/containers/json", all="true", filters=filters))


def volumes(engine: Engine, root: Path) -> list[Mapping[str, Any]]:
    filters = json.dumps({"label": [label(root)]})
    return list(engine.get("/volumes", filters=filters)["Volumes"] or ())


def forget(engine: Engine, folder: Path) -> None:
    """Remove the volumes and images of all projects below a folder."""
    wanted = json.dumps({"label": [LABEL_PATH]})
    here = os.path.realpath(folder)
    made = [
        *((f"/volumes/{one['Name']}", one) for one in _listed(engine, "/volumes", wanted)),
        *((f"/images/{one['Id']}", one) for one in _listed(engine, "/images/json", wanted)),
    ]
    for path, one in made:
        if (one.get("Labels") or {}).get(LABEL_PATH, "").startswith(here):
            with suppress(RefusedError):  # a container that the test left alone has it
                engine.delete(path, force="true")


def _listed(engine: Engine, path: str, filters: str) -> list[Mapping[str, Any]]:
    found = engine.get(path, filters=filters)
    return list(found if isinstance(found, list) else found["Volumes"] or ())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str = "/", host: str = "127.0.0.1") -> str:
    """Ask the app; raises OSError where nobody answers."""
    link = http.client.HTTPConnection(host, port, timeout=10)
    try:
        link.request("GET", path)
        return link.getresponse().read().decode()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        link.close()


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def devloop(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devloop", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
        **options,
    )
