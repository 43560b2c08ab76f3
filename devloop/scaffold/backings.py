"""The services that a project's code uses, known by the packages that it depends on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from devloop.stacks import registry
from devloop.stacks.base import Detection, ManifestError, Snapshot

WORD = re.compile(r"[\w@.][\w@./-]*")
DECLARING = re.compile(
    r"(package\.json|requirements.*\.txt|pyproject\.toml|Pipfile|go\.mod|Gemfile|Cargo\.toml"
    r"|composer\.json|pom\.xml|build\.gradle(\.kts)?|.*\.[cf]sproj|mix\.exs|deno\.jsonc?)"
)
"""Files that name what a project itself asks for; a lock names everything."""


@dataclass(frozen=True)
class Backing:
    """A service that code uses: by which packages that shows, and how it is run."""

    name: str
    title: str
    image: str
    packages: frozenset[str]
    variable: str
    url: str
    health: tuple[str, ...]
    data: str
    environment: tuple[tuple[str, str], ...] = ()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BACKINGS = (
    Backing(
        "redis",
        "Redis",
        "redis:7",
        _names(
            "redis ioredis bull bullmq connect-redis django-redis rq redix jedis lettuce-core "
            "predis/predis ext-redis StackExchange.Redis github.com/redis/go-redis "
            "github.com/go-redis/redis sidekiq"
        ),
        "REDIS_URL",
        "redis://redis:6379",
        ("CMD", "redis-cli", "ping"),
        "/data",
    ),
    Backing(
        "postgres",
        "PostgreSQL",
        "postgres:17",
        _names(
            "pg postgres pg-promise psycopg psycopg2 psycopg2-binary asyncpg pg8000 postgrex "
            "postgresql Npgsql Npgsql.EntityFrameworkCore.PostgreSQL tokio-postgres ext-pgsql "
            "ext-pdo_pgsql github.com/lib/pq github.com/jackc/pgx"
        ),
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
        _names(
            "mysql mysql2 mariadb mysqlclient PyMySQL pymysql aiomysql mysql-connector-python "
            "myxql mysql-connector-j ext-mysqli ext-pdo_mysql MySql.Data MySqlConnector "
            "github.com/go-sql-driver/mysql mysql_async"
        ),
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
        _names(
            "mongodb mongoose pymongo motor mongoengine mongoid mongo mongodb_driver "
            "mongodb/mongodb mongodb-driver-sync MongoDB.Driver go.mongodb.org/mongo-driver "
            "ext-mongodb"
        ),
        "MONGODB_URL",
        "mongodb://mongo:27017/app",
        ("CMD", "mongosh", "--quiet", "--eval", "db.adminCommand('ping').ok"),
        "/data/db",
    ),
    Backing(
        "rabbitmq",
        "RabbitMQ",
        "rabbitmq:4",
        _names(
            "amqplib amqp-connection-manager pika aio-pika bunny lapin amqp amqp-client "
            "php-amqplib/php-amqplib RabbitMQ.Client github.com/rabbitmq/amqp091-go"
        ),
        "RABBITMQ_URL",
        "amqp://app:app@rabbitmq:5672",
        ("CMD", "rabbitmq-diagnostics", "-q", "ping"),
        "/var/lib/rabbitmq",
        (("RABBITMQ_DEFAULT_PASS", "app"), ("RABBITMQ_DEFAULT_USER", "app")),
    ),
)


def used(snapshot: Snapshot, detections: Sequence[Detection]) -> tuple[Backing, ...]:
    """Say which services the code uses, by what it depends on."""
    words: set[str] = set()
    for path in sorted(snapshot.contents):
        if DECLARING.fullmatch(posixpath.basename(path)):
            words |= set(_words(_fields(path, snapshot.contents[path], detections)))
    return tuple(one for one in BACKINGS if any(_takes(one, word) for word in words))


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


def _takes(one: Backing, word: str) -> bool:
    return word in one.packages or any(
        "." in name and word.startswith(f"{name}/") for name in one.packages
    )


def titles(backings: Iterable[Backing]) -> str:
    """Name services for people."""
    return " and ".join(one.title for one in backings)
