"""A Compose project run by an ordinary user: nothing in it becomes root's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from devloop.engine import containers
from devloop.engine.client import Engine
from tests.e2e import composing, harness
from tests.e2e.test_life import UID, readable_python

pytestmark = [composing.NEEDS_COMPOSE, pytest.mark.slow]


def readable_docker(folder: Path) -> dict[str, str]:
    """Give an environment with a docker command and its Compose that anybody may run."""
    asked = ["docker", "info", "--format", "{{json .ClientInfo}}"]
    info = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    plugin = next(one["Path"] for one in info["Plugins"] if one["Name"] == "compose")
    binary = Path(shutil.which("docker") or "")
    if binary.read_bytes()[:2] == b"#!":
        found = re.search(r"exec '([^']+)'", binary.read_text())
        assert found, f"{binary} is a script of another form"
        binary = Path(found[1])
    (folder / "bin").mkdir()
    (folder / "config" / "cli-plugins").mkdir(parents=True)
    shutil.copy(binary, folder / "bin" / "docker")
    shutil.copy(plugin, folder / "config" / "cli-plugins" / "docker-compose")
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "DOCKER_CONFIG": str(folder / "config"),
    }


def test_run_by_an_ordinary_user_nothing_in_the_project_is_roots(engine: Engine) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    port = harness.free_port()
    folder = Path("/var/tmp") / f"devloop-{os.getpid()}-compose"
    socket_gid = os.stat(os.environ["DOCKER_HOST"].removeprefix("unix://")).st_gid
    folder.mkdir()
    try:
        root = composing.counter(folder / f"counter{port}", port)
        for path in (root, *root.rglob("*")):
            os.chown(path, UID, UID)
        argv = [*readable_python(folder), "up", f"{root}/", "--format", "json"]
        env = {**os.environ, "HOME": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        options = {
            "user": UID,
            "group": UID,
            "extra_groups": [socket_gid],
            "cwd": "/",
            "env": env | readable_docker(folder),
        }
        with composing.upped(root, argv=argv, **options) as up:
            up.ready(service="web")
            container = up.wait("app.started")["container"]
            script = "id -u; id -un; touch $HOME/x node_modules/made && echo written"
            code, output = containers.execute(engine, container, ["sh", "-c", script])
            assert (code, output.split()) == (0, [str(UID), "devloop", "written"])
            here = up.here
            (root / "server.js").write_text(composing.COUNTER % "two")
            assert up.cycle("server.js", here)["outcome"] == "ok"
            assert harness.get(port, "/visit") == "two 1"
            assert up.stop() == 130
        owners = {path: path.lstat().st_uid for path in [root, *root.rglob("*")]}
        assert {str(path) for path, uid in owners.items() if uid != UID} == set()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
