"""What ``devloop init`` costs in a monorepo of 2,000 packages: time and memory of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Effort, Figure, median, progress

PACKAGES = 2000
SOURCES = 5
ALLOWED_S = 2.0
ALLOWED_MB = 150


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure ``init --dry-run``, so that each run finds the same folder."""
    for manager in ("npm", "pnpm"):
        with tempfile.TemporaryDirectory() as folder:
            tree(Path(folder), manager)
            progress(f"init, {PACKAGES} packages, {manager}")
            runs = [init(folder) for _ in range(effort.few)]
        seconds = median([one for one, _ in runs])
        size = max(size for _, size in runs)
        kept = seconds < ALLOWED_S and size < ALLOWED_MB
        value = f"{seconds:.2f} s, {size:.0f} MB"
        target = f"< {ALLOWED_S:.0f} s, < {ALLOWED_MB} MB"
        yield Figure(f"init, {PACKAGES} packages, {manager}", value, target, kept)


def tree(root: Path, manager: str) -> None:
    """Write a workspace of packages that depend on each other, with a few sources each."""
    top: dict[str, object] = {"name": "top", "private": True, "scripts": {"dev": "turbo dev"}}
    if manager == "pnpm":
        (root / "pnpm-workspace.yaml").write_text("packages:\n  - packages/**\n")
        (root / "pnpm-lock.yaml").write_text("lockfileVersion: '9.0'\n")
    else:
        top["workspaces"] = ["packages/*"]
        (root / "package-lock.json").write_text("{}")
    (root / "package.json").write_text(json.dumps(top))
    for number in range(PACKAGES):
        folder = root / "packages" / f"part{number}"
        (folder / "src").mkdir(parents=True)
        needed = {f"@top/part{number // 2}": "*", "express": "^4.21.0"}
        manifest = {"name": f"@top/part{number}", "version": "1.0.0", "dependencies": needed}
        (folder / "package.json").write_text(json.dumps(manifest))
        for source in range(SOURCES):
            (folder / "src" / f"file{source}.ts").write_text("export {}\n")


def init(folder: str) -> tuple[float, float]:
    """Give the seconds and the megabytes (the most that was resident) of one run."""
    began = time.perf_counter()
    line = [sys.executable, "-m", "devloop", "init", "--dry-run", folder]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - began, usage.ru_maxrss / 1024
