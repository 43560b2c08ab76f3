"""The resolved model that `docker compose config --format json` gives, as frozen values.

Compose has merged, interpolated and checked it; what is read here is what devloop decides upon,
``raw`` is all of it. A ``$`` is written ``$$`` there. Values of odd types count as absent.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from devloop.errors import UserError
from devloop.model import Port

Json: TypeAlias = Mapping[str, object]

DEFAULT_GRACE = 10.0
PLAIN_BUILD = frozenset(
    {"context", "dockerfile", "target", "args", "labels", "tags", "pull", "no_cache", "cache_from"}
    | {"cache_to", "platforms"}
)
"""What a service's build may say for devloop to build it; the rest is left to Compose."""
DURATION = re.compile(r"([0-9.]+)(h|ms|us|µs|ns|m|s)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
DONE = "service_completed_successfully"


@dataclass(frozen=True)
class ServiceBuild:
    """How a service's image is built; ``dockerfile`` is relative to the absolute ``context``."""

    context: str
    dockerfile: str | None = None
    target: str | None = None
    args: tuple[tuple[str, str], ...] = ()
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceMount:
    """A volume of a service: ``kind`` is bind, volume, tmpfs or another; anonymous: no source."""

    kind: str
    source: str
    target: str


@dataclass(frozen=True)
class Dependency:
    """A service that another one waits for; ``restart``: it is restarted along with it."""

    name: str
    condition: str = "service_started"
    restart: bool = False


@dataclass(frozen=True)
class WatchRule:
    """One of ``develop.watch``; ``path`` is absolute, the last four are of sync+exec's command."""

    path: str
    action: str
    target: str = ""
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    command: tuple[str, ...] | str = ()
    workdir: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""


@dataclass(frozen=True)
class Service:
    """One service; ``entrypoint`` and ``command`` None are the image's, ``grace`` is in seconds."""

    name: str
    build: ServiceBuild | None = None
    ports: tuple[Port, ...] = ()
    mounts: tuple[ServiceMount, ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    depends_on: tuple[Dependency, ...] = ()
    watch: tuple[WatchRule, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    user: str = ""
    stop_signal: str = ""
    grace: float = DEFAULT_GRACE
    replicas: int = 1
    raw: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Model:
    """A Compose project."""

    name: str
    services: Mapping[str, Service] = field(default_factory=dict)
    raw: Json = field(default_factory=dict, repr=False)

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """Give these services and all that they depend on."""
        found: set[str] = set()
        todo = [name for name in names if name in self.services]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [one.name for one in self.services[name].depends_on]
                todo = [one for one in todo if one in self.services]
        return frozenset(found)

    def check(self, names: Iterable[str]) -> None:
        """Raise ``UserError`` for a name that is no service's."""
        unknown = [name for name in names if name not in self.services]
        if unknown:
            known = ", ".join(sorted(self.services)) or "none"
            raise UserError(f"there is no service {unknown[0]}", hint=f"there are: {known}")

    def workplace(self, folder: str, names: Iterable[str]) -> str:
        """Name the service of these whose container runs the project's jobs, empty if none does.

        It has the whole folder of the project, and is not one that ends.
        """
        builds = ((name, self.services[name].build) for name in sorted(names))
        have = (name for name, build in builds if build and build.context == folder)
        return next((name for name in have if not self.one_shot(name)), "")

    def dependents(self, name: str) -> tuple[str, ...]:
        """List the services that ask to be restarted when this one is made anew."""
        return tuple(
            one.name
            for one in self.services.values()
            if any(on.name == name and on.restart for on in one.depends_on)
        )

    def one_shot(self, name: str) -> bool:
        """Say whether a service is one that others wait for to end."""
        return any(
            on.name == name and on.condition == DONE
            for one in self.services.values()
            for on in one.depends_on
        )


def parse(document: object) -> Model:
    """Read the model; never raises."""
    raw = table(document)
    named = sorted(table(raw.get("services")).items())
    services = {name: service(name, table(value)) for name, value in named}
    return Model(text(raw.get("name")) or "project", services, raw)


def service(name: str, raw: Json) -> Service:
    """Read one service."""
    deploy = table(raw.get("deploy"))
    scale = raw.get("scale", deploy.get("replicas"))
    return Service(
        name=name,
        build=_build(table(raw.get("build"))) if raw.get("build") else None,
        ports=tuple(_ports(items(raw.get("ports")))),
        mounts=tuple(_mounts(items(raw.get("volumes")))),
        environment=_pairs(raw.get("environment")),
        depends_on=tuple(_depends(table(raw.get("depends_on")))),
        watch=tuple(_watch(items(table(raw.get("develop")).get("watch")))),
        entrypoint=_words(raw.get("entrypoint")),
        command=_words(raw.get("command")) or None,
        user=text(raw.get("user")),
        stop_signal=text(raw.get("stop_signal")).removeprefix("SIG"),
        grace=seconds(text(raw.get("stop_grace_period"))),
        replicas=scale if isinstance(scale, int) else 1,
        raw=raw,
    )


def table(value: object) -> Json:
    """Give a mapping, empty if it is none."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> tuple[object, ...]:
    """Give a list's values, none if it is no list."""
    return tuple(value) if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    """Give a scalar's text with its dollars as they are meant, empty if it is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("$$", "$") if isinstance(value, str | int | float) else ""


def escaped(value: str) -> str:
    """Write a text so that Compose, which interpolates what it reads, takes it as it is."""
    return value.replace("$", "$$")


def seconds(written: str) -> float:
    """Read a duration such as ``1m30s``; Compose's own where there is none."""
    parts = DURATION.findall(written)
    try:
        found = sum(float(number) * SECONDS[unit] for number, unit in parts)
    except ValueError:
        return DEFAULT_GRACE
    return found if parts else DEFAULT_GRACE


def _build(raw: Json) -> ServiceBuild:
    return ServiceBuild(
        context=text(raw.get("context")),
        dockerfile=text(raw.get("dockerfile")) or None,
        target=text(raw.get("target")) or None,
        args=_pairs(raw.get("args")),
        more=tuple(sorted(key for key, value in raw.items() if key not in PLAIN_BUILD and value)),
    )


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Read names with values; one without a value is the environment's business, not ours."""
    found = table(value).items()
    return tuple(sorted((str(key), text(one)) for key, one in found if one is not None))


def _words(value: object) -> tuple[str, ...] | None:
    return None if value is None else tuple(text(one) for one in items(value))


def _ports(values: Iterable[object]) -> Iterable[Port]:
    """Read the published ports of TCP; one that the engine chooses is not known yet."""
    for value in map(table, values):
        numbers = [text(value.get(key)) for key in ("target", "published")]
        tcp = text(value.get("protocol")) in ("", "tcp")
        if tcp and all(one.isascii() and one.isdigit() for one in numbers):
            host = text(value.get("host_ip")) or "0.0.0.0"  # noqa: S104 - as Compose publishes it
            yield Port(int(numbers[0]), int(numbers[1]), host)


def _mounts(values: Iterable[object]) -> Iterable[ServiceMount]:
    for value in map(table, values):
        target = posixpath.normpath(text(value.get("target")) or "/")
        yield ServiceMount(text(value.get("type")), text(value.get("source")), target)


def _depends(raw: Json) -> Iterable[Dependency]:
    for name, value in sorted(raw.items()):
        one = table(value)
        condition = text(one.get("condition")) or "service_started"
        yield Dependency(str(name), condition, one.get("restart") is True)


def _watch(values: Iterable[object]) -> Iterable[WatchRule]:
    for value in map(table, values):
        run = table(value.get("exec"))
        command = run.get("command")
        yield WatchRule(
            path=text(value.get("path")),
            action=text(value.get("action")),
            target=text(value.get("target")),
            ignore=_words(value.get("ignore")) or (),
            include=_words(value.get("include")) or (),
            command=text(command) if isinstance(command, str) else _words(command) or (),
            workdir=text(run.get("working_dir")),
            environment=_pairs(run.get("environment")),
            user=text(run.get("user")),
        )
