"""Detections into what a Dockerfile's template is given, quoted so that all of it is data.

One stack's image is the base and its template is used; those that lend their tool are its guests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from devloop.model import Command
from devloop.scaffold import quote
from devloop.stacks import paths
from devloop.stacks.base import Detection, Env

MANY_FILES = 8
LISTENING = {"HOST", "PORT"}

Values = dict[str, object]


@dataclass(frozen=True)
class Parts:
    """The stacks of one image: ``lead`` is started, ``host`` gives the base image.

    ``inside`` are all that are in it, in the order of detection; ``others`` names those that are
    not.
    """

    lead: Detection
    host: Detection
    inside: tuple[Detection, ...]
    others: tuple[str, ...]

    @property
    def guests(self) -> tuple[Detection, ...]:
        """All but the host."""
        return tuple(item for item in self.inside if item is not self.host)


def parts(detections: Sequence[Detection]) -> Parts:
    """Say which of at least one stack share an image, and whose it is."""
    host = next((item for item in detections if item.lends is None), detections[0])
    inside = tuple(item for item in detections if item is host or item.lends)
    others = tuple(item.name for item in detections if item not in inside)
    return Parts(inside[0], host, inside, others)


def values(it: Parts) -> Values:
    """Give the placeholders of a stack's Dockerfile."""
    host = it.host
    return {
        "others": ", ".join(it.others),
        "guests": [_guest(item) for item in it.guests],
        "manager": host.manager,
        "image": host.image,
        "env": _assignments(_base_env(it)),
        "system": " ".join(host.system),
        "prepare": host.prepare,
        "stores": " ".join(host.stores),
        "setup": host.setup,
        "manifests": _manifests(it.inside),
        "cache": host.cache,
        "secrets": _secrets(host),
        "install": host.install,
        "develop": _assignments(one for item in it.inside for one in item.develop),
        "port": it.lead.port,
        "run": _exec_form(it.lead.run),
        "build": _builds(it),
        "prod": _prod(it),
    }


def _guest(item: Detection) -> Values:
    """Give the placeholders of a stack that is added to another one's image."""
    tool = item.lends
    return {
        "name": tool.name if tool else item.name,
        "image": tool.image if tool else item.image,
        "paths": tool.paths if tool else (),
        "link": tool.link if tool else "",
        "setup": item.setup,
        "setup_cache": tool.setup_cache if tool else "",
        "cache": item.cache,
        "secrets": _secrets(item),
        "install": item.install,
        "prune": item.production.prune,
    }


def _prod(it: Parts) -> Values:
    """Give the placeholders of the stages ``build`` and ``prod``."""
    own, lead = it.host.production, it.lead.production
    return {
        "lean": bool(own.install) and not it.guests,
        "install": own.install,
        "build": own.build,
        "prune": own.prune,
        "image": own.image,
        "env": _assignments(_prod_env(it)),
        "system": " ".join(own.system),
        "setup": own.setup,
        "site": own.static if it.lead is it.host else "",
        "port": lead.port,
        "run": _exec_form(lead.run),
    }


def _base_env(it: Parts) -> Iterator[Env]:
    """Give the environment of the base; where to listen is told by the stack that leads alone."""
    for item in it.inside:
        yield from (one for one in item.env if item is it.lead or one.name not in LISTENING)


def _prod_env(it: Parts) -> Iterator[Env]:
    """Give the environment of what is shipped: on an image of its own all that listening needs."""
    for item in it.inside:
        yield from item.production.env
    if it.host.production.image:
        yield from (one for one in it.lead.env if one.name in LISTENING)


def _assignments(variables: Iterable[Env]) -> str:
    """Write what an ENV instruction assigns, the first of each name, one a line."""
    found: dict[str, str] = {}
    for variable in variables:
        found.setdefault(variable.name, variable.value)
    return " \\\n    ".join(quote.env(name, value) for name, value in found.items())


def _secrets(item: Detection) -> str:
    """Write the mounts of an install's credentials, each after a blank."""
    return "".join(
        f" --mount=type=secret,id={path.lstrip('.')},target=/app/{path}" for path in item.secrets
    )


def _manifests(inside: Sequence[Detection]) -> list[str]:
    """Write what each COPY takes: a folder's manifests, or all where an install reads it."""
    if any(item.needs_source for item in inside):
        return [". ."]
    secrets = {path for item in inside for path in item.secrets}
    manifests = {path for item in inside for path in item.manifests} - secrets
    ordered = sorted(manifests, key=lambda path: (paths.folder(path), path))
    grouped = groupby(ordered, key=paths.folder)
    return [_copied(folder, list(names)) for folder, names in grouped]


def _copied(folder: str, names: list[str]) -> str:
    sources = [folder] if folder and len(names) > MANY_FILES else names
    return quote.copied(sources, f"{folder}/" if folder else "./")


def _builds(it: Parts) -> str:
    """Build for production: what a guest makes for the host's image comes first."""
    lines = (item.production.build for item in (*it.guests, it.host))
    return " && ".join(filter(None, lines))


def _exec_form(command: Command) -> str:
    return quote.exec_form(command) if command else ""
