"""Templates and values into text; a template may be a team's own, so it is run in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devloop.scaffold.values import Values, parts, values
from devloop.stacks.base import Detection

DOCKERFILES = ".Dockerfile.j2"
UNKNOWN = f"unknown{DOCKERFILES}"
BASE = "debian:trixie-slim"


@dataclass(frozen=True)
class Template:
    """A template: its text, and where it stands, for people."""

    place: str
    text: str


Templates = Mapping[str, Template]
"""Templates by the names of their files."""


def dockerfile(detections: Sequence[Detection], templates: Templates) -> str:
    """Write the Dockerfile of a project with at least one stack, by its host's template."""
    found = parts(detections)
    return render(templates, template_of(found.host.name), values(found))


def template_of(stack: str) -> str:
    """Name the template of a stack's Dockerfile."""
    return f"{stack}{DOCKERFILES}"


def unknown(templates: Templates) -> str:
    """Write the Dockerfile that is left to fill in where no stack was found."""
    return render(templates, UNKNOWN, {"image": BASE})


def render(templates: Templates, name: str, given: Values) -> str:
    """Fill one of the templates; raises ``UserError`` with its place where that fails."""
    from devloop.scaffold import sandbox  # noqa: PLC0415 - jinja2 takes 40 ms

    sources = {key: (one.text, one.place) for key, one in templates.items()}
    return sandbox.fill(sources, name, given)
