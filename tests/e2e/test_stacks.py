"""The matrix of stacks: a bare folder, `up`, an edit, a dependency, with packages that are real."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e import harness
from tests.e2e.stack_apps import KINDS, Files, Kind

pytestmark = pytest.mark.slow


def locked(kind: Kind, files: Files, folder: Path) -> Files:
    """Add to a project's files what its manager locks, run in the stack's own image."""
    if not kind.lock:
        return files
    harness.write(folder, files)
    mount = f"type=bind,source={folder},target=/w"
    command = ["docker", "run", "--rm", "-w", "/w", "--mount", mount, "--entrypoint", "sh"]
    done = subprocess.run(
        [*command, kind.image, "-c", kind.lock], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = (path for path in folder.iterdir() if path.is_file())
    return {**files, **{path.name: path.read_text() for path in found}}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("stack", KINDS, ids=lambda kind: kind.name)
def test_a_bare_project_of_each_stack_runs_reloads_and_rebuilds(
    stack: Kind, tmp_path: Path
) -> None:
    port = harness.free_port()
    root = tmp_path / "shop"
    first = {**stack.files, **stack.says("hello 1")}
    harness.write(root, locked(stack, first, tmp_path / "lock1"))
    root.chmod(0o755)
    harness.write(root, {"devloop.yaml": f'app: {{ports: ["{port}:{stack.port}"]}}\n'})
    richer = locked(stack, {**stack.files, **stack.needs_more()}, tmp_path / "lock2")
    with harness.running(root) as up:
        up.ready(timeout=400)
        assert harness.get(port) == "hello 1"

        here = up.here
        harness.write(root, stack.says("hello 2"))
        done = up.cycle(stack.source, here)
        assert (done["action"], done["outcome"]) == (stack.action, "ok")
        assert harness.get(port) == "hello 2"
        assert up.count("image.building", here) == 0

        if stack.more:
            here = up.here
            harness.write(root, richer)
            built = up.wait("cycle.finished", here, action="rebuild", timeout=400)
            assert built["outcome"] == "ok"
            assert harness.get(port) == "odd true"
            assert up.count("image.building", here) == 1
        settled = up.here
        harness.write(root, {"README.md": "# words\n"})
        assert up.cycle("README.md", settled)["action"] == "none"
        assert up.count("image.building", here) == (1 if stack.more else 0)
