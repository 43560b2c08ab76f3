"""The model with what devloop changes in it, as the JSON that `docker compose -f -` reads."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devloop.compose import rules
from devloop.compose.model import Json, Model, Service, ServiceMount, escaped, items, table
from devloop.compose.settings import EXTENSION, Developed
from devloop.container_settings import ContainerSettings, MountKind, Pairs
from devloop.container_settings import Mount as Ours

LABEL_CHANGE = "dev.devloop.change"


@dataclass(frozen=True)
class ServiceChange:
    """What takes the place of a service's build; ``one`` is the service as it then was written.

    What the settings leave open stays as written; ``id`` tells this change from every other.
    """

    one: Developed
    settings: ContainerSettings

    @property
    def id(self) -> str:
        """Tell it from others, as the label of its container."""
        text = repr((self, sorted(self.settings.env)))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def document(model: Model, changes: Mapping[str, ServiceChange]) -> str:
    """Give the whole model with these services changed, as JSON."""
    services: dict[str, object] = {}
    volumes = dict(table(model.raw.get("volumes")))
    for name, service in model.services.items():
        change = changes.get(name)
        services[name] = _plain(service.raw)
        if change is not None:
            services[name] = _changed(change)
            for volume in change.settings.volumes():
                volumes[volume] = {"name": volume, "external": True}
    found = {**model.raw, "services": services}
    if volumes:
        found["volumes"] = volumes
    return json.dumps(found)


def _plain(raw: Json) -> dict[str, object]:
    """Leave out what only says how a service is developed."""
    return {key: value for key, value in raw.items() if key not in ("develop", EXTENSION)}


def _changed(change: ServiceChange) -> dict[str, object]:
    one, settings = change.one, change.settings
    raw = _plain(one.service.raw)
    raw.pop("build", None)
    labels = {**table(raw.get("labels")), **_escaped(settings.labels), LABEL_CHANGE: change.id}
    raw |= {
        "image": settings.image,
        "pull_policy": "never",
        "labels": labels,
        "environment": {**table(raw.get("environment")), **_escaped(settings.env)},
        "volumes": [*_written(one.service, settings), *_added(one, settings)],
        "ports": [*items(raw.get("ports")), *_ports(one, settings)],
    }
    return raw | dict(_scalars(settings))


def _scalars(settings: ContainerSettings) -> Iterator[tuple[str, object]]:
    """Give what takes the place of what is written, or leaves it where the settings say nothing."""
    if settings.stop_timeout is not None:
        yield "stop_grace_period", f"{max(1, round(settings.stop_timeout))}s"
    if settings.entrypoint is not None:
        yield "entrypoint", [escaped(word) for word in settings.entrypoint]
    if settings.command is not None:
        yield "command", [escaped(word) for word in settings.command]
    if settings.memory:
        yield "mem_limit", str(settings.memory)
    given = {
        "init": settings.init,
        "stop_signal": settings.stop_signal,
        "user": settings.user_text,
        "cpus": settings.cpus,
        "stdin_open": settings.stdin,
        "network_mode": settings.network,
    }
    yield from ((key, value) for key, value in given.items() if value)


def _escaped(values: Pairs) -> dict[str, str]:
    return {key: escaped(value) for key, value in values}


def _ports(one: Developed, settings: ContainerSettings) -> Iterator[Json]:
    """Give the ports that `x-devloop` adds to those of the compose file, which stay as written."""
    for port in settings.ports[len(one.service.ports) :]:
        yield {
            "mode": "ingress",
            "target": port.container,
            "published": str(port.published),
            "host_ip": port.host,
            "protocol": "tcp",
        }


def _written(service: Service, settings: ContainerSettings) -> Iterator[object]:
    """Give the service's own volumes, less the anonymous ones that our kept paths replace."""
    kept = {one.target for one in settings.mounts if one.kind is MountKind.VOLUME}
    for raw, mount in zip(items(service.raw.get("volumes")), service.mounts, strict=True):
        if not (_anonymous(mount) and mount.target in kept):
            yield raw


def _anonymous(mount: ServiceMount) -> bool:
    return mount.kind == "volume" and not mount.source


def _added(one: Developed, settings: ContainerSettings) -> Iterator[Json]:
    """Give the mounts that are ours, but for places that the service has taken already."""
    taken = {found.target for found in one.service.mounts if not _anonymous(found)}
    shown = [mount.target for mount in settings.mounts if mount.kind is MountKind.BIND]
    for mount in (*settings.mounts, *(rule for place in shown for rule in _synced(one, place))):
        if mount.target not in taken:
            taken.add(mount.target)
            yield _mount(mount)


def _mount(one: Ours) -> Json:
    found: dict[str, object] = {"type": one.kind.value}
    if one.source:
        found["source"] = escaped(one.source) if one.kind is MountKind.BIND else one.source
    if one.read_only:
        found["read_only"] = True
    if one.size:
        found["tmpfs"] = {"size": one.size, "mode": one.mode}
    return {**found, "target": one.target}


def _synced(one: Developed, shown: str) -> Iterator[Ours]:
    """Mount what a sync rule puts elsewhere than the mount of the context shows it."""
    for rule in one.service.watch:
        path = rules.inside(one.build.context, rule.path)
        if path is None or not rule.action.startswith("sync") or not rule.target.startswith("/"):
            continue
        place = posixpath.normpath(rule.target)
        if place != posixpath.normpath(posixpath.join(shown, path)) and place != "/":
            yield Ours(MountKind.BIND, rule.path, place)
