"""Workflow files of the shape that real projects have, run as they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e import harness

NODE = {
    "Dockerfile": 'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD ["sleep", "300"]\n',
    "package.json": '{"name": "shop", "version": "1.0.0", "scripts": {"test": "node --test"}}\n',
    "package-lock.json": '{"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": '
    '{"": {"name": "shop", "version": "1.0.0"}}}\n',
    "shop.test.js": "require('node:test')('adds', () => require('node:assert').equal(1 + 1, 2))\n",
    "devloop.yaml": "workflows: [.github/workflows/ci.yml]\n",
    ".github/workflows/ci.yml": """
name: Node.js CI
on:
  push: {branches: [main]}
  pull_request: {branches: [main]}
jobs:
  build:
    runs-on: ubuntu-latest
    strategy: {matrix: {node-version: [20.x, 22.x]}, max-parallel: 1}
    steps:
      - uses: actions/checkout@v4
      - name: Use Node.js ${{ matrix.node-version }}
        uses: actions/setup-node@v4
        with: {node-version: "${{ matrix.node-version }}", cache: npm}
      - run: npm ci
      - run: npm test
""",
}

GO = {
    "Dockerfile": 'FROM golang:1.24\nWORKDIR /app\nCOPY . .\nCMD ["sleep", "300"]\n',
    "go.mod": "module shop\n\ngo 1.24\n",
    "shop.go": "package shop\n\nfunc Add(a, b int) int { return a + b }\n",
    "shop_test.go": 'package shop\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n'
    '\tif Add(1, 1) != 2 {\n\t\tt.Fatal("wrong")\n\t}\n}\n',
    "devloop.yaml": "workflows: [.github/workflows/ci.yml]\n",
    ".github/workflows/ci.yml": """
name: Go
on: {push: {branches: [main]}, pull_request: {branches: [main]}}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Set up Go
        uses: actions/setup-go@v5
        with: {go-version: "1.24"}
      - name: Vet
        run: go vet ./...
      - name: Test
        run: go test -v ./...
""",
}


def run(root: Path, files: dict[str, str]) -> list[harness.Event]:
    """Run all jobs of a project; they must end well."""
    root.chmod(0o755)
    harness.write(root, files)
    done = harness.devloop("jobs", "-C", str(root), "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def fulfilled(told: list[harness.Event], action: str) -> bool:
    return any(action in one.get("text", one.get("message", "")) for one in told)


@pytest.mark.usefixtures("engine")
def test_node(tmp_path: Path) -> None:
    told = run(tmp_path, NODE)
    ends = [one for one in told if one["event"] == "job.finished"]
    assert [(one["job"], one["matrix"]["node-version"]) for one in ends] == [
        ("ci/build", "20.x"),
        ("ci/build", "22.x"),
    ]
    assert all(one["conclusion"] == "success" and not one.get("not_run") for one in ends)
    assert fulfilled(told, "actions/checkout@v4")
    assert fulfilled(told, "actions/setup-node@v4")
    assert any("pass 1" in one.get("text", "") for one in told)


@pytest.mark.slow
@pytest.mark.usefixtures("engine")
def test_go(tmp_path: Path) -> None:
    told = run(tmp_path, GO)
    ended = next(one for one in told if one["event"] == "job.finished")
    assert (ended["job"], ended["conclusion"]) == ("ci/build", "success")
    assert not ended.get("not_run")
    assert fulfilled(told, "actions/setup-go@v5")
    assert any("--- PASS: TestAdd" in one.get("text", "") for one in told)
