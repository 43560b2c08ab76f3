"""Projects in memory for the rules of `devloop check`."""

from __future__ import annotations

from collections.abc import Mapping

from devloop.check.subject import CheckSubject
from devloop.model import Command
from devloop.stacks import registry
from tests.stacks.snapshots import tree

NODE = {
    "package.json": '{"name": "x", "dependencies": {"express": "4"}}',
    "package-lock.json": "{}",
    "server.js": "require('express')().listen(3000)\n",
}
PYTHON = {
    "requirements.txt": "-r base.txt\nflask\n",
    "base.txt": "six\n",
    "app.py": "import flask\napp = flask.Flask(__name__)\n",
}


def subject(
    dockerfile: str, files: Mapping[str, str], ignore: str = "", run: Command | None = None
) -> CheckSubject:
    """Draw a project; ``files`` are its text by path."""
    seen = tree(dict(files))
    return CheckSubject(
        text=dockerfile,
        path="Dockerfile",
        ignore=ignore,
        ignore_path=".dockerignore",
        detections=registry.detect(seen),
        snapshot=seen,
        run=run,
        run_line=3 if run is not None else 0,
    )
