"""A folder of files that need no server of their own: nginx shows them as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.stacks.base import Detection, Production, Snapshot
from devloop.stacks.facts import Facts, Server

NAME = "static"
VERSION = "1.26"
PORT = 8080
SUFFIXES = frozenset({".html", ".css", ".js"})
FACTS = Facts(
    found_by=("index.html",),
    servers=(Server(r"\bhugo server\b", r"--bind", "--bind 0.0.0.0"),),
)
_ROOT = re.compile(r"^root:[ \t]*['\"]?([\w./-]+?)/?['\"]?[ \t\r]*$", re.MULTILINE)
_CONF = "/etc/nginx/site.conf"
_RUN = ("nginx", "-c", _CONF, "-g", "daemon off;")
_TEMPORARY = " ".join(
    f"{kind}_temp_path /tmp/{kind};"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the file that may say where the site is."""
    return frozenset(snapshot.present("Staticfile"))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say which folder is served, if one with files for a browser is there."""
    root = _root(snapshot)
    if root is None:
        return None
    return Detection(
        name=NAME,
        manager="",
        framework="",
        version=VERSION,
        image=f"nginx:{VERSION}",
        manifests=(),
        install="",
        cache="",
        run=_RUN,
        port=PORT,
        reload="none",
        suffixes=SUFFIXES,
        prepare=_configure(root),
        production=Production(run=_RUN, port=PORT),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file is a manifest: a static site has none."""
    del path
    return False


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give nothing: a static site has no dependencies."""
    del path, content, manager
    return None


def _root(snapshot: Snapshot) -> str | None:
    named = _ROOT.search(snapshot.text("Staticfile"))
    if named and ".." not in named[1]:
        return named[1].removeprefix("./").strip("/")
    if "Staticfile" in snapshot.paths or "index.html" in snapshot.paths:
        return ""
    return "public" if "public/index.html" in snapshot.paths else None


def _configure(root: str) -> str:
    """Write a configuration that any user can serve by, on a port that any user may open."""
    folder = f"/app/{root}".rstrip("/")
    server = (
        f"server {{ listen {PORT}; root {folder}; index index.html; "
        "add_header Cache-Control no-cache; "
        "location ~ /[.] { return 404; } "
        "}"
    )
    lines = (
        "user root;",
        "pid /tmp/nginx.pid;",
        "error_log stderr;",
        "events {}",
        f"http {{ include /etc/nginx/mime.types; access_log off; sendfile off; {_TEMPORARY}",
        f"{server} }}",
    )
    quoted = " \\\n    ".join(f"'{line}'" for line in lines)
    return f"printf '%s\\n' \\\n    {quoted} > {_CONF}"
