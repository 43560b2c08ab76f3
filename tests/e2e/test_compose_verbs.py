"""The verbs that are not `up`, on a Compose project, on a real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import composing, harness

SERVE = "import http.server as h\nh.test(h.SimpleHTTPRequestHandler, port=8000)\n"
DOCKERFILE = 'FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nCMD ["python3", "app.py"]\n'
FILES = {
    "Dockerfile": DOCKERFILE,
    "app.py": SERVE,
    "api/Dockerfile": DOCKERFILE.replace("/app", "/api"),
    "api/app.py": SERVE,
    "devloop.yaml": "jobs:\n  test: {steps: [{run: test -f app.py && echo it is here}]}\n",
}
COMPOSE = """
services:
  web:
    build: .
    ports: ["127.0.0.1:{port}:8000"]
    depends_on: [api]
  api:
    build: api
    volumes: [data:/data]
volumes: {{data: {{}}}}
"""


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    tmp_path.chmod(0o755)
    port = harness.free_port()
    yield harness.write(tmp_path, {**FILES, "compose.yaml": COMPOSE.format(port=port)})
    harness.devloop("down", str(tmp_path), "--volumes")
    harness.clear(tmp_path)


def test_a_plan_says_which_service_it_is_about(root: Path) -> None:
    done = harness.devloop("plan", "-C", str(root), "api/app.py", "compose.yaml", "app.py")
    assert done.stdout.splitlines() == [
        "api: api/app.py: restart (the app sees it through the mount)",
        "web: api/app.py: restart (the app sees it through the mount)",
        "compose.yaml: recreate (the services whose part of it changed)",
        "web: app.py: restart (the app sees it through the mount)",
    ]
    found = json.loads(harness.devloop("plan", "-C", str(root), "--format", "json").stdout)
    assert set(found["services"]) == {"api", "web"}
    prints = json.loads(harness.devloop("fingerprint", str(root), "--format", "json").stdout)
    assert prints["services"]["api"]["mount"] == "/api"


def test_check_looks_at_every_service(root: Path) -> None:
    (root / "api" / "Dockerfile").write_text("FROM python\nCMD python app.py\n")
    done = harness.devloop("check", str(root))
    assert "api/Dockerfile:1: warning: the base image python has no fixed tag" in done.stdout
    assert "\nDockerfile:1: warning: the last stage runs as root" in f"\n{done.stdout}"


def test_jobs_run_in_the_service_of_the_whole_folder(root: Path) -> None:
    before = harness.devloop("jobs", "-C", str(root))
    assert before.returncode == 2
    assert "`devloop up --detach` first" in before.stderr
    up = harness.devloop("up", str(root), "--detach")
    assert up.returncode == 0, up.stderr
    done = harness.devloop("jobs", "-C", str(root))
    assert done.returncode == 0, done.stderr
    assert "test | it is here" in done.stderr
    assert harness.devloop("stop", str(root)).returncode == 0


def test_the_jobs_of_a_compose_project_are_read_again(root: Path) -> None:
    with composing.upped(root) as up:
        for service in ("api", "web"):
            up.ready(service=service)
        here = up.here
        (root / "app.py").write_text(SERVE + "# once\n")
        up.wait("log", here, service="test", text="it is here")
        here = up.here
        (root / "devloop.yaml").write_text("jobs:\n  other: {steps: [{run: echo a new one}]}\n")
        up.wait("log", here, service="other", text="a new one")
        (root / "devloop.yaml").write_text("jobs: [\n")
        assert "devloop.yaml:" in up.wait("error", here)["message"]
        here = up.here
        (root / "app.py").write_text(SERVE + "# twice\n")
        up.wait("log", here, service="other", text="a new one")
        up.stop()


def volumes(engine: Engine, root: Path) -> set[str]:
    found = engine.get("/volumes").get("Volumes") or ()
    return {one["Name"] for one in found if one["Name"].startswith(root.name)}


def test_ci_starts_tries_and_leaves_the_volume_alone(root: Path, engine: Engine) -> None:
    done = harness.devloop("ci", str(root), "--format", "json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    for one in told:
        harness.SCHEMA.validate(one)
    assert [one["event"] for one in told].count("end") == 1
    ready = {one["service"] for one in told if one["event"] == "app.ready"}
    assert "web" in ready
    ended = [one for one in told if one["event"] == "job.finished"]
    assert [(one["job"], one["conclusion"]) for one in ended] == [("test", "success")]
    assert harness.containers(engine, root) == []
    assert volumes(engine, root) == {f"{root.name}_data"}


def test_ci_fails_with_a_service_that_crashes(root: Path, engine: Engine) -> None:
    (root / "api" / "app.py").write_text("raise SystemExit(3)\n")
    done = harness.devloop("ci", str(root))
    assert done.returncode == 1, done.stderr
    assert "the app exited with code 3" in done.stderr
    assert harness.containers(engine, root) == []
