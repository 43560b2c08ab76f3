"""The rules of develop.watch, honoured: compose files in the shape of public samples."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e import composing, harness
from tests.e2e.harness import Event, Up

SAMPLES = Path(__file__).parent / "samples"
pytestmark = composing.NEEDS_COMPOSE

READS = """const fs = require('fs'), http = require('http')
const text = fs.readFileSync('%s', 'utf8')
http.createServer((req, res) => {
  res.end(req.url === '/now' ? fs.readFileSync('%s', 'utf8') : text)
}).listen(3000)
"""
NODE = "FROM node:22-slim\nWORKDIR /app\nCOPY package.json ./\nRUN true\nCOPY . .\n"
PYTHON = """FROM python:3.13-slim
WORKDIR /srv
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["python", "-u", "app/main.py"]
"""
MAIN = """import http.server
text = open("settings/text").read() + " %s"
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
http.server.HTTPServer(("0.0.0.0", 8000), Page).serve_forever()
"""


class Sample:
    """A running project of a sample file."""

    def __init__(self, up: Up, root: Path, port: int) -> None:
        self.up = up
        self.root = root
        self.port = port

    def get(self, path: str = "/") -> str:
        return harness.get(self.port, path)

    def save(self, path: str, text: str, context: str = "") -> Event:
        """Save a file below the build context; give the end of its cycle."""
        here = self.up.here
        (self.root / context / path).write_text(text)
        return self.up.cycle(path, here)

    def told(self) -> str:
        return "\n".join(one["message"] for one in self.up.events if one["event"] == "notice")


@contextmanager
def running(root: Path, name: str, files: Mapping[str, str]) -> Iterator[Sample]:
    port = harness.free_port()
    root = root / f"{name}{port}"
    root.mkdir(mode=0o755)
    harness.write(root, {"compose.yaml": (SAMPLES / f"{name}.yaml").read_text(), **files})
    with composing.upped(root, env={**os.environ, "PORT": str(port)}) as up:
        up.ready()
        yield Sample(up, root, port)
        assert up.stop() == 130


def test_synced_files_restart_nothing_and_a_version_rebuilds_nothing(tmp_path: Path) -> None:
    files = {
        "Dockerfile": NODE,
        "package.json": '{"version": "1.0.0"}',
        "server.js": READS % ("public/page.js", "public/page.js"),
        "public/page.js": "one",
    }
    with running(tmp_path, "node", files) as it:
        assert "develop.watch: sync of public: the mount shows a save at once" in it.told()
        assert "develop.watch: rebuild of package.json: builds only if" in it.told()
        before = composing.ids(it.root)
        done = it.save("public/page.js", "two")
        assert (done["action"], done["outcome"]) == ("none", "ok")
        assert "synced by the mount" in done["cause"]
        assert (it.get("/now"), it.get()) == ("two", "one")
        done = it.save("public/x.tmp", "1")
        assert (done["action"], done["cause"]) == (
            "none",
            "public/x.tmp: ignored by develop.watch",
        )
        done = it.save("package.json", '{"version": "1.0.1"}')
        assert done["action"] == "restart"
        assert it.up.count("image.building") == 1
        done = it.save("server.js", READS.replace("'/now'", "'/later'") % (("public/page.js",) * 2))
        assert done["action"] == "restart", "no rule holds it: devloop's own count"
        assert it.get() == "two"
        assert composing.ids(it.root) == before
        done = it.save("package.json", '{"dependencies": {"is-odd": "^3.0.1"}}')
        assert done["action"] == "rebuild"
        assert composing.ids(it.root) != before


def test_sync_and_restart_and_restart_restart_the_process_alone(tmp_path: Path) -> None:
    files = {
        "Dockerfile": PYTHON,
        "requirements.txt": "# nothing yet\n",
        "app/main.py": MAIN % "one",
        "settings/text": "a",
    }
    with running(tmp_path, "python", files) as it:
        assert it.get() == "a one"
        before = composing.ids(it.root)
        assert it.save("app/main.py", MAIN % "two")["action"] == "restart"
        assert it.get() == "a two"
        assert it.save("settings/text", "b")["action"] == "restart"
        assert it.get() == "b two"
        assert composing.ids(it.root) == before
        assert it.save("requirements.txt", "tomli\n")["action"] == "rebuild"
        assert composing.ids(it.root)["cache"] == before["cache"]


def test_what_is_synced_elsewhere_is_mounted_there(tmp_path: Path) -> None:
    dockerfile = "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN cp -r vendor /vendor\n"
    files = {
        "proxy/Dockerfile": dockerfile + 'CMD ["node", "server.js"]\n',
        "proxy/server.js": READS % ("/etc/proxy/conf/proxy.conf", "/vendor/lib.txt"),
        "proxy/conf/proxy.conf": "one",
        "proxy/vendor/lib.txt": "v1",
    }
    with running(tmp_path, "proxy", files) as it:
        assert (it.get(), it.get("/now")) == ("one", "v1")
        done = it.save("conf/proxy.conf", "two", "proxy")
        assert (done["action"], done["outcome"]) == ("restart", "ok")
        assert it.get() == "two"
        done = it.save("vendor/lib.txt", "v2", "proxy")
        assert (done["action"], done["outcome"]) == ("rebuild", "ok")
        assert it.get("/now") == "v2"


def test_sync_and_exec_runs_its_command(tmp_path: Path) -> None:
    files = {
        "Dockerfile": NODE + 'CMD ["node", "server.js"]\n',
        "package.json": "{}",
        "server.js": READS % ("templates/page.html", "built.html"),
        "templates/page.html": "one",
        "built.html": "",
    }
    with running(tmp_path, "assets", files) as it:
        here = it.up.here
        done = it.save("templates/page.html", "two")
        assert (done["action"], done["outcome"]) == ("reload", "ok")
        composing.wait_until(lambda: it.get("/now") == "two")
        assert it.get() == "one", "the process goes on"
        assert it.up.count("app.ready", here) == 0


@pytest.mark.parametrize("key", ["include", "initial_sync"])
def test_what_this_compose_does_not_know_is_its_own_error(tmp_path: Path, key: str) -> None:
    text = (SAMPLES / "node.yaml").read_text().replace("ignore:", f"{key}: true\n          ignore:")
    harness.write(tmp_path, {"compose.yaml": text})
    known = composing.compose(tmp_path, "-f", str(tmp_path / "compose.yaml"), "config", "-q")
    if key not in known.stderr:
        pytest.skip(f"this Compose knows {key}")
    done = harness.devloop("up", f"{tmp_path}/", env={**os.environ, "PORT": "1"})
    assert done.returncode == 2
    assert "compose.yaml:13:11: validating" in done.stderr
    assert key in done.stderr
