"""PHP: Composer, Laravel, Symfony and plain folders; each request is read anew, so no reload."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.model import Command
from devloop.stacks import paths, versions
from devloop.stacks.base import Detection, Env, ManifestError, Production, Snapshot
from devloop.stacks.parse import json_object, pick, reach, string, table
from devloop.stacks.php import extensions as php_extensions
from devloop.stacks.php import facts as php_facts
from devloop.stacks.php.facts import COMPOSER, LOCK

NAME = "php"
FACTS = php_facts.FACTS
SUFFIXES = frozenset({".php"})
IGNORE = ("vendor", "storage/logs", "storage/framework/cache", "var/cache", ".phpunit.cache")
CACHE = "/root/.composer/cache"
PORT = 8000
PROD_PORT = 8080
_KEYS = frozenset(
    {
        "name",
        "version",
        "require",
        "require-dev",
        "conflict",
        "replace",
        "provide",
        "minimum-stability",
        "prefer-stable",
        "repositories",
        "extra",
        "config.platform",
        "autoload",
        "autoload-dev",
    }
)
_NAMES = frozenset({COMPOSER, LOCK, "auth.json", ".php-version"})
_INDEXES = ("public/index.php", "index.php", "web/index.php")
_PLAIN = re.compile(r"[\w./-]*")


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name Composer's files, also those of packages that lie in the project."""
    return frozenset(snapshot.present(COMPOSER, LOCK, ".php-version", *_local(snapshot)))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a PHP application is installed and served."""
    composer = COMPOSER in snapshot.paths
    root = next((paths.folder(path) for path in snapshot.present(*_INDEXES)), None)
    laravel = "artisan" in snapshot.paths
    if not composer and root is None:
        return None
    data = _read(snapshot, COMPOSER)
    version = versions.choose(versions.PHP, _version_specs(snapshot, data))
    system, prepare = php_extensions.lines(_extensions(snapshot, data))
    line = f"COMPOSER_CACHE_DIR={CACHE} composer install --no-interaction --no-scripts"
    install = line if composer else ""
    run = _run(root, laravel=laravel)
    return Detection(
        name=NAME,
        manager="composer" if composer else "",
        framework=_framework(data, laravel=laravel),
        version=version,
        image=f"php:{version}-cli",
        manifests=_manifests(snapshot) if composer else (),
        install=install,
        cache=CACHE if composer else "",
        run=run,
        port=PORT if run else None,
        reload="none",
        suffixes=SUFFIXES,
        keep=("vendor",) if composer else (),
        system=("git", "unzip", *system) if composer else (),
        prepare=prepare,
        env=_env(composer=composer),
        ignore=(*IGNORE, *snapshot.present("auth.json")),
        needs_source=_needs_source(data),
        secrets=snapshot.present("auth.json") if composer else (),
        production=_production(version, root, system, prepare, install),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a PHP project."""
    return paths.name(path) in _NAMES and "vendor/" not in path


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a composer.json, the keys of Composer's own hash among them."""
    del manager
    return pick(json_object(content), _KEYS) if paths.name(path) == COMPOSER else None


def _read(snapshot: Snapshot, path: str) -> dict[str, object]:
    try:
        return json_object(snapshot.contents.get(path, b"{}"))
    except ManifestError:
        return {}


def _local(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the composer.json of the repositories that are folders of the project."""
    listed = _read(snapshot, COMPOSER).get("repositories")
    items = list(table(listed).values()) or (listed if isinstance(listed, list) else [])
    local = [item for item in items if string(table(item).get("type")) == "path"]
    patterns = [paths.join("", string(table(item).get("url"))) or "" for item in local]
    suffix = f"/{COMPOSER}"
    folders = [path.removesuffix(suffix) for path in snapshot.paths if path.endswith(suffix)]
    return tuple(item + suffix for item in paths.matching(filter(None, patterns), folders))


def _manifests(snapshot: Snapshot) -> tuple[str, ...]:
    named = (COMPOSER, LOCK, "auth.json", ".php-version", *_local(snapshot))
    return tuple(sorted(snapshot.present(*named)))


def _needs_source(data: Mapping[str, object]) -> bool:
    """Say whether the install looks through folders of the project for classes."""
    return any(reach(data, key, "classmap") for key in ("autoload", "autoload-dev"))


def _extensions(snapshot: Snapshot, data: Mapping[str, object]) -> frozenset[str]:
    """Give the names of the extensions that the project and what is locked require."""
    lock = _read(snapshot, LOCK)
    locked = [lock.get("packages"), lock.get("packages-dev")]
    packages = [item for value in locked if isinstance(value, list) for item in value]
    required = [reach(item, "require") for item in (data, *packages)]
    names = {name for value in (*required, data.get("require-dev")) for name in table(value)}
    return frozenset(name.removeprefix("ext-") for name in names if name.startswith("ext-"))


def _framework(data: Mapping[str, object], *, laravel: bool) -> str:
    required = table(data.get("require"))
    if laravel or "laravel/framework" in required:
        return "laravel"
    known = {"symfony/framework-bundle": "symfony", "slim/slim": "slim"}
    return next((name for package, name in known.items() if package in required), "")


def _run(root: str | None, *, laravel: bool) -> Command:
    address = f"0.0.0.0:{PORT}"
    if laravel:
        return ("php", "artisan", "serve", "--host=0.0.0.0", f"--port={PORT}")
    if root is None:
        return ()
    return ("php", "-S", address, "-t", root) if root else ("php", "-S", address)


def _env(*, composer: bool) -> tuple[Env, ...]:
    return (Env("COMPOSER_ALLOW_SUPERUSER", "1"),) if composer else ()


def _production(
    version: str, root: str | None, system: tuple[str, ...], prepare: str, install: str
) -> Production:
    """Ship on Apache, on a port that any user may open."""
    document = f"/app/{root or ''}".rstrip("/")
    site = (
        f"sed -i 's!/var/www/html!{document}!g; s!/var/www/!/app/!g; s!:80>!:{PROD_PORT}>!' "
        "/etc/apache2/sites-available/*.conf /etc/apache2/apache2.conf "
        "/etc/apache2/conf-available/*.conf"
    )
    listening = f"sed -i 's!^Listen 80$!Listen {PROD_PORT}!' /etc/apache2/ports.conf"
    lines = [prepare, site, listening, "a2enmod rewrite"]
    return Production(
        install=f"{install} --no-dev --optimize-autoloader" if install else "",
        run=("apache2-foreground",) if root is not None else (),
        port=PROD_PORT if root is not None else None,
        image=f"php:{version}-apache",
        system=system,
        setup=" \\\n    && ".join(filter(None, lines)),
    )


def _version_specs(snapshot: Snapshot, data: Mapping[str, object]) -> list[str]:
    """Give what the project says of PHP's version, the most binding first."""
    specs = [
        snapshot.text(".php-version").strip(),
        string(reach(data, "config", "platform", "php")),
        string(reach(data, "require", "php")).replace("|", "||").replace("||||", "||"),
    ]
    return [spec for spec in specs if spec]
