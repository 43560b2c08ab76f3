"""`devloop ps`: the project's containers."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from devloop.cli import project as projects
from devloop.engine import client
from devloop.engine import listing as roster
from devloop.engine.listing import Resident
from devloop.model import Project
from devloop.report import go_template as template

SHOWN = ("Service", "Name", "Image", "Status", "Ports", "CPUPerc", "MemUsage")
TABLE = "table " + "\t".join(f"{{{{.{name}}}}}" for name in SHOWN)
HEADS = {
    "ID": "CONTAINER ID",
    "Name": "CONTAINER",
    "Names": "CONTAINER",
    "Service": "SERVICE",
    "Image": "IMAGE",
    "State": "STATE",
    "Status": "STATUS",
    "Ports": "PORTS",
    "CPUPerc": "CPU",
    "MemUsage": "MEMORY",
}
MEASURED = {"CPUPerc", "MemUsage", "."}
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024


def ps(path: Path, service: str, output: str) -> int:
    """Print the containers, running or not: a table, JSON lines, or a Go template."""
    engine = client.connect()
    root = projects.folder(path)
    found = roster.residents(engine, Project(root, os.path.basename(root)), service)
    form = TABLE if output == "table" else output
    if output == "json" or template.fields(form) & MEASURED:
        found = roster.measured(engine, found)
    if output == "json":
        lines = [json.dumps(asdict(one), ensure_ascii=True) for one in found]
    else:
        template.render(form, [dict.fromkeys(HEADS, "")], HEADS)  # told even if nothing runs
        lines = template.render(form, [_row(one) for one in found], HEADS)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _row(one: Resident) -> dict[str, str]:
    limit = f" / {size(one.memory_limit)}" if one.memory_limit else ""
    return {
        "ID": one.id[:12],
        "Name": one.name,
        "Names": one.name,
        "Service": one.service,
        "Image": one.image,
        "State": one.state,
        "Status": one.status,
        "Ports": ", ".join(one.ports),
        "CPUPerc": "" if one.cpu is None else f"{one.cpu:.2f}%",
        "MemUsage": "" if one.memory is None else f"{size(one.memory)}{limit}",
    }


def size(count: float) -> str:
    """Give a number of bytes as people read it."""
    for unit in UNITS[:-1]:
        if count < STEP:
            return f"{count:.0f}{unit}" if unit == "B" else f"{count:.1f}{unit}"
        count /= STEP
    return f"{count:.1f}{UNITS[-1]}"
