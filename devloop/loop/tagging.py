"""The image that is shipped: the last stage with the whole context, named by the user.

The fingerprint image, which may hold old source, is never tagged; this one bears no label of the
project's, so that no cleaning takes it away.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from devloop import events
from devloop.engine import containers
from devloop.engine.client import Engine
from devloop.errors import ProjectError, UserError
from devloop.image import dockerfile
from devloop.image.inputs import BuildSettings, analyse
from devloop.loop import images
from devloop.loop.images import Made
from devloop.loop.picture import Picture
from devloop.model import Project

PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
HOST = r"(?:(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?|[\w-]+:\d+)/"
REFERENCE = re.compile(rf"(?:{HOST})?{PART}(?:/{PART})*(?::\w[\w.-]{{0,127}})?", re.ASCII)


def check(tag: str) -> None:
    """Raise ``UserError`` for what is no image's name."""
    if not REFERENCE.fullmatch(tag):
        hint = "write user/name:version, in lower case"
        raise UserError(f"--tag: `{tag}` is no name for an image", hint=hint)


def build(
    engine: Engine,
    project: Project,
    picture: Picture,
    tag: str,
    report: Callable[[events.Event], None],
    build_id: str,
    cancelled: threading.Event,
) -> Made:
    """Build it; raises what ``images.ensure`` raises."""
    began = time.monotonic()
    report(events.ImageBuilding(f"tag {tag}"))
    last = _last_stage(picture)
    images.pull_bases(engine, last, report)
    order = replace(images.order(project, last, build_id), tag=tag, labels={})
    same: Callable[[str, bytes], bool] = lambda _path, _content: True  # noqa: E731
    identity = images.run(engine, order, report, cancelled, same, session=last.inputs.session)
    made = containers.inspect_image(engine, identity)
    if made is None:
        raise ProjectError("the engine lost the image that it had built")
    return Made(made, cached=False, duration=time.monotonic() - began)


def _last_stage(picture: Picture) -> Picture:
    """Give the picture of the image that the Dockerfile ends with."""
    arguments = picture.config.app.build_args
    stages = dockerfile.parse(picture.dockerfile, dict(arguments)).stages
    settings = BuildSettings(stages[-1].name or str(len(stages) - 1), arguments)
    return replace(picture, inputs=analyse(picture.dockerfile, picture.ignore, settings))
