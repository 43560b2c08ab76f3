"""What is always so of Java: its files and packages."""

from __future__ import annotations

from devloop.stacks.facts import Facts, names
from devloop.stacks.java.maven import POM

VERSION_FILES = (".java-version", ".sdkmanrc", "system.properties", ".tool-versions")

FACTS = Facts(
    found_by=(POM, "build.gradle"),
    version_files=frozenset(VERSION_FILES),
    declares=(POM, "build.gradle", "build.gradle.kts"),
    services={
        "redis": names("jedis lettuce-core"),
        "postgres": names("postgresql"),
        "mysql": names("mysql-connector-j"),
        "mongo": names("mongodb-driver-sync"),
        "rabbitmq": names("amqp-client"),
    },
    extensions=("vscjava.vscode-java-pack",),
)
