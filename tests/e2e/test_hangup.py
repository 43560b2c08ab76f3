"""A terminal that is closed ends what was started in it, and leaves nothing behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.tmux import Tmux

FILES = {
    "Dockerfile": "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\n"
    'CMD ["python3", "-m", "http.server", "8000"]\n',
    "a.txt": "here\n",
}


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    tmp_path.chmod(0o755)
    port = harness.free_port()
    text = (
        f'app: {{ports: ["{port}:8000"]}}\n'
        "jobs: {slow: {steps: [{run: echo it runs; sleep 300}]}}\n"
    )
    yield harness.write(tmp_path, {**FILES, "devloop.yaml": text})
    harness.clear(tmp_path)


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("up",), "ready"),
        (("up", "--format", "plain"), "listening on"),
        (("ci", "--format", "plain"), "it runs"),
        (("jobs", "slow", "--format", "plain"), "it runs"),
    ],
)
def test_nothing_is_left(words: tuple[str, ...], sign: str, root: Path, engine: Engine) -> None:
    verb, *rest = words
    where = ["-C", str(root)] if verb == "jobs" else [str(root)]
    with Tmux([sys.executable, "-m", "devloop", verb, *where, *rest]) as window:
        window.see(sign)
        assert harness.containers(engine, root)
    deadline = time.monotonic() + 20
    while harness.containers(engine, root):
        assert time.monotonic() < deadline, "its container runs on"
        time.sleep(0.05)
