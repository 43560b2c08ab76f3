"""`up --debug-port` on a real engine: a real debugger attaches, before and after a restart."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness

PYTHON = {
    "app.py": "import http.server as h\nh.test(h.SimpleHTTPRequestHandler, port=8000)\n",
}
NODE = {
    "server.js": "require('http').createServer((q, r) => r.end('hi')).listen(3000, '0.0.0.0')\n",
    "package.json": '{"name": "shop", "scripts": {"start": "node server.js"}}\n',
}


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    tmp_path.chmod(0o755)
    yield tmp_path
    harness.clear(tmp_path)


def config(root: Path, inner: int, run: str) -> int:
    port = harness.free_port()
    text = f'app:\n  ports: ["{port}:{inner}"]\n  run: {run}\n'
    harness.write(root, {"devloop.yaml": text})
    return port


def upped(root: Path, port: int) -> harness.Up:
    argv = ["-m", "devloop", "up", str(root), "--format", "json", "--debug-port", str(port)]
    return harness.Up(root, argv=[sys.executable, *argv])


def dap(stream: Any, number: int, command: str, **arguments: Any) -> list[dict[str, Any]]:
    """Send a request of the Debug Adapter Protocol; give all messages up to its answer."""
    body = {"seq": number, "type": "request", "command": command, "arguments": arguments}
    text = json.dumps(body).encode()
    stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
    stream.flush()
    found: list[dict[str, Any]] = []
    while not any(one.get("request_seq") == number for one in found):
        length = int(stream.readline().split(b":")[1])
        stream.readline()
        found.append(json.loads(stream.read(length)))
    return found


def attached(port: int) -> bool:
    """Attach with debugpy's protocol."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        stream = link.makefile("rwb")
        answer = dap(stream, 1, "initialize", adapterID="debugpy", pathFormat="path")[-1]
        return bool(answer["success"])


@pytest.mark.parametrize("requirements", ["debugpy\n", ""], ids=["has it", "gets it"])
def test_debugpy_attaches_also_after_a_restart(root: Path, requirements: str) -> None:
    port = harness.free_port()
    harness.write(root, {**PYTHON, "requirements.txt": requirements})
    config(root, 8000, "python app.py")
    up = upped(root, port)
    try:
        up.ready()
        assert attached(port)
        here = up.here
        harness.write(root, {"app.py": PYTHON["app.py"] + "\n"})
        assert up.cycle("app.py", here)["outcome"] == "ok"
        assert attached(port)
    finally:
        up.end()


def inspector(port: int) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{port}/json/list"
    with urllib.request.urlopen(url, timeout=20) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())
    return found


def test_the_inspector_is_the_app_s_not_npm_s(root: Path) -> None:
    port = harness.free_port()
    harness.write(root, NODE)
    config(root, 3000, "npm start")
    up = upped(root, port)
    try:
        up.ready()
        assert [one["url"] for one in inspector(port)] == ["file:///app/server.js"]
        here = up.here
        harness.write(root, {"server.js": NODE["server.js"] + "\n"})
        assert up.cycle("server.js", here)["outcome"] == "ok"
        assert [one["url"] for one in inspector(port)] == ["file:///app/server.js"]
    finally:
        up.end()


def test_only_this_machine_reaches_the_debugger(root: Path, engine: Engine) -> None:
    port = harness.free_port()
    harness.write(root, NODE)
    config(root, 3000, "node server.js")
    up = upped(root, port)
    try:
        up.ready()
        found = harness.containers(engine, root)[0]
        hosts = {one["IP"] for one in found["Ports"] if one.get("PublicPort") == port}
        assert hosts == {"127.0.0.1"}
    finally:
        up.end()


@pytest.mark.usefixtures("engine")
def test_a_stack_without_a_debugger_is_told(tmp_path: Path) -> None:
    harness.write(tmp_path, {"go.mod": "module a\n", "main.go": "package main\nfunc main() {}\n"})
    done = harness.devloop("up", str(tmp_path), "--debug-port", "9000")
    assert done.returncode == 2
    assert "devloop has no debugger for go (it has for node and python)" in done.stderr
