"""Detections and template text into the text of a Dockerfile.

A template only lays out lines that are made here; a project's words are quoted before it sees
them. Where Python and Node meet, Python's image is the base and Node is copied into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from devloop.model import Command
from devloop.scaffold import quote
from devloop.stacks import paths
from devloop.stacks.base import Detection

COMPANION = "node"
MANY_FILES = 8
LISTENING = {"HOST", "PORT"}
STATIC_RUN = ("serve", "-s", "site", "-l", "tcp://0.0.0.0:3000")
_NODE_CHECK = (
    "require('http').get({host:'127.0.0.1',port:%d,timeout:3000},"
    "r=>process.exit(r.statusCode<500?0:1)).on('error',()=>process.exit(1))"
)
_PYTHON_CHECK = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', %d, timeout=3); "
    "c.request('GET', '/'); raise SystemExit(c.getresponse().status >= 500)"
)


def dockerfile(detections: Sequence[Detection], templates: Mapping[str, str]) -> str:
    """Write the Dockerfile of a project with at least one stack."""
    host = next((item for item in detections if item.name != COMPANION), detections[0])
    name = host.template or f"{host.name}.Dockerfile.j2"
    return render(templates, name, _values(detections, host))


def render(templates: Mapping[str, str], name: str, values: Mapping[str, object]) -> str:
    """Fill one of the templates; a value that it names and does not get is an error."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415 - 40 ms

    environment = Environment(  # noqa: S701 - no HTML; the values are quoted already
        loader=DictLoader(templates), keep_trailing_newline=True, undefined=StrictUndefined
    )
    return environment.get_template(name).render(values)


def _values(detections: Sequence[Detection], host: Detection) -> dict[str, object]:
    first = detections[0]
    companion = next((item for item in detections if item.name == COMPANION != host.name), None)
    production = first.production
    static = production.static if host.name == COMPANION else ""
    port = production.port
    return {
        "image": host.image,
        "node_image": companion.image if companion else "",
        "env": _env(detections),
        "setup": "".join(_run(item, item.setup) for item in detections if item.setup),
        "copy": _copies(detections),
        "install": "".join(_run(item, item.install) for item in detections if item.install),
        "production_install": _run(host, production.install),
        "build": "".join(_build(item) for item in detections),
        "static": f"/app/{static}" if static else "",
        "expose": _expose(first.port),
        "cmd": _cmd(first.run),
        "production_expose": _expose(port),
        "production_cmd": _cmd(STATIC_RUN if static else production.run),
        "healthcheck": _healthcheck(host, port),
    }


def _env(detections: Sequence[Detection]) -> str:
    """Write one ENV instruction; where to listen is told by the stack that serves alone."""
    found: dict[str, str] = {}
    for item in detections:
        for variable in item.env:
            if item is detections[0] or variable.name not in LISTENING:
                found.setdefault(variable.name, variable.value)
    lines = " \\\n    ".join(quote.env(name, value) for name, value in found.items())
    return f"ENV {lines}\n" if lines else ""


def _copies(detections: Sequence[Detection]) -> str:
    """Write one COPY per folder of manifests, or all of the project where installs read it."""
    if any(item.needs_source for item in detections):
        return "COPY . .\n"
    secrets = {path for item in detections for path in item.secrets}
    manifests = {path for item in detections for path in item.manifests} - secrets
    ordered = sorted(manifests, key=lambda path: (paths.folder(path), path))
    grouped = groupby(ordered, key=paths.folder)
    return "".join(_copy_folder(folder, list(names)) for folder, names in grouped)


def _copy_folder(folder: str, names: list[str]) -> str:
    sources = [folder] if folder and len(names) > MANY_FILES else names
    return quote.copy(sources, f"{folder}/" if folder else "./")


def _run(detection: Detection, line: str) -> str:
    """Write a RUN instruction with the download cache of what it calls and its secrets."""
    if not line:
        return ""
    cache = _cache(detection, line)
    mounts = [f"--mount=type=cache,target={cache}"] if cache else []
    if line == detection.install:
        mounts += [
            f"--mount=type=secret,id={path.lstrip('.')},target=/app/{path}"
            for path in detection.secrets
        ]
    return f"RUN {' '.join(mounts)} \\\n    {line}\n" if mounts else f"RUN {line}\n"


def _cache(detection: Detection, line: str) -> str:
    """Give the cache folder of the tool that a line calls, empty where it calls none."""
    tools = {"npm": "/root/.npm", "pip": "/root/.cache/pip"}
    known = tools.get(line.split(maxsplit=1)[0], "")
    return known or ("" if line == detection.setup else detection.cache)


def _build(detection: Detection) -> str:
    production = detection.production
    built = f"RUN {production.build}\n" if production.build else ""
    return built + _run(detection, production.prune)


def _expose(port: int | None) -> str:
    return f"EXPOSE {port}\n" if port else ""


def _cmd(command: Command) -> str:
    if not command:
        return "# Nothing that could be started was found: write a CMD here.\n"
    return f"CMD {quote.exec_form(command)}\n"


def _healthcheck(host: Detection, port: int | None) -> str:
    if not port:
        return ""
    node = host.name == COMPANION
    probe = ("node", "-e", _NODE_CHECK % port) if node else ("python", "-c", _PYTHON_CHECK % port)
    return f"HEALTHCHECK --start-period=30s CMD {quote.exec_form(probe)}\n"
