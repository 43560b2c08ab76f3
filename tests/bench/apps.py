"""The apps that are measured, and how their answers are timed from outside."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.demo import clean
from tests.e2e import harness
from tests.e2e.apps import NODE, PYTHON, App, Kind, package
from tests.e2e.harness import Up

POLL = 0.002
CALM = 0.6
"""Seconds between two saves: what comes sooner looks like a burst or like the app's own writing."""
PATIENCE = 60.0

EXPRESS = Kind(
    name="express",
    source=NODE.source,
    template=NODE.template,
    port=NODE.port,
    manifest=NODE.manifest,
    files={**NODE.files, "package.json": package(devDependencies={"nodemon": "^3.1.0"})},
    more=NODE.more,
)
"""nodemon is there to be measured beside devloop; devloop does not use it."""

HTTP_SERVER = Kind(
    name="http.server",
    source="server.py",
    template="""from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = %(body)s.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
""",
    port=8000,
    manifest="Dockerfile",
    files={
        "Dockerfile": "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\n"
        'CMD ["python3", "server.py"]\n'
    },
    more=("", ""),
)

KINDS = (EXPRESS, PYTHON, HTTP_SERVER)


@contextmanager
def project(kind: Kind) -> Iterator[App]:
    """Make an app in a folder of its own; afterwards nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="devloop-bench-") as folder:
        root = Path(folder).resolve() / "app"
        root.mkdir()
        try:
            yield App(kind, root)
        finally:
            clean.sweep(root)


@contextmanager
def upped(app: App) -> Iterator[Up]:
    """Run `devloop up` until it serves; end it as a user does."""
    up = Up(app.root)
    try:
        up.ready()
        yield up
    finally:
        stop(up)


def stop(up: Up) -> None:
    """Ask a loop to end, whatever state it is in."""
    if up.process.poll() is None:
        with suppress(Exception):
            up.stop()
    up.end()


def answered(port: int, text: str = "") -> float:
    """Ask until an answer starts with a text; gives the moment (monotonic)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            if _ask(port).startswith(text):
                return time.monotonic()
        time.sleep(POLL)
    raise TimeoutError(f"nobody answered {text!r} at port {port} within {PATIENCE:.0f} s")


def _ask(port: int) -> str:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        link.request("GET", "/")
        return link.getresponse().read().decode()
    finally:
        link.close()


class Saver:
    """Saves a source file again and again, each time with another answer in it."""

    def __init__(self, app: App, source: Path | None = None) -> None:
        self.app = app
        self.source = source or app.root / app.kind.source
        self.count = 0

    def save(self) -> str:
        """Save; gives what the app answers from now on."""
        self.count += 1
        text = f"answer {self.count}."
        self.source.write_text(self.app.kind.template % {"body": json.dumps(text)}, "utf-8")
        return text

    def until_served(self, port: int) -> float:
        """Give the seconds from a save to the first answer that shows it."""
        time.sleep(CALM)
        began = time.monotonic()
        return answered(port, self.save()) - began


def running(app: App) -> dict[str, object]:
    """Describe the container that devloop runs for an app, as the engine does."""
    from devloop.engine.client import connect  # noqa: PLC0415 - one look, one connection

    engine = connect()
    try:
        found = harness.containers(engine, app.root)[0]["Id"]
        return dict(engine.get(f"/containers/{found}/json"))
    finally:
        engine.close()
