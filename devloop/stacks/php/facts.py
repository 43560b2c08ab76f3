"""What is always so of PHP: its locks, commands and packages."""

from __future__ import annotations

from devloop.stacks.facts import Facts, Install, names

COMPOSER = "composer.json"
LOCK = "composer.lock"

FACTS = Facts(
    found_by=(COMPOSER, "index.php"),
    locks=names(LOCK),
    version_files=names(".php-version"),
    installs=(Install(("composer", "install")),),
    declares=(COMPOSER,),
    services={
        "redis": names("predis/predis ext-redis"),
        "postgres": names("ext-pgsql ext-pdo_pgsql"),
        "mysql": names("ext-mysqli ext-pdo_mysql"),
        "mongo": names("mongodb/mongodb ext-mongodb"),
        "rabbitmq": names("php-amqplib/php-amqplib"),
    },
    extensions=("bmewburn.vscode-intelephense-client",),
)
