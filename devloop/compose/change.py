"""The model with what devloop changes in it, as the JSON that `docker compose -f -` reads."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from devloop.compose import rules
from devloop.compose.model import Json, Model, Mount, Service, escaped, items, table
from devloop.compose.settings import EXTENSION, Developed
from devloop.model import ContainerSpec

LABEL_CHANGE = "dev.devloop.change"
HIDDEN = {"type": "tmpfs", "tmpfs": {"size": 1 << 16, "mode": 0o555}}


@dataclass(frozen=True)
class Change:
    """What takes the place of a service's build; ``one`` is the service as it then was written.

    ``kept`` maps a kept path to its volume. ``entrypoint`` and ``command`` None stay as written;
    ``grace`` is in whole seconds; ``id`` tells this change from every other.
    """

    one: Developed
    image: str
    spec: ContainerSpec
    labels: Mapping[str, str]
    env: Mapping[str, str] = field(repr=False)
    kept: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    supervised: bool = False
    grace: int = 10

    @property
    def id(self) -> str:
        """Tell it from others, as the label of its container."""
        return hashlib.sha256(repr((self, sorted(self.env.items()))).encode()).hexdigest()[:12]


def document(model: Model, changes: Mapping[str, Change]) -> str:
    """Give the whole model with these services changed, as JSON."""
    services: dict[str, object] = {}
    volumes = dict(table(model.raw.get("volumes")))
    for name, service in model.services.items():
        change = changes.get(name)
        services[name] = _plain(service.raw)
        if change is not None:
            services[name] = _changed(change)
            for volume in change.kept.values():
                volumes[volume] = {"name": volume, "external": True}
    found = {**model.raw, "services": services}
    if volumes:
        found["volumes"] = volumes
    return json.dumps(found)


def _plain(raw: Json) -> dict[str, object]:
    """Leave out what only says how a service is developed."""
    return {key: value for key, value in raw.items() if key not in ("develop", EXTENSION)}


def _changed(change: Change) -> dict[str, object]:
    one, spec = change.one, change.spec
    raw = _plain(one.service.raw)
    raw.pop("build", None)
    labels = {**table(raw.get("labels")), **_escaped(change.labels), LABEL_CHANGE: change.id}
    raw |= {
        "image": change.image,
        "pull_policy": "never",
        "labels": labels,
        "environment": {**table(raw.get("environment")), **_escaped(change.env)},
        "volumes": [*_written(one.service, change), *_added(change)],
        "ports": [*items(raw.get("ports")), *_ports(one, spec)],
        "stop_grace_period": f"{change.grace}s",
    }
    if change.entrypoint is not None:
        raw["entrypoint"] = [escaped(word) for word in change.entrypoint]
    if change.command is not None:
        raw["command"] = [escaped(word) for word in change.command]
    if change.supervised:
        raw |= {"init": True, "stop_signal": "SIGTERM"}
    if spec.user:
        raw["user"] = f"{spec.user[0]}:{spec.user[1]}"
    if spec.memory:
        raw["mem_limit"] = str(spec.memory)
    if spec.cpus:
        raw["cpus"] = spec.cpus
    return raw


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    return {key: escaped(value) for key, value in values.items()}


def _ports(one: Developed, spec: ContainerSpec) -> Iterator[Json]:
    """Give the ports that `x-devloop` adds to those of the compose file, which stay as written."""
    for port in spec.ports[len(one.service.ports) :]:
        yield {
            "mode": "ingress",
            "target": port.container,
            "published": str(port.published),
            "host_ip": port.host,
            "protocol": "tcp",
        }


def _written(service: Service, change: Change) -> Iterator[object]:
    """Give the service's own volumes, less the anonymous ones that our kept paths replace."""
    kept = set(_kept(change))
    for raw, mount in zip(items(service.raw.get("volumes")), service.mounts, strict=True):
        if not (_anonymous(mount) and mount.target in kept):
            yield raw


def _anonymous(mount: Mount) -> bool:
    return mount.kind == "volume" and not mount.source


def _kept(change: Change) -> dict[str, str]:
    """Give the volumes of kept paths by their place in the container."""
    mount = change.spec.mount
    if mount is None:
        return {}
    return {posixpath.join(mount, path): volume for path, volume in sorted(change.kept.items())}


def _added(change: Change) -> Iterator[Json]:
    """Give the mounts that are ours, but for places that the service has taken already."""
    one, mount = change.one, change.spec.mount
    if mount is None:
        return
    taken = {found.target for found in one.service.mounts if not _anonymous(found)}
    ours = [(mount, _bind(one.build.context, mount))]
    ours.append((posixpath.join(mount, ".devloop"), HIDDEN))  # none of the app's business
    ours += [(at, {"type": "volume", "source": name}) for at, name in _kept(change).items()]
    ours += _synced(one, mount)
    for place, raw in ours:
        if place not in taken:
            taken.add(place)
            yield {**raw, "target": place}


def _synced(one: Developed, mount: str) -> Iterator[tuple[str, Json]]:
    """Mount what a sync rule puts elsewhere than the mount of the context shows it."""
    for rule in one.service.watch:
        path = rules.inside(one.build.context, rule.path)
        if path is None or not rule.action.startswith("sync") or not rule.target.startswith("/"):
            continue
        place = posixpath.normpath(rule.target)
        if place != posixpath.normpath(posixpath.join(mount, path)) and place != "/":
            yield place, _bind(rule.path, place)


def _bind(source: str, target: str) -> Json:
    return {"type": "bind", "source": escaped(source), "target": target}
