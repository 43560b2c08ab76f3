"""A project's compose.yaml as text: for `docker compose` alone, or with the services it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devloop.model import Command, ContainerSpec, Port
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

    ``inputs`` are the paths whose change builds anew; ``reload`` is what a source change does.
    """

    name: str
    dockerfile: str
    target: str
    args: Mapping[str, str]
    spec: ContainerSpec
    inputs: tuple[str, ...]
    reload: str
    env_file: str | None


def exported(one: Exported) -> str:
    """Write the project for those who don't have devloop."""
    spec = one.spec
    app: dict[str, object] = {"build": _build(one), "init": True}
    if spec.command is not None:
        app["command"] = _command(spec.command)
    if spec.ports:
        app["ports"] = [_port(port) for port in spec.ports]
    if spec.env:
        app["environment"] = dict(spec.env)
    if one.env_file:
        app["env_file"] = one.env_file
    app["stop_grace_period"] = f"{spec.stop_grace:g}s"
    if spec.memory:
        app["mem_limit"] = spec.memory
    if spec.cpus:
        app["cpus"] = spec.cpus
    app["develop"] = {"watch": _watch(one)}
    head = "# Written by `devloop export compose`; run it with `docker compose up --watch`."
    return "\n".join((head, *_lines({"name": _project(one.name), "services": {APP: app}}))) + "\n"


def _build(one: Exported) -> dict[str, object]:
    build: dict[str, object] = {"context": ".", "dockerfile": one.dockerfile}
    if one.target:
        build["target"] = one.target
    if one.args:
        build["args"] = dict(one.args)
    return build


def _command(command: Command) -> list[str]:
    return ["sh", "-c", command] if isinstance(command, str) else list(command)


def _port(port: Port) -> str:
    host = f"[{port.host}]" if ":" in port.host else port.host
    return f"{host}:{port.published}:{port.container}"


def _watch(one: Exported) -> list[dict[str, object]]:
    rules: list[dict[str, object]] = [
        {"action": "rebuild", "path": path} for path in (one.dockerfile, *one.inputs)
    ]
    if one.spec.mount is None:
        return rules or [{"action": "rebuild", "path": "."}]
    sync: dict[str, object] = {
        "action": "sync" if one.reload == "none" else "sync+restart",
        "path": ".",
        "target": one.spec.mount,
    }
    ignored = [f"{path}/" for path in (".devloop", ".git", *one.spec.keep)]
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
