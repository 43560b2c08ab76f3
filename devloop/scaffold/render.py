"""Detections and template text into the text of a Dockerfile.

The template only lays out lines that are made here; a project's words are quoted before it sees
them. One stack's image is the base; the files of those that lend theirs are copied into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from devloop.model import Command
from devloop.scaffold import quote
from devloop.stacks import paths, registry
from devloop.stacks.base import Detection, Env, Tool

TEMPLATE = "Dockerfile.j2"
UNKNOWN = "unknown.Dockerfile.j2"
BASE = "debian:trixie-slim"
MANY_FILES = 8
LISTENING = {"HOST", "PORT"}
STATIC_RUN = ("serve", "-s", "site", "-l", "tcp://0.0.0.0:3000")
STATIC_SETUP = "npm install -g serve@14.2.7"
_PROBE = (
    "exec 3<>/dev/tcp/127.0.0.1/%d; printf 'GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3; "
    "read -r _ code _ <&3; test $code -lt 500"
)
"""Every official image that we build upon has bash, and no slim one has curl."""


def dockerfile(detections: Sequence[Detection], templates: Mapping[str, str]) -> str:
    """Write the Dockerfile of a project with at least one stack."""
    return render(templates, TEMPLATE, _values(*_parts(detections)))


def unknown(templates: Mapping[str, str]) -> str:
    """Write the Dockerfile that is left to fill in where no stack was found."""
    return render(templates, UNKNOWN, {"image": BASE})


def render(templates: Mapping[str, str], name: str, values: Mapping[str, object]) -> str:
    """Fill one of the templates; a value that it names and does not get is an error."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415 - 40 ms

    environment = Environment(  # noqa: S701 - no HTML; the values are quoted already
        loader=DictLoader(templates), keep_trailing_newline=True, undefined=StrictUndefined
    )
    return environment.get_template(name).render(values)


def _parts(detections: Sequence[Detection]) -> tuple[Detection, list[Detection], list[str]]:
    """Give the stack whose image is the base, all that are in it and the names of the others."""
    host = next((item for item in detections if item.lends is None), detections[0])
    inside = [item for item in detections if item is host or item.lends]
    return host, inside, [item.name for item in detections if item not in inside]


def _values(
    host: Detection, inside: Sequence[Detection], others: Sequence[str]
) -> dict[str, object]:
    first, guests = inside[0], [item for item in inside if item is not host]
    production = first.production
    static = production.static if first is host else ""
    lean = bool(production.install) and not guests
    tools = [*host.tools, *(item.lends for item in guests if item.lends)]
    based = host.production.image
    return {
        "others": ", ".join(others),
        "tools": tools,
        "image": host.image,
        "env": _env(inside),
        "base": "".join(map(_borrow, tools)) + _system(host.system) + _prepare(host),
        "setup": "".join(_run(item, item.setup) for item in inside),
        "copy": _copies(inside),
        "install": "".join(_run(item, item.install, item.stores) for item in inside),
        "develop": _env_line(item for one in inside for item in one.develop),
        "expose": _expose(first.port),
        "cmd": _cmd(first.run),
        "build_base": "base" if lean else "deps",
        "build_install": _lean_install(host) if lean else "",
        "build": _builds([*guests, host]),
        "prod_image": based or "base",
        "prod_env": _env_line(_production_env(inside, whole=bool(based))),
        "prod_workdir": "WORKDIR /app\n" if based else "",
        "prod_setup": _system(host.production.system)
        + _run(host, STATIC_SETUP if static else host.production.setup),
        "prod_copy": _shipped(host, static),
        "user": host.production.user,
        "production_expose": _expose(production.port),
        "healthcheck": _healthcheck(production.port),
        "production_cmd": _cmd(STATIC_RUN if static else production.run),
    }


def _env(detections: Sequence[Detection]) -> str:
    """Write one ENV instruction; where to listen is told by the stack that serves alone."""
    return _env_line(
        variable
        for item in detections
        for variable in item.env
        if item is detections[0] or variable.name not in LISTENING
    )


def _env_line(variables: Iterable[Env]) -> str:
    found: dict[str, str] = {}
    for variable in variables:
        found.setdefault(variable.name, variable.value)
    lines = " \\\n    ".join(quote.env(name, value) for name, value in found.items())
    return f"ENV {lines}\n" if lines else ""


def _production_env(detections: Sequence[Detection], *, whole: bool) -> Iterator[Env]:
    """Give the environment of what is shipped: on an image of its own all that listening needs."""
    for item in detections:
        yield from item.production.env
    if whole:
        yield from (one for one in detections[0].env if one.name in LISTENING)


def _borrow(tool: Tool) -> str:
    """Copy a tool from its own image."""
    lines = [f"COPY --from={tool.name} {path} {path}\n" for path in tool.paths]
    return "".join(lines) + (f"RUN {tool.link}\n" if tool.link else "")


def _system(packages: Sequence[str]) -> str:
    """Install Debian packages, whose versions are the image's business, not the project's."""
    if not packages:
        return ""
    return (
        "# hadolint ignore=DL3008\n"
        "RUN apt-get update \\\n"
        f"    && apt-get install -y --no-install-recommends {' '.join(packages)} \\\n"
        "    && rm -rf /var/lib/apt/lists/*\n"
    )


def _lean_install(host: Detection) -> str:
    line = host.production.install
    return f"{_run(host, host.setup)}{_copies([host])}{_run(host, line)}"


def _shipped(host: Detection, static: str) -> str:
    """Take what is shipped from the stage build."""
    pairs = ((f"/app/{static}", "./site/"),) if static else host.production.copies
    return "".join(f"COPY --from=build {source} {target}\n" for source, target in pairs)


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


def _prepare(host: Detection) -> str:
    """Make the stores before anybody fills them, so that their own mode is right as well."""
    stores = " ".join(host.stores)
    made = f"mkdir -p {stores} && chmod a+rwX {stores}" if stores else ""
    return _run(host, " && ".join(filter(None, [made, host.prepare])))


def _run(detection: Detection, line: str, stores: Sequence[str] = ()) -> str:
    """Write a RUN instruction with the download cache of what it calls and its secrets.

    The stores that it fills are opened to every user in the same layer.
    """
    if not line:
        return ""
    cache = _cache(detection, line)
    mounts = [f"--mount=type=cache,target={cache}"] if cache else []
    if line in {detection.install, detection.production.install}:
        mounts += [
            f"--mount=type=secret,id={path.lstrip('.')},target=/app/{path}"
            for path in detection.secrets
        ]
    opened = f"{line} && chmod -R a+rwX {' '.join(stores)}" if stores else line
    return f"RUN {' '.join(mounts)} \\\n    {opened}\n" if mounts else f"RUN {opened}\n"


def _cache(detection: Detection, line: str) -> str:
    """Give the cache folder of the tool that a line calls, empty where it calls none."""
    production = detection.production
    own = {detection.install, production.install, production.prune}
    known = registry.CACHES.get(line.split(maxsplit=1)[0], "")
    return known or (detection.cache if line in own else "")


def _builds(detections: Sequence[Detection]) -> str:
    """Build for production: what another stack makes for the host's image comes first."""
    lines = [item.production.build for item in detections if item.production.build]
    built = f"RUN {' && '.join(lines)}\n" if lines else ""
    return built + "".join(_run(item, item.production.prune) for item in detections)


def _expose(port: int | None) -> str:
    return f"EXPOSE {port}\n" if port else ""


def _cmd(command: Command) -> str:
    if not command:
        return "# Nothing that could be started was found: write a CMD here.\n"
    return f"CMD {quote.exec_form(command)}\n"


def _healthcheck(port: int | None) -> str:
    """Ask for an answer below 500 with what every base image has."""
    if not port:
        return ""
    probe = ("bash", "-c", _PROBE % port)
    return f"HEALTHCHECK --start-period=30s CMD {quote.exec_form(probe)}\n"
