"""Every command block of docs/ is run, page by page, in a copy of the sample, on a real engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness

DOCS = harness.DOCS
SAMPLE = DOCS.parent / "tests" / "sample"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [path for path in sorted(DOCS.glob("*.md")) if BLOCK.search(path.read_text("utf-8"))]

SHIM = """#!{python}
# `devloop up` ends by itself once the app listens: nobody presses Ctrl-C in a test.
import signal, subprocess, sys
argv = ["{devloop}", *sys.argv[1:]]
if sys.argv[1:2] != ["up"] or "--detach" in sys.argv or "-d" in sys.argv:
    sys.exit(subprocess.run(argv).returncode)
up = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
for line in up.stderr:
    sys.stderr.write(line)
    if line.startswith(("devloop: listening", "devloop: running")):
        up.send_signal(signal.SIGINT)
sys.exit(0 if up.wait() == 130 else 1)
"""


@pytest.fixture
def sample(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    root = tmp_path / "sample"
    shutil.copytree(SAMPLE, root)
    root.chmod(0o755)
    tmp_path.chmod(0o755)
    settings = root / "devloop.yaml"
    port = harness.free_port()
    settings.write_text(settings.read_text().replace('"8080"', f'"{port}:8080"'))
    yield root
    harness.clear(root)


def shims(folder: Path) -> str:
    folder.mkdir()
    program = folder / "devloop"
    real = Path(sys.executable).parent / "devloop"
    program.write_text(SHIM.replace("{python}", sys.executable).replace("{devloop}", str(real)))
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_commands_of_a_page_work(page: Path, sample: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PATH": shims(tmp_path / "bin")}
    for block in BLOCK.findall(page.read_text("utf-8")):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=sample,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
