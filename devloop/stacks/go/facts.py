"""What is always so of Go: its commands and packages."""

from __future__ import annotations

from devloop.stacks.facts import Facts, Install, names

VERSION_FILES = (".go-version", ".tool-versions")

FACTS = Facts(
    found_by=("go.mod",),
    version_files=frozenset(VERSION_FILES),
    installs=(Install(("go", "mod", "download")),),
    declares=("go.mod",),
    services={
        "redis": names("github.com/redis/go-redis github.com/go-redis/redis"),
        "postgres": names("github.com/lib/pq github.com/jackc/pgx"),
        "mysql": names("github.com/go-sql-driver/mysql"),
        "mongo": names("go.mongodb.org/mongo-driver"),
        "rabbitmq": names("github.com/rabbitmq/amqp091-go"),
    },
    served=(".go",),
    extensions=("golang.go",),
)
