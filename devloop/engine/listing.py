"""Lists the project's containers, with their state, processor and memory."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from devloop.engine import containers, images
from devloop.engine.client import Engine
from devloop.engine.containers import Bound, ListedContainer
from devloop.errors import RefusedError, UserError
from devloop.model import APP, LABEL_SERVICE, Project

SUPERVISED = ("sh", "-c")
NONCE_AT = 4


@dataclass(frozen=True)
class Resident:
    """A container; ``state`` and ``status`` are the engine's words, memory is in bytes.

    ``cpu`` is in percent of one processor; it and the memory are None unless measured.
    """

    id: str
    name: str
    service: str
    image: str
    state: str
    status: str
    ports: tuple[str, ...]
    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None


def residents(engine: Engine, project: Project, service: str = "") -> tuple[Resident, ...]:
    """List the containers, running ones first; raises ``UserError`` for a service without any."""
    names = _image_names(engine, project)
    found = [_resident(one, names) for one in containers.of_project(engine, project)]
    if service and all(one.service != service for one in found):
        there = ", ".join(sorted({one.service for one in found})) or "none at all"
        raise UserError(f"there is no container of a service `{service}`", hint=f"there is {there}")
    chosen = [one for one in found if not service or one.service == service]
    return tuple(sorted(chosen, key=lambda one: (one.state != "running", one.service, one.name)))


def _image_names(engine: Engine, project: Project) -> Mapping[str, str]:
    """Name the project's images by their IDs: containers are made of IDs."""
    found = images.of_project(engine, project)
    return {one.id: name for one in found for name in one.names}


def _resident(found: ListedContainer, names: Mapping[str, str]) -> Resident:
    return Resident(
        id=found.id,
        name=found.name,
        service=found.labels.get(LABEL_SERVICE) or APP,
        image=names.get(found.image_id, found.image.removeprefix("sha256:")[:12]),
        state=found.state,
        status=found.status,
        ports=tuple(sorted({_port(one) for one in found.ports})),
    )


def _port(found: Bound) -> str:
    inner = f"{found.container}/{found.protocol}"
    if not found.published:
        return inner
    host = f"[{found.host}]" if ":" in found.host else found.host
    return f"{host}:{found.published}->{inner}"


def running(engine: Engine, project: Project, service: str = "") -> Resident:
    """Give the one running container that is meant; raises ``UserError`` if there is none."""
    found = [one for one in residents(engine, project, service) if one.state == "running"]
    if not found:
        raise UserError("no container of this project runs", hint="start it with `devloop up`")
    names = {one.service for one in found}
    if len(names) > 1:
        hint = f"name one with --service: {', '.join(sorted(names))}"
        raise UserError("several services run", hint=hint)
    return found[0]


def measured(engine: Engine, found: tuple[Resident, ...]) -> tuple[Resident, ...]:
    """Measure processor and memory of those that run; takes the engine one to two seconds."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(pool.map(lambda one: _measured(engine, one), found))


def _measured(engine: Engine, one: Resident) -> Resident:
    if one.state != "running":
        return one
    try:
        now = engine.get(f"/containers/{one.id}/stats", stream="false")
        memory = now["memory_stats"]
        cache = (memory.get("stats") or {}).get("inactive_file", 0)
        used = max(0, int(memory["usage"]) - int(cache))
        return replace(one, cpu=_percent(now), memory=used, memory_limit=int(memory["limit"]))
    except (RefusedError, KeyError):  # it ended in between
        return one


def _percent(now: Mapping[str, Any]) -> float:
    """Give the share of one processor as `docker stats` does."""
    after, before = now["cpu_stats"], now["precpu_stats"]
    used = after["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    total = after.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    count = after.get("online_cpus") or 1
    return round(100.0 * used / total * count, 2) if total > 0 and used > 0 else 0.0


def nonce(engine: Engine, container: str) -> str:
    """Give the mark of the supervisor's own lines, empty where there is none."""
    argv = containers.inspect(engine, container).entrypoint
    return str(argv[NONCE_AT]) if argv[:2] == SUPERVISED and len(argv) > NONCE_AT else ""
