"""action.yml, run by our own job runner as on GitHub: on a machine with an engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop import events
from devloop.engine.client import Engine
from devloop.jobs.run.job import JobRun
from devloop.jobs.schedule.contexts import JobOrder, RunnerContext
from devloop.jobs.schedule.graph import JobOutcome
from devloop.jobs.workflow import grammar
from tests.e2e import harness

ROOT = harness.DOCS.parent
SAMPLE = ROOT / "tests" / "sample"


class Shell:
    """A shell of this machine: the runner's, where the steps of a workflow run."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def send(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def lines(self) -> Iterator[str]:
        assert self.process.stdout
        for line in self.process.stdout:
            yield line.removesuffix("\n")

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()
        self.process.wait(30)


@pytest.fixture
def sample(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    root = tmp_path / "sample"
    shutil.copytree(SAMPLE, root)
    for folder in (tmp_path, root):
        folder.chmod(0o755)
    settings = root / "devloop.yaml"
    port = harness.free_port()
    settings.write_text(settings.read_text().replace('"8080"', f'"{port}:8080"'))
    yield root
    harness.clear(root)


class Job:
    """A job that uses the action of this repository."""

    def __init__(self, inputs: str, summary: Path) -> None:
        text = f"""
on: push
jobs:
  try:
    outputs:
      image: ${{{{ steps.devloop.outputs.image }}}}
      fingerprint: ${{{{ steps.devloop.outputs.fingerprint }}}}
      cached: ${{{{ steps.devloop.outputs.cached }}}}
    steps:
      - {{id: devloop, uses: ./, with: {inputs}, env: {{GITHUB_STEP_SUMMARY: "{summary}"}}}}
"""
        flow = grammar.load(text.encode(), "ci.yml")
        order = JobOrder(1, flow, flow.jobs[0], "ci/try", "ci/try")
        self.told: list[events.Event] = []
        self.run = JobRun(
            order, RunnerContext(workspace=str(ROOT)), Shell, self.told.append, read=read
        )

    def __call__(self) -> JobOutcome:
        return self.run()

    def text(self) -> str:
        return "\n".join(one.text for one in self.told if isinstance(one, events.Log))


def read(path: str) -> bytes | None:
    full = ROOT / path
    return full.read_bytes() if full.is_file() else None


@pytest.mark.slow
def test_the_action_tries_a_project_and_gives_its_image(sample: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    first = Job(f'{{path: "{sample}"}}', summary)
    outcome = first()
    assert outcome.conclusion == "success", first.text()
    assert re.fullmatch(r"devloop/sample-[0-9a-f]{8}:[0-9a-f]{12}", outcome.outputs["image"])
    assert re.fullmatch(r"[0-9a-f]{64}", outcome.outputs["fingerprint"])
    assert "| step |" in summary.read_text().lower()
    again = Job(f'{{path: "{sample}", jobs: test}}', summary)()
    assert again.outputs["cached"] == "true"
    assert again.outputs["image"] == outcome.outputs["image"]


@pytest.mark.slow
def test_what_an_input_holds_is_never_run(sample: Path, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    job = Job(f"{{path: \"{sample}\", jobs: '$(touch {mark})`touch {mark}`'}}", tmp_path / "s")
    assert job().conclusion == "failure"
    assert "there is no job `$(touch" in str(job.told)
    assert not mark.exists()


@pytest.mark.slow
def test_a_red_job_fails_the_action_with_an_annotation(sample: Path, tmp_path: Path) -> None:
    (sample / "app.py").write_text(SAMPLE.joinpath("app.py").read_text().replace("Hello", "Hi"))
    job = Job(f'{{path: "{sample}"}}', tmp_path / "s")
    assert job().conclusion == "failure"
    assert os.environ.get("GITHUB_OUTPUT") is None
    assert "FAIL: test_it_counts" in job.text()
