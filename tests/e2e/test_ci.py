"""`devloop ci` on a real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness

SERVER = 'CMD ["python3", "-m", "http.server", "8000"]\n'
DOCKERFILE = f"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\n{SERVER}"
ASKS = "python3 -c \"import urllib.request as u; u.urlopen('http://localhost:8000/a.txt')\""
JOB = """
jobs:
  ask:
    steps: [{run: %s}]
"""


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Iterator[Path]:
    tmp_path.chmod(0o755)
    port = harness.free_port()
    config = f'app: {{ports: ["{port}:8000"]}}\n' + JOB % json.dumps(ASKS)
    yield harness.write(
        tmp_path, {"Dockerfile": DOCKERFILE, "a.txt": "here\n", "devloop.yaml": config}
    )
    left = harness.containers(engine, tmp_path)
    harness.clear(tmp_path)
    assert left == []
    assert not (tmp_path / ".devloop" / "lock").exists()


def networks(engine: Engine) -> set[str]:
    return {one["Id"] for one in engine.get("/networks") if one["Name"].startswith("devloop")}


def ci(root: Path, code: int) -> list[harness.Event]:
    """Run it; it must end with this code, with events that the schema knows."""
    done = harness.devloop("ci", str(root), "--format", "json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == code, done.stdout + done.stderr
    for one in told:
        harness.SCHEMA.validate(one)
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("end", code)
    return told


def names(told: list[harness.Event]) -> list[str]:
    return [one["event"] for one in told]


def test_a_green_project(root: Path, engine: Engine) -> None:
    before = networks(engine)
    told = ci(root, 0)
    found = names(told)
    order = ["image.built", "app.started", "app.ready", "job.started", "job.finished"]
    assert [one for one in found if one in order] == order
    ended = next(one for one in told if one["event"] == "job.finished")
    assert (ended["job"], ended["conclusion"]) == ("ask", "success")
    assert networks(engine) <= before
    assert next(one for one in ci(root, 0) if one["event"] == "image.built")["cached"]


def test_a_project_without_jobs(root: Path) -> None:
    port = harness.free_port()
    (root / "devloop.yaml").write_text(f'app: {{ports: ["{port}:8000"]}}\n')
    done = harness.devloop("ci", str(root))
    assert done.returncode == 0, done.stderr
    assert f"devloop: listening on http://localhost:{port}" in done.stderr


def test_a_red_job(root: Path) -> None:
    config = (root / "devloop.yaml").read_text()
    (root / "devloop.yaml").write_text(config + "  red: {steps: [{run: exit 3}]}\n")
    told = ci(root, 1)
    ends = {one["job"]: one["conclusion"] for one in told if one["event"] == "job.finished"}
    assert ends == {"ask": "success", "red": "failure"}


def test_an_app_that_crashes(root: Path) -> None:
    (root / "Dockerfile").write_text(DOCKERFILE.replace(SERVER, 'CMD ["sh", "-c", "exit 7"]\n'))
    told = ci(root, 1)
    assert next(one for one in told if one["event"] == "app.exited")["exit_code"] == 7
    assert "job.started" not in names(told)


def test_an_app_that_a_job_brings_down(root: Path) -> None:
    serve = "python3 -m http.server 8000 & until test -f /tmp/no; do sleep 0.1; done"
    server = f'CMD ["sh", "-c", "{serve}; kill $!; exit 5"]\n'
    (root / "Dockerfile").write_text(DOCKERFILE.replace(SERVER, server))
    gone = f"touch /tmp/no; until ! {ASKS} 2> /tmp/why; do sleep 0.1; done; sleep 1"
    port = harness.free_port()
    config = f'app: {{ports: ["{port}:8000"]}}\n' + JOB % json.dumps(gone)
    (root / "devloop.yaml").write_text(config)
    told = ci(root, 1)
    assert next(one for one in told if one["event"] == "job.finished")["conclusion"] == "success"
    assert next(one for one in told if one["event"] == "app.exited")["exit_code"] == 5


def test_a_build_that_fails(root: Path) -> None:
    (root / "Dockerfile").write_text(DOCKERFILE.replace(SERVER, "RUN exit 4\n" + SERVER))
    found = names(ci(root, 1))
    assert "image.failed" in found
    assert "app.started" not in found


def test_a_check_error_is_told_without_a_build(root: Path) -> None:
    bound = 'CMD ["uvicorn", "a:b", "--host", "127.0.0.1"]\n'
    (root / "Dockerfile").write_text(DOCKERFILE.replace(SERVER, bound))
    told = ci(root, 1)
    wrong = next(one for one in told if one["event"] == "annotation" and one["level"] == "error")
    assert (wrong["job"], wrong["file"], wrong["line"]) == ("check", "Dockerfile", 5)
    assert not any(one.startswith(("image.", "app.")) for one in names(told))


def test_a_bad_config(root: Path) -> None:
    (root / "devloop.yaml").write_text("app: {prots: []}\n")
    told = ci(root, 2)
    assert names(told) == ["error", "end"]
    assert told[0]["message"].startswith("devloop.yaml:1:7: ")


def test_an_interrupt_ends_the_job_and_the_app(root: Path) -> None:
    port = harness.free_port()
    config = f'app: {{ports: ["{port}:8000"]}}\n' + JOB % json.dumps("echo here; sleep 300")
    (root / "devloop.yaml").write_text(config)
    with harness.running(root, verb="ci") as run:
        run.wait("log", text="here")
        assert run.stop(signal.SIGTERM) == 130
        assert run.wait("job.finished")["conclusion"] == "cancelled"
        assert run.wait("end")["exit_code"] == 130


def test_an_interrupt_ends_the_build(root: Path, engine: Engine) -> None:
    (root / "Dockerfile").write_text(
        DOCKERFILE.replace(SERVER, "RUN echo building; sleep 301\n" + SERVER)
    )
    with harness.running(root, verb="ci") as run:
        run.wait("image.building")
        assert run.stop() == 130
        assert run.wait("end")["exit_code"] == 130
    assert harness.containers(engine, root) == []


def test_a_project_without_a_dockerfile(root: Path) -> None:
    (root / "Dockerfile").unlink()
    port = harness.free_port()
    serve = "import http.server as h\nh.test(h.SimpleHTTPRequestHandler, port=8000)\n"
    harness.write(root, {"main.py": serve, "requirements.txt": ""})
    (root / "devloop.yaml").write_text(f'app: {{ports: ["{port}:8000"]}}\n' + JOB % '"true"')
    told = ci(root, 0)
    assert any("no Dockerfile here" in one.get("message", "") for one in told)
    assert (root / ".devloop" / "Dockerfile").exists()


def test_no_engine(root: Path) -> None:
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{root}/none.sock"}
    done = harness.devloop("ci", str(root), "--format", "json", env=nowhere)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert names(told) == ["error", "end"]


IMPATIENT = """
import sys
from devloop.cli import ci
from devloop.loop import driver
driver.DEADLINE = 1.0
sys.exit(ci.ci(ci.Path(sys.argv[1]), (), ("", False, ""), "json"))
"""


def test_an_app_that_never_answers(root: Path, engine: Engine) -> None:
    silent = DOCKERFILE.replace(SERVER, 'CMD ["sleep", "300"]\n')
    (root / "Dockerfile").write_text(silent)
    argv = [sys.executable, "-c", IMPATIENT, str(root)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-2]["message"] == "the app does not answer"
    assert harness.containers(engine, root) == []


def test_only_the_jobs_that_are_named(root: Path) -> None:
    config = (root / "devloop.yaml").read_text()
    (root / "devloop.yaml").write_text(config + "  red: {steps: [{run: exit 3}]}\n")
    done = harness.devloop("ci", str(root), "--jobs", "ask,", "--format", "json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout
    assert [one["job"] for one in told if one["event"] == "job.finished"] == ["ask"]
    unknown = harness.devloop("ci", str(root), "--jobs", "nope")
    assert unknown.returncode == 2
    assert "there is no job `nope` (there are ask, red)" in unknown.stderr


def test_what_githubs_runner_gets(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    files = tmp_path_factory.mktemp("runner")
    (root / "Dockerfile").write_text(DOCKERFILE + f"LABEL run={files}\n")
    runner = {name: str(files / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = harness.devloop(
        "ci", str(root), "--format", "github", env={**os.environ, "CI": "true", **runner}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines.count("::endgroup::") == 2
    assert "::group::Build (ci)" in lines
    assert any(line.startswith("::group::Job ask: success in ") for line in lines)
    outputs = dict(
        line.split("=", 1) for line in (files / "GITHUB_OUTPUT").read_text().splitlines()
    )
    assert outputs["image"].startswith("devloop/")
    assert outputs["image"].endswith(outputs["fingerprint"][:12])
    assert outputs["cached"] == "false"
    summary = (files / "GITHUB_STEP_SUMMARY").read_text()
    assert " MB\n" in summary.splitlines(keepends=True)[0]
    assert "| Step | Cached | Time |" in summary
    assert "| ask | success |" in summary
