"""A service of the model as a project of devloop's own: which build, mount, environment, rules."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from devloop.compose import rules
from devloop.compose.model import Json, Model, Service, ServiceBuild, table
from devloop.config import load
from devloop.config.settings import AppSettings, Config, Watch
from devloop.model import ByItself, ContainerSpec, Project
from devloop.yaml.nodes import YamlNode

EXTENSION = "x-devloop"
OURS = frozenset({"build", "develop", "image", "depends_on", EXTENSION})
"""What a service may change in without its container being made anew for it."""


@dataclass(frozen=True)
class Developed:
    """A service that devloop develops; ``notices`` are worth telling once."""

    service: Service
    build: ServiceBuild
    project: Project
    config: Config
    notices: tuple[str, ...] = field(default=(), compare=False)

    def spec(self, spec: ContainerSpec) -> ContainerSpec:
        """Complete what the container is made of: a service's own user stays in force."""
        user = None if self.service.user else spec.user
        return replace(spec, user=user, rest=_rest(self.service.raw))


def developed(
    model: Model, folder: str, extensions: Mapping[str, YamlNode], watch: Watch
) -> dict[str, Developed]:
    """Give the services that devloop develops.

    ``extensions`` are the services' ``x-devloop``, ``watch`` is how all of them are watched.
    Raises ``ConfigError`` if one is wrong.
    """
    found: dict[str, Developed] = {}
    first: dict[ServiceBuild, str] = {}
    for name, service in model.services.items():
        build = service.build
        if build is None or left(service):
            continue
        first.setdefault(build, name)
        project = Project(build.context, first[build], folder, name)
        config = _config(service, build, extensions.get(name))
        config = _once(config) if model.one_shot(name) else replace(config, watch=watch)
        told = tuple(rules.told(service, build.context))
        found[name] = Developed(service, build, project, config, told)
    return found


def left(service: Service) -> str:
    """Say why a service that has a build is left to Compose; empty if it is not."""
    build = service.build
    if build is None:
        return ""
    if not build.context.startswith("/"):
        return f"its build context {build.context} is no folder of this machine"
    if build.more:
        return f"build.{build.more[0]} is something that devloop does not build with"
    if rules.inside(build.context, _dockerfile(build)) is None:
        return f"its Dockerfile {build.dockerfile} is outside the build context"
    if service.replicas != 1:
        return f"it runs {service.replicas} times"
    return ""


def lefts(model: Model) -> tuple[str, ...]:
    """Say which services with a build are left to Compose, and why."""
    found = ((name, left(service)) for name, service in model.services.items())
    return tuple(f"{name} runs as Compose builds it: {why}" for name, why in found if why)


def _dockerfile(build: ServiceBuild) -> str:
    return posixpath.join(build.context, build.dockerfile or "Dockerfile")


def _config(service: Service, build: ServiceBuild, extension: YamlNode | None) -> Config:
    said = load.extension(extension, "compose.yaml") if extension is not None else AppSettings()
    keys = extension.value if extension is not None else {}
    graceful = isinstance(keys, Mapping) and "stop-grace" in keys
    found = rules.of(service, build.context)
    dockerfile = build.dockerfile if build.dockerfile != "Dockerfile" else None
    app = replace(
        said,
        dockerfile=said.dockerfile or (dockerfile and _below(build, dockerfile)),
        target=said.target or build.target,
        build_args=tuple(sorted({**dict(build.args), **dict(said.build_args)}.items())),
        run=said.run or service.command,
        mount=said.mount or _mounted(service, build),
        ports=(*service.ports, *(said.ports or ())),
        env=tuple(sorted({**dict(service.environment), **dict(said.env)}.items())),
        manifests=(*said.manifests, *rules.manifests(found)),
        stop_grace=said.stop_grace if graceful else service.grace,
    )
    return Config(name=service.name, app=app, rules=found)


def _once(config: Config) -> Config:
    """Let a save not run again what others wait for to end; a new image does."""
    app = replace(config.app, reload=config.app.reload or ByItself())
    return replace(config, app=app, watch=Watch(paths=()), rules=())


def _below(build: ServiceBuild, dockerfile: str) -> str:
    return posixpath.relpath(posixpath.join(build.context, dockerfile), build.context)


def _mounted(service: Service, build: ServiceBuild) -> str | None:
    """Find where the compose file itself mounts the build context."""
    places = (
        one.target
        for one in service.mounts
        if one.kind == "bind" and one.source.rstrip("/") == build.context.rstrip("/")
    )
    return next(places, None)


def _rest(raw: Json) -> str:
    """Hash what else the compose file says of a service."""
    found = {key: value for key, value in table(raw).items() if key not in OURS}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]
