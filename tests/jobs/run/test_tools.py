"""The problem matchers on what real tools print, run here as they are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from devloop.jobs.run.problem_matchers import Matched, Matchers

FILES = {
    "src/a.py": "import os\n\n\ndef f(x: int) -> str:\n    return x\n",
    "test_a.py": "def test_a():\n    assert 1 == 2\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n",
}


def findings(root: Path, *command: str) -> list[Matched]:
    """Run a tool on the sample; it must find something."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    argv = [sys.executable, "-m", *command]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    matchers = Matchers()
    return [one for line in done.stdout.splitlines() if (one := matchers.read(line))]


@pytest.mark.parametrize("style", ["full", "concise"])
def test_ruff(tmp_path: Path, style: str) -> None:
    found = findings(tmp_path, "ruff", "check", "--no-cache", "--output-format", style, "src")
    assert [(one.file, one.line, one.col) for one in found] == [("src/a.py", 1, 8)]
    assert found[0].message.startswith("F401 ")


def test_mypy(tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    found = findings(tmp_path, "mypy", "--strict", "--cache-dir", cache, "src/a.py")
    assert [(one.level, one.file, one.line) for one in found] == [("error", "src/a.py", 5)]
    assert "Incompatible return value" in found[0].message


def test_pytest(tmp_path: Path) -> None:
    found = findings(tmp_path, "pytest", "-q", "test_a.py")
    assert [(one.file, one.line, one.message) for one in found] == [
        ("test_a.py", 2, "AssertionError")
    ]
