"""A project's compose.yaml as text: for `docker compose` alone, or with the services it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devloop.container_settings import ContainerSettings
from devloop.model import Port
from devloop.scaffold import quote
from devloop.scaffold.backings import Backing

FILE = "compose.yaml"
APP = "app"
PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./-]*")


def with_services(
    name: str, port: int | None, backings: Sequence[Backing], *, target: str = "dev"
) -> str:
    """Write the compose.yaml of an app and the services that it uses."""
    app: dict[str, object] = {"build": {"context": ".", "target": target}}
    if port:
        app["ports"] = [f"127.0.0.1:{port}:{port}"]
    app["environment"] = {one.variable: one.url for one in backings}
    app["depends_on"] = {one.name: {"condition": "service_healthy"} for one in backings}
    services: dict[str, object] = {APP: app}
    for one in backings:
        services[one.name] = _service(one)
    volumes: dict[str, object] = {one.name: {} for one in backings}
    head = "# The app and what it uses: `devloop up` develops it, `docker compose up` runs it."
    found = {"name": _project(name), "services": services, "volumes": volumes}
    return "\n".join((head, *_lines(found))) + "\n"


def _service(one: Backing) -> dict[str, object]:
    service: dict[str, object] = {"image": one.image}
    if one.environment:
        service["environment"] = dict(one.environment)
    service["volumes"] = [f"{one.name}:{one.data}"]
    service["healthcheck"] = {"test": list(one.health), "interval": "1s", "retries": 60}
    return service


@dataclass(frozen=True)
class Exported:
    """What of a single-app project goes into a compose.yaml.

    ``inputs`` are the paths whose change builds anew; ``reload`` is what a source change does;
    ``mount`` and ``keep`` are where the source lies in the container, and what of it is not synced.
    """

    name: str
    dockerfile: str
    target: str
    args: Mapping[str, str]
    settings: ContainerSettings
    mount: str | None
    keep: tuple[str, ...]
    inputs: tuple[str, ...]
    reload: str
    env_file: str | None


def exported(one: Exported) -> str:
    """Write the project for those who don't have devloop."""
    app = {"build": _build(one), **_settings(one), "develop": {"watch": _watch(one)}}
    head = "# Written by `devloop export compose`; run it with `docker compose up --watch`."
    return "\n".join((head, *_lines({"name": _project(one.name), "services": {APP: app}}))) + "\n"


def _build(one: Exported) -> dict[str, object]:
    build: dict[str, object] = {"context": ".", "dockerfile": one.dockerfile}
    if one.target:
        build["target"] = one.target
    if one.args:
        build["args"] = dict(one.args)
    return build


def _settings(one: Exported) -> dict[str, object]:
    """Write what the app's container is made of, but for its image, which is built."""
    it, grace = one.settings, one.settings.stop_timeout
    found: dict[str, object] = {
        "init": it.init,
        "entrypoint": list(it.entrypoint) if it.entrypoint is not None else None,
        "command": list(it.command) if it.command is not None else None,
        "ports": [_port(port) for port in it.ports] or None,
        "environment": dict(it.env) or None,
        "env_file": one.env_file,
        "labels": dict(it.labels) or None,
        "user": it.user_text,
        "stop_signal": it.stop_signal,
        "stop_grace_period": None if grace is None else f"{grace:g}s",
        "mem_limit": it.memory,
        "cpus": it.cpus,
        "stdin_open": it.stdin,
        "network_mode": it.network,
    }
    return {key: value for key, value in found.items() if value or isinstance(value, list)}


def _port(port: Port) -> str:
    host = f"[{port.host}]" if ":" in port.host else port.host
    return f"{host}:{port.published}:{port.container}"


def _watch(one: Exported) -> list[dict[str, object]]:
    rules: list[dict[str, object]] = [
        {"action": "rebuild", "path": path} for path in (one.dockerfile, *one.inputs)
    ]
    if one.mount is None:
        return rules or [{"action": "rebuild", "path": "."}]
    sync: dict[str, object] = {
        "action": "sync" if one.reload == "none" else "sync+restart",
        "path": ".",
        "target": one.mount,
    }
    ignored = [f"{path}/" for path in (".devloop", ".git", *one.keep)]
    return [*rules, {**sync, "ignore": ignored}]


def _project(name: str) -> str:
    """Give a name that Compose accepts."""
    found = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return found or APP


def _lines(value: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Write a mapping as YAML blocks; short lists stand in one line."""
    for key, one in value.items():
        name = key if PLAIN.fullmatch(key) else _text(key)
        if isinstance(one, Mapping) and one:
            yield f"{indent}{name}:"
            yield from _lines(one, f"{indent}  ")
        elif isinstance(one, list) and one and isinstance(one[0], Mapping):
            yield f"{indent}{name}:"
            for item in one:
                first, *rest = _lines(item, f"{indent}    ")
                yield f"{indent}  - {first.strip()}"
                yield from rest
        else:
            yield f"{indent}{name}: {_scalar(one)}"


def _scalar(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list):
        return f"[{', '.join(_scalar(one) for one in value)}]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(value: str) -> str:
    """Quote a text; Compose would take a single dollar for a variable."""
    return quote.yaml_string(value.replace("$", "$$"))
