"""Two real apps with real packages, and the edits that the tests make to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e import harness

EXPRESS = """const express = require('express')
const app = express()
app.get('/', (req, res) => res.send(%(body)s))
app.get('/probe', (req, res) => {
  try { require(req.query.name); res.send('there') } catch (e) { res.send('missing') }
})
app.listen(3000, '0.0.0.0', () => console.log('express is up'))
"""

FLASK = """import importlib.util
from flask import Flask, request
app = Flask(__name__)

@app.get("/")
def index():
    return %(body)s

@app.get("/probe")
def probe():
    found = importlib.util.find_spec(request.args["name"])
    return "there" if found else "missing"
"""


@dataclass(frozen=True)
class Kind:
    """A kind of app: its files, and where things are in them."""

    name: str
    source: str
    template: str
    port: int
    manifest: str
    files: dict[str, str]
    more: tuple[str, str]
    broken: str = "this is ( not a program"
    neutral: dict[str, Callable[[Path], None]] = field(default_factory=dict)


def package(**changes: Any) -> str:
    found: dict[str, Any] = {
        "name": "shop",
        "version": "1.0.0",
        "main": "server.js",
        "scripts": {"start": "node server.js", "test": "node --test"},
        "dependencies": {"express": "^4.18.0"},
    }
    return json.dumps(found | changes, indent=2)


NODE = Kind(
    name="express",
    source="server.js",
    template=EXPRESS,
    port=3000,
    manifest="package.json",
    files={"package.json": package(), "README.md": "# shop\n"},
    more=("is-odd", package(dependencies={"express": "^4.18.0", "is-odd": "^3.0.1"})),
    broken="this is ( not a program",
)

PYPROJECT = """[project]
name = "shop"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = [%s]

[tool.ruff]
line-length = 100
"""

PYTHON = Kind(
    name="flask",
    source="app.py",
    template=FLASK,
    port=5000,
    manifest="requirements.txt",
    files={
        "requirements.txt": "flask\n",
        "README.md": "# shop\n",
        "pyproject.toml": "[tool.ruff]\nline-length = 100\n",
    },
    more=("tomli", "flask\ntomli\n"),
)


class App:
    """One project of a kind, in a folder, on a port of its own."""

    def __init__(self, kind: Kind, root: Path) -> None:
        self.kind = kind
        self.root = root
        self.port = harness.free_port()
        root.chmod(0o755)  # an image's own user must be able to read it
        harness.write(root, kind.files)
        harness.write(root, {"devloop.yaml": self.config()})
        self.say("hello 1")

    def config(self, extra: str = "") -> str:
        return f'name: {self.kind.name}\napp:\n  ports: ["{self.port}:{self.kind.port}"]\n{extra}'

    def say(self, text: str) -> None:
        """Edit the source so that the app answers with a text."""
        (self.root / self.kind.source).write_text(self.kind.template % {"body": json.dumps(text)})

    def crash(self) -> None:
        (self.root / self.kind.source).write_text(self.kind.broken)

    def get(self, path: str = "/") -> str:
        return harness.get(self.port, path)

    def has(self, module: str) -> bool:
        return self.get(f"/probe?name={module}") == "there"

    def manifest(self, text: str) -> None:
        (self.root / self.kind.manifest).write_text(text)
