"""Finds the process that listens on a port of this machine, in /proc."""

from __future__ import annotations

import os
from contextlib import suppress

LISTEN = "0A"


def owner(port: int) -> str:
    """Name the process that listens on a TCP port; empty where it cannot be known."""
    inodes = _inodes(port)
    if not inodes:
        return ""
    for name in os.listdir("/proc"):
        if name.isdigit() and _holds(name, inodes):
            with suppress(OSError), open(f"/proc/{name}/comm", encoding="utf-8") as stream:
                return f"the process {stream.read().strip()} ({name})"
    return ""


def _inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), open(table, encoding="ascii") as stream:
            rows = [line.split() for line in stream]
            found |= {
                row[9]
                for row in rows[1:]
                if row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port
            }
    return found


def _holds(pid: str, inodes: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):
                target = os.readlink(f"{folder}/{name}")
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    return True
    return False
