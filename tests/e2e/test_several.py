"""The life cycle's verbs where a Compose project has several services."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e import composing, harness
from tests.e2e.harness import devloop

pytestmark = composing.NEEDS_COMPOSE

SERVER = (
    "require('http').createServer((_, res) => res.end('%s')).listen(3000)\nconsole.log('%s up')"
)
SERVICE = """  %s:
    build: ./%s
    ports: ["127.0.0.1:%d:3000"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files, config = {}, "services:\n"
    for name in ("one", "two"):
        files[f"{name}/server.js"] = SERVER % (name, name)
        files[f"{name}/Dockerfile"] = (
            "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD node server.js\n"
        )
        config += SERVICE % (name, name, harness.free_port())
    return harness.write(tmp_path / "pair", {**files, "compose.yaml": config})


def test_in_the_background_all_are_ready_when_it_returns(root: Path) -> None:
    try:
        done = devloop("up", f"{root}/", "--detach", "--format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        ready = {one["service"] for one in told if one["event"] == "app.ready"}
        assert ready == {"one", "two"}
    finally:
        devloop("down", str(root))


@pytest.mark.slow
def test_the_verbs_know_the_services(root: Path) -> None:
    where = ["-C", str(root)]
    with composing.upped(root) as up:
        for name in ("one", "two"):
            up.ready(service=name)
        found = json.loads(devloop("status", str(root), "--format", "json").stdout)
        assert {one["service"]: one["state"] for one in found["services"]} == {
            "one": "ready",
            "two": "ready",
        }
        rows = devloop("ps", *where, "--format", "{{.Service}} {{.State}}").stdout
        assert rows == "one running\ntwo running\n"
        assert devloop("ps", "two", *where, "--format", "{{.Service}}").stdout == "two\n"
        assert devloop("logs", "one", *where).stdout == "one up\n"
        assert set(devloop("logs", *where).stdout.splitlines()) == {"one | one up", "two | two up"}
        vague = devloop("exec", *where, "pwd")
        assert (vague.returncode, "--service: one, two" in vague.stderr) == (2, True), vague.stderr
        said = devloop("exec", *where, "-s", "two", "cat", "server.js").stdout
        assert said == SERVER % ("two", "two")

        here = up.here
        done = devloop("restart", str(root), "--service", "two", "--format", "plain")
        assert done.returncode == 0, done.stderr
        assert "devloop: two: cycle 1 finished restart ok in " in done.stderr
        started = [one for one in up.events[here:] if one["event"] == "cycle.started"]
        assert [one["service"] for one in started] == ["two"]
        assert devloop("restart", str(root)).returncode == 0
        ended = [one for one in up.events[here:] if one["event"] == "cycle.finished"]
        assert sorted(one["service"] for one in ended) == ["one", "two", "two"]
        strange = devloop("restart", str(root), "-s", "three")
        assert strange.returncode == 2
        assert "no service `three` is developed here (there is one, two)" in strange.stderr
        assert devloop("stop", str(root)).returncode == 0
        assert up.exit_code() == 0
