"""PHP's extensions: which the official image has, which it compiles and what those need."""

from __future__ import annotations

from collections.abc import Iterable

# Of Debian's packages that they are compiled with.
_BUNDLED = {
    "bcmath": (),
    "bz2": ("libbz2-dev",),
    "calendar": (),
    "exif": (),
    "gd": ("libpng-dev", "libjpeg-dev"),
    "gettext": (),
    "gmp": ("libgmp-dev",),
    "intl": ("libicu-dev",),
    "ldap": ("libldap-dev",),
    "mysqli": (),
    "pcntl": (),
    "pdo_mysql": (),
    "pdo_pgsql": ("libpq-dev",),
    "pgsql": ("libpq-dev",),
    "shmop": (),
    "soap": ("libxml2-dev",),
    "sockets": (),
    "xsl": ("libxslt1-dev",),
    "zip": ("libzip-dev",),
}
_PECL: dict[str, tuple[str, ...]] = {
    "apcu": (),
    "imagick": ("libmagickwand-dev",),
    "memcached": ("libmemcached-dev", "zlib1g-dev", "libssl-dev"),
    "mongodb": ("libssl-dev",),
    "redis": (),
    "xdebug": (),
}


def lines(names: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Give Debian's packages and the shell line for those that the image lacks and we know."""
    asked = sorted(set(names))
    bundled = [name for name in asked if name in _BUNDLED]
    pecl = [name for name in asked if name in _PECL]
    needed = {package for name in bundled for package in _BUNDLED[name]}
    needed |= {package for name in pecl for package in _PECL[name]}
    compiled = f"docker-php-ext-install {' '.join(bundled)}" if bundled else ""
    fetched = (
        f"pecl install {' '.join(pecl)} && docker-php-ext-enable {' '.join(pecl)}" if pecl else ""
    )
    return tuple(sorted(needed)), " && ".join(filter(None, [compiled, fetched]))
