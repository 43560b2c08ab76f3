"""Errors of real tools, run by a job in a container, become annotations of the project's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e import harness

pytestmark = pytest.mark.slow

IDLE = 'CMD ["sleep", "300"]\n'
NODE = {
    "Dockerfile": "FROM node:22-slim\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\n"
    f"COPY . .\n{IDLE}",
    ".dockerignore": "node_modules\n",
    "package.json": json.dumps({"devDependencies": {"typescript": "^5", "eslint": "^9"}}),
    "tsconfig.json": '{"compilerOptions": {"strict": true, "noEmit": true}, "include": ["src"]}',
    "src/a.ts": "const x: number = 'no'\nexport { x }\n",
    "src/b.js": "var y\nif (y = 3) {}\n",
    "eslint.config.js": "module.exports = [{rules: {'no-cond-assign': 'error', "
    "'no-empty': 'warn'}}]\n",
    "devloop.yaml": """
jobs:
  types: {steps: [{run: npx tsc --pretty false}]}
  pretty: {steps: [{run: npx tsc --pretty}]}
  lint: {steps: [{run: npx eslint src/b.js}]}
""",
}
GO = {
    "Dockerfile": f"FROM golang:1.24\nWORKDIR /app\nCOPY . .\n{IDLE}",
    "go.mod": "module shop\n\ngo 1.24\n",
    "cmd/main.go": "package main\n\nfunc main() {\n\tnope()\n}\n",
    "shop.go": "package shop\n",
    "shop_test.go": 'package shop\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {\n'
    '\tt.Error("bad")\n}\n',
    "devloop.yaml": """
jobs:
  build: {steps: [{run: go build ./...}]}
  test: {steps: [{run: go test .}]}
""",
}
RUST = {
    "Dockerfile": f"FROM rust:1.85-slim\nWORKDIR /app\nCOPY . .\n{IDLE}",
    "Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/main.rs": "fn main() {\n    let x: u8 = nope();\n}\n",
    "devloop.yaml": "jobs: {check: {steps: [{run: cargo check --target-dir /tmp/t}]}}\n",
}


def places(root: Path, files: dict[str, str]) -> set[tuple[str, str, str, int, int]]:
    """Run all jobs; give what was found as (job, level, file, line, column)."""
    root.chmod(0o755)
    harness.write(root, files)
    done = harness.devloop("jobs", "-C", str(root), "--format", "json")
    assert done.returncode == 1, done.stdout + done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        (one["job"], one["level"], one["file"], one["line"], one.get("col", 0))
        for one in told
        if one["event"] == "annotation"
    }


@pytest.mark.usefixtures("engine")
def test_tsc_and_eslint(tmp_path: Path) -> None:
    assert places(tmp_path, NODE) == {
        ("types", "error", "src/a.ts", 1, 7),
        ("pretty", "error", "src/a.ts", 1, 7),
        ("lint", "error", "src/b.js", 2, 5),
        ("lint", "warning", "src/b.js", 2, 12),
    }


@pytest.mark.usefixtures("engine")
def test_go(tmp_path: Path) -> None:
    assert places(tmp_path, GO) == {
        ("build", "error", "cmd/main.go", 4, 2),
        ("test", "error", "shop_test.go", 6, 0),
    }


@pytest.mark.usefixtures("engine")
def test_cargo(tmp_path: Path) -> None:
    assert places(tmp_path, RUST) == {("check", "error", "src/main.rs", 2, 17)}
