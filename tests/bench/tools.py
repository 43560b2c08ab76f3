"""Other watchers to be measured beside ours, fetched once into a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.figures import progress

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "devloop-bench")
NODE_MODULES = KEPT / "npm" / "node_modules"
PYTHON = KEPT / "python"
WATCHEXEC = "2.3.2"  # compiles with older releases of Rust too, which the newest does not


def fetch() -> dict[str, str]:
    """Get what can be had; gives, by tool, why one is missing."""
    KEPT.mkdir(parents=True, exist_ok=True)
    missing = {
        "watchfiles": _fetched(
            PYTHON / "watchfiles",
            [sys.executable, "-m", "pip", "install", "-q", "--target", str(PYTHON), "watchfiles"],
        ),
        "parcel": _npm("@parcel/watcher"),
        "chokidar": _npm("chokidar"),
        "watchexec": _watchexec(),
    }
    return {tool: why for tool, why in missing.items() if why}


def watchexec() -> str:
    """Name the program, the machine's own or the one that was compiled."""
    return shutil.which("watchexec") or str(KEPT / "bin" / "watchexec")


def _npm(package: str) -> str:
    command = ["npm", "install", "--silent", "--prefix", str(NODE_MODULES.parent), package]
    return _fetched(NODE_MODULES / package, command)


def _watchexec() -> str:
    version = f"watchexec-cli@{WATCHEXEC}"
    command = ["cargo", "install", "-q", "--locked", "--root", str(KEPT), version]
    return _fetched(Path(watchexec()), command)


def _fetched(there: Path, command: list[str]) -> str:
    """Have what a command brings; empty, or why it is not there."""
    if there.exists():
        return ""
    if not shutil.which(command[0]):
        return f"there is no {command[0]} to get it with"
    progress(f"fetching {command[-1]} (once)")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    last = (done.stderr.strip().splitlines() or ["it is not there afterwards"])[-1]
    return "" if there.exists() else last
