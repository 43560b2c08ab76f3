"""`devloop jobs` on a real engine."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from devloop.engine.containers import execute
from tests.e2e import harness

FILES = {
    "Dockerfile": 'FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nCMD ["sleep", "300"]\n',
    "src/a.py": "x = 1\n",
    "devloop.yaml": """
workflows: [.github/workflows/ci.yml]
jobs:
  make:
    outputs: {what: "${{ steps.s.outputs.what }}"}
    steps:
      - {id: s, run: 'echo "what=cake" >> "$GITHUB_OUTPUT"'}
  eat:
    needs: make
    strategy: {matrix: {who: [ann, bob]}}
    steps:
      - run: test -f src/a.py && echo "${{ matrix.who }} eats ${{ needs.make.outputs.what }}"
  broken:
    steps: [{run: exit 3}]
  told:
    needs: broken
    if: failure()
    steps: [{run: echo it broke}]
  local:
    steps:
      - {id: act, uses: ./tools/act, with: {who: local}}
      - run: echo "${{ steps.act.outputs.said }}"
""",
    "tools/act/action.yml": """
inputs: {who: {default: nobody}}
outputs: {said: {value: "${{ steps.say.outputs.said }}"}}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      run: . "$GITHUB_ACTION_PATH/say.sh" ${{ inputs.who }}
""",
    "tools/act/say.sh": 'echo "said=it said $1" >> "$GITHUB_OUTPUT"\n',
    ".github/workflows/ci.yml": """
name: CI
on: {push: {branches: [main]}, pull_request: {}}
permissions: {contents: read}
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: {python-version: ["3.12", "3.13"]}}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/cache@v4
        with: {key: "${{ runner.os }}-${{ hashFiles('src/**') }}", path: x}
      - run: echo "hash ${{ hashFiles('src/**') }}"
      - uses: actions/setup-python@v5
        with: {python-version: "${{ matrix.python-version }}"}
      - run: python3 -c "import src.a"
      - {uses: codecov/codecov-action@v4, if: success()}
  deploy:
    environment: production
    steps: [{run: exit 9}]
""",
}


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Path:  # noqa: ARG001 - an engine is needed
    tmp_path.chmod(0o755)
    return harness.write(tmp_path, FILES)


def test_all_jobs_once(root: Path, engine: Engine) -> None:
    done = harness.devloop("jobs", "-C", str(root), "--format", "json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for one in told:
        harness.SCHEMA.validate(one)
    assert done.returncode == 1, done.stdout + done.stderr
    ends = {
        (one["job"], str(one["matrix"])): one["conclusion"]
        for one in told
        if one["event"] == "job.finished"
    }
    assert ends == {
        ("make", "None"): "success",
        ("eat", "{'who': 'ann'}"): "success",
        ("eat", "{'who': 'bob'}"): "success",
        ("broken", "None"): "failure",
        ("told", "None"): "success",
        ("local", "None"): "success",
        ("ci/test", "{'python-version': '3.12'}"): "success",
        ("ci/test", "{'python-version': '3.13'}"): "success",
    }
    lines = [one["text"] for one in told if one["event"] == "log"]
    assert "bob eats cake" in lines
    assert "it said local" in lines
    assert any(len(text) == len("hash ") + 64 for text in lines)
    assert any(one.get("not_run") == ["codecov/codecov-action@v4"] for one in told)
    assert any("deploy" in one.get("message", "") for one in told)
    assert harness.containers(engine, root) == []


def test_one_job_in_the_container_of_up(root: Path, engine: Engine) -> None:
    with harness.running(root) as up:
        up.ready()
        before = [one["Id"] for one in harness.containers(engine, root)]
        done = harness.devloop("jobs", "eat", "-C", str(root))
        assert done.returncode == 0, done.stderr
        assert "devloop: job eat (who ann) success in" in done.stderr
        assert [one["Id"] for one in harness.containers(engine, root)] == before
    assert harness.devloop("jobs", "nothing", "-C", str(root)).returncode == 2


WATCHED = """
on: {change: {paths: ["src/**"]}}
jobs:
  slow:
    steps: [{run: 'echo "saved $DEVLOOP_CHANGED_FILES"; sleep 300'}]
"""


def first_line(up: harness.Up, after: int) -> harness.Event:
    return up.wait("log", after, service="slow")


def test_a_save_starts_its_jobs_and_a_newer_one_ends_them(root: Path, engine: Engine) -> None:
    (root / "devloop.yaml").write_text(WATCHED)
    took = []
    with harness.running(root) as up:
        up.ready()
        container = harness.containers(engine, root)[0]["Id"]
        quiet = len(engine.get(f"/containers/{container}/top")["Processes"])
        for number in range(8):
            here, began = up.here, time.time()
            (root / "src" / "a.py").write_text(f"x = {number + 10}\n")
            line = first_line(up, here)
            assert line["text"] == "saved src/a.py"
            if number:
                gone = up.wait("job.finished", here, job="slow")
                assert gone["conclusion"] == "cancelled"
                assert gone["ts"] - began < 2.5
            took.append(line["ts"] - began)
        now = len(engine.get(f"/containers/{container}/top")["Processes"])
        print(f"save to first line: median {sorted(took)[len(took) // 2] * 1000:.0f} ms, {took}")
        assert now - quiet < 8, "one run's processes, no more"
        (root / "README.md").write_text("nothing\n")
        up.cycle("README.md", up.here - 1)
        assert up.stop() == 130
        assert "went away" not in str(up.events)


def in_container(engine: Engine, container: str) -> tuple[int, int, str]:
    """Count execs and processes, and list the temporary files."""
    found = engine.get(f"/containers/{container}/json")["ExecIDs"] or []
    processes = len(engine.get(f"/containers/{container}/top")["Processes"])
    _, files = execute(engine, container, ["ls", "/tmp"])
    return len(found), processes, files


@pytest.mark.slow
def test_200_saves_leave_nothing_behind(root: Path, engine: Engine) -> None:
    (root / "devloop.yaml").write_text(WATCHED.replace("; sleep 300", ""))
    with harness.running(root) as up:
        up.ready()
        container = harness.containers(engine, root)[0]["Id"]
        for number in range(201):
            here = up.here
            (root / "src" / "a.py").write_text(f"x = {number + 10}\n")
            assert up.wait("job.finished", here, job="slow")["conclusion"] == "success"
            if number == 0:
                before = in_container(engine, container)
        assert in_container(engine, container) == before


GROUP = """
jobs:
  a: {concurrency: g, steps: [{run: echo a}]}
  b: {concurrency: g, steps: [{run: echo b}]}
  c: {concurrency: g, steps: [{run: echo c}]}
"""


@pytest.mark.usefixtures("engine")
def test_in_a_concurrency_group_one_runs_and_one_waits(root: Path) -> None:
    (root / "devloop.yaml").write_text(GROUP)
    done = harness.devloop("jobs", "-C", str(root), "--format", "json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    ends = {one["job"]: one["conclusion"] for one in told if one["event"] == "job.finished"}
    assert ends == {"a": "success", "b": "cancelled", "c": "success"}, done.stderr
