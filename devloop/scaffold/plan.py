"""What ``devloop init`` would write: pure, from detections and template text to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from devloop.errors import UserError
from devloop.model import Command
from devloop.scaffold import quote
from devloop.scaffold.render import Templates, render, unknown
from devloop.scaffold.render import dockerfile as render_dockerfile
from devloop.scaffold.values import Values
from devloop.stacks.base import Detection
from devloop.stacks.registry import LOOKED_FOR

DOCKERFILE = "Dockerfile"
DOCKERIGNORE = ".dockerignore"
SETTINGS = "devloop.yaml"
COMPOSE = "compose.yaml"
FILES = (DOCKERFILE, DOCKERIGNORE, SETTINGS)

Action = Literal["create", "overwrite", "merge", "keep", "same"]


@dataclass(frozen=True)
class FilePlan:
    """One file: what init would write and what becomes of the one that is there.

    ``create``, ``overwrite`` and ``merge`` write ``content``; ``keep`` leaves a file that differs
    from it, ``same`` one that does not. ``path`` is relative to the project.
    """

    path: str
    action: Action
    content: str

    @property
    def writes(self) -> bool:
        """Whether the file is to be written."""
        return self.action in {"create", "overwrite", "merge"}


def plan(
    name: str,
    detections: Sequence[Detection],
    templates: Templates,
    existing: Mapping[str, bytes],
    *,
    force: bool,
) -> tuple[FilePlan, ...]:
    """Say which files are written and which are kept.

    ``existing`` has the bytes of those of ``FILES`` that are there. Without a stack the Dockerfile
    is one to be filled in.
    """
    contents = {
        DOCKERFILE: dockerfile(detections, templates) if detections else unknown(templates),
        DOCKERIGNORE: dockerignore(detections, templates),
        SETTINGS: settings(name, detections, templates),
    }
    return tuple(
        FilePlan(path, _action(content, existing.get(path), force=force), content)
        for path, content in contents.items()
    )


def with_compose(
    plans: Sequence[FilePlan], text: str, existing: Mapping[str, bytes], *, force: bool
) -> tuple[FilePlan, ...]:
    """Add a compose.yaml, which takes the place of devloop.yaml."""
    added = FilePlan(COMPOSE, _action(text, existing.get(COMPOSE), force=force), text)
    return (*(one for one in plans if one.path != SETTINGS), added)


def dockerfile(detections: Sequence[Detection], templates: Templates) -> str:
    """Write the Dockerfile for these stacks; ``UserError`` if there is none."""
    if not detections:
        hint = (
            f"{looked_for()} Write a Dockerfile (devloop init begins one), or name another folder."
        )
        raise UserError("No stack that devloop knows was found in this folder.", hint=hint)
    return render_dockerfile(detections, templates)


def looked_for() -> str:
    """Say by which files a stack would have been found."""
    return f"Looked for: {', '.join(LOOKED_FOR)}."


def dockerignore(detections: Sequence[Detection], templates: Templates) -> str:
    """Write the .dockerignore for these stacks: never their manifests or locks."""
    patterns = dict.fromkeys(pattern for item in detections for pattern in item.ignore)
    return render(templates, "dockerignore.j2", {"patterns": list(patterns)})


def settings(name: str, detections: Sequence[Detection], templates: Templates) -> str:
    """Write a short devloop.yaml with what was detected; the first stack's app is run."""
    first = detections[0] if detections else None
    keep = dict.fromkeys(path for item in detections for path in item.keep)
    values: Values = {
        "name": quote.yaml_string(name),
        "run": _command(first.run) if first else "",
        "port": quote.yaml_string(str(first.port)) if first and first.port else "",
        "keep": quote.yaml_list(keep),
        "reload": first.reload if first else "restart",
    }
    return render(templates, "devloop.yaml.j2", values)


def _command(command: Command) -> str:
    if isinstance(command, str):
        return quote.yaml_string(command)
    return quote.yaml_list(command) if command else ""


def _action(content: str, current: bytes | None, *, force: bool) -> Action:
    if current is None:
        return "create"
    if current == content.encode():
        return "same"
    return "overwrite" if force else "keep"
