"""The services that a project's code uses, known by the packages that it depends on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from devloop.stacks import registry
from devloop.stacks.base import Detection, ManifestError, Snapshot
from devloop.stacks.facts import Service

WORD = re.compile(r"[\w@.][\w@./-]*")


@dataclass(frozen=True)
class Backing:
    """A service that code uses, and how it is run."""

    name: Service
    title: str
    image: str
    variable: str
    url: str
    health: tuple[str, ...]
    data: str
    environment: tuple[tuple[str, str], ...] = ()


BACKINGS = (
    Backing(
        "redis",
        "Redis",
        "redis:7",
        "REDIS_URL",
        "redis://redis:6379",
        ("CMD", "redis-cli", "ping"),
        "/data",
    ),
    Backing(
        "postgres",
        "PostgreSQL",
        "postgres:17",
        "DATABASE_URL",
        "postgresql://app:app@postgres:5432/app",
        ("CMD", "pg_isready", "-U", "app"),
        "/var/lib/postgresql/data",
        (("POSTGRES_DB", "app"), ("POSTGRES_PASSWORD", "app"), ("POSTGRES_USER", "app")),
    ),
    Backing(
        "mysql",
        "MySQL",
        "mysql:8.4",
        "MYSQL_URL",
        "mysql://app:app@mysql:3306/app",
        ("CMD", "mysqladmin", "ping", "--silent", "-h", "127.0.0.1", "-uapp", "-papp"),
        "/var/lib/mysql",
        (
            ("MYSQL_DATABASE", "app"),
            ("MYSQL_PASSWORD", "app"),
            ("MYSQL_RANDOM_ROOT_PASSWORD", "1"),
            ("MYSQL_USER", "app"),
        ),
    ),
    Backing(
        "mongo",
        "MongoDB",
        "mongo:8",
        "MONGODB_URL",
        "mongodb://mongo:27017/app",
        ("CMD", "mongosh", "--quiet", "--eval", "db.adminCommand('ping').ok"),
        "/data/db",
    ),
    Backing(
        "rabbitmq",
        "RabbitMQ",
        "rabbitmq:4",
        "RABBITMQ_URL",
        "amqp://app:app@rabbitmq:5672",
        ("CMD", "rabbitmq-diagnostics", "-q", "ping"),
        "/var/lib/rabbitmq",
        (("RABBITMQ_DEFAULT_PASS", "app"), ("RABBITMQ_DEFAULT_USER", "app")),
    ),
)


def used(snapshot: Snapshot, detections: Sequence[Detection]) -> tuple[Backing, ...]:
    """Say which services the code uses, by what it depends on."""
    found = {
        one.name
        for path in sorted(snapshot.contents)
        for facts in registry.declaring(path)
        for word in _words(_fields(path, snapshot.contents[path], detections))
        for one in BACKINGS
        if facts.uses(one.name, word)
    }
    return tuple(one for one in BACKINGS if one.name in found)


def _fields(path: str, content: bytes, detections: Sequence[Detection]) -> object:
    try:
        return registry.fields(path, content, detections)
    except ManifestError:
        return None


def _words(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _words(key)
            yield from _words(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _words(one)
    elif isinstance(value, str):
        yield from WORD.findall(value)


def titles(backings: Iterable[Backing]) -> str:
    """Name services for people."""
    return " and ".join(one.title for one in backings)
