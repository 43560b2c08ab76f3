"""The image that is shipped: the last stage with the whole context, named by the user.

The fingerprint image, which may hold old source, is never tagged; this one bears no label of the
project's, so that no cleaning takes it away.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from devloop import events
from devloop.engine import images as engine_images
from devloop.engine.client import Engine
from devloop.errors import ProjectError, RefusedError, UserError
from devloop.image import dockerfile
from devloop.image.inputs import BuildSettings, analyse
from devloop.model import Project
from devloop.project.state import Inspection
from devloop.target import images
from devloop.target.images import Made

CACHES = ("registry", "gha")
PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
HOST = r"(?:(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?|[\w-]+:\d+)/"
REFERENCE = re.compile(rf"(?:{HOST})?{PART}(?:/{PART})*(?::\w[\w.-]{{0,127}})?", re.ASCII)


@dataclass(frozen=True)
class Wish:
    """What is shipped: its name, whether it is pushed, where its layers are kept (``CACHES``)."""

    tag: str = ""
    push: bool = False
    cache: str = ""


def check(wish: Wish) -> None:
    """Raise ``UserError`` for what is no image's name, or cannot be done without one."""
    if not wish.tag and (wish.push or wish.cache):
        raise UserError("--push and --cache go with --tag", hint="name the image to ship")
    if wish.tag and not REFERENCE.fullmatch(wish.tag):
        hint = "write user/name:version, in lower case"
        raise UserError(f"--tag: `{wish.tag}` is no name for an image", hint=hint)
    if wish.cache and wish.cache not in CACHES:
        raise UserError(f"--cache: `{wish.cache}` is no cache", hint="write registry or gha")


def build(
    engine: Engine,
    project: Project,
    inspection: Inspection,
    wish: Wish,
    report: Callable[[events.Event], None],
    build_id: str,
    cancelled: threading.Event,
) -> Made:
    """Build it, and push it if that is wished; raises what ``images.ensure`` raises.

    Also raises ``ProjectError`` if the engine lost what was built, or it cannot be pushed.
    """
    began, tag = time.monotonic(), wish.tag
    report(events.ImageBuilding(f"tag {tag}"))
    last = _last_stage(inspection)
    images.pull_bases(engine, last, report)
    order = replace(
        images.order(project, last, build_id), tag=tag, labels={}, cache=wish.cache, shipped=True
    )
    same: Callable[[str, bytes], bool] = lambda _path, _content: True  # noqa: E731
    identity = images.run(engine, order, report, cancelled, same, session=True)
    made = engine_images.inspect(engine, identity)
    if made is None:
        raise ProjectError("the engine lost the image that it had built")
    if wish.push:
        _push(engine, tag, report)
    return Made(made, cached=False, duration=time.monotonic() - began)


def _push(engine: Engine, tag: str, report: Callable[[events.Event], None]) -> None:
    report(events.Notice(f"pushing {tag}"))
    hint = "is its name right, and `docker login` done?"
    try:
        for message in engine.push(tag):
            if "error" in message:
                raise ProjectError(f"{tag} cannot be pushed: {message['error']}", hint=hint)
    except RefusedError as error:
        raise ProjectError(f"{tag} cannot be pushed: {error.message}", hint=hint) from None


def _last_stage(inspection: Inspection) -> Inspection:
    """Give the inspection of the image that the Dockerfile ends with."""
    arguments = inspection.config.app.build_args
    stages = dockerfile.parse(inspection.dockerfile, dict(arguments)).stages
    settings = BuildSettings(stages[-1].name or str(len(stages) - 1), arguments)
    return replace(inspection, inputs=analyse(inspection.dockerfile, inspection.ignore, settings))
