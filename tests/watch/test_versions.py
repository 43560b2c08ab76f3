"""The watching tests on each generation of watchdog: 6.x and 7.x share only the public API."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
GENERATIONS = ("6.0", "7.1")
NOT_AGAIN = ("test_versions.py", "test_soak.py", "test_debounce.py", "test_ignore.py")
"""This file, what takes minutes, and what never meets watchdog."""


def python(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_must_hold_holds_on_each_generation(generation: str, tmp_path: Path) -> None:
    if version("watchdog").startswith(f"{generation}."):
        pytest.skip(f"watchdog {generation} is the installed one: all other tests ran on it")
    wanted = f"watchdog=={generation}.*"
    fetched = python("-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path, wanted)
    assert fetched.returncode == 0, fetched.stderr
    found = python(
        "-c", "import watchdog.version as v; print(v.VERSION_STRING)", PYTHONPATH=str(tmp_path)
    )
    assert found.stdout.startswith(f"{generation}."), found.stderr
    left_out = [f"--ignore={HERE / name}" for name in NOT_AGAIN]
    run = python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, HERE),
        PYTHONPATH=str(tmp_path),
    )
    assert run.returncode == 0, run.stdout
    print(run.stdout.splitlines()[-1])
