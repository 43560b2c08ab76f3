"""Have the image of a inspection: look it up, or build it; keep the newest few."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from devloop import events
from devloop.engine import build as builds
from devloop.engine import images as engine_images
from devloop.engine import volumes
from devloop.engine.client import NOT_FOUND, Engine
from devloop.engine.images import Image, ListedImage
from devloop.errors import ProjectError, RefusedError, UserError
from devloop.image import context, engine_build
from devloop.image.engine_build import BuildOrder
from devloop.image.progress import BuildLog, Layers, Vertex
from devloop.model import LABEL_FINGERPRINT, LABEL_PROJECT, Project
from devloop.project import state as states
from devloop.project.state import Inspection
from devloop.watch import tree

KEPT_IMAGES = 5
STALE_RETRIES = 20
STALE_PAUSE = 0.1

_making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Services that share an image build it once, one after the other."""

Report = Callable[[events.Event], None]


@dataclass(frozen=True)
class Made:
    """An image that is there; ``cached``: no build ran; ``duration`` in seconds."""

    image: Image
    cached: bool
    duration: float


def ensure(  # noqa: PLR0913 - one build
    engine: Engine,
    project: Project,
    inspection: Inspection,
    cause: str,
    report: Report,
    build_id: str,
    cancelled: threading.Event,
    *,
    forced: bool = False,
) -> Made:
    """Have the inspection's image; ``forced``: build it anew, without what the builder remembers.

    Raises ``BuildFailedError``, ``BuildCancelledError``, ``HostError``, ``RefusedError``, or
    ``ProjectError`` if the engine lost what it had built.
    """
    name = project.image(inspection.wanted.fingerprint.digest)
    with _making[name]:
        if cancelled.is_set():
            raise engine_build.BuildCancelledError
        began = time.monotonic()
        found = engine_images.inspect(engine, name)
        if found and not forced:
            return Made(found, cached=True, duration=time.monotonic() - began)
        report(events.ImageBuilding(cause))
        pull_bases(engine, inspection, report)

        def ordered() -> BuildOrder:
            return replace(order(project, inspection, build_id), no_cache=forced)

        made = engine_images.inspect(engine, _build(engine, ordered, inspection, report, cancelled))
        if made is None:
            raise ProjectError("the engine lost the image that it had built")
        return Made(made, cached=False, duration=time.monotonic() - began)


def pull_bases(engine: Engine, inspection: Inspection, report: Report) -> None:
    """Fetch the images that the build begins with, as far as they are not there."""
    for name, platform in inspection.inputs.bases:
        if not name or engine_images.inspect(engine, name):
            continue
        report(events.ImagePulling(name))
        layers = Layers()
        for message in _pull(engine, name, platform):
            if "error" in message:
                raise _no_base(name, str(message["error"]))
            if layers.take(message, time.monotonic()):
                report(events.ImagePulling(name, layers.done, layers.total))


def _pull(engine: Engine, name: str, platform: str) -> Any:  # noqa: ANN401 - JSON messages
    try:
        yield from engine.pull(name, platform)
    except RefusedError as error:
        raise _no_base(name, error.message) from None


def _no_base(name: str, why: str) -> ProjectError:
    return ProjectError(
        f"the base image {name} cannot be pulled: {why.strip()}",
        hint="is its name right, and `docker login` done if it is private?",
    )


def _build(
    engine: Engine,
    ordered: Callable[[], BuildOrder],
    inspection: Inspection,
    report: Report,
    cancelled: threading.Event,
) -> str:
    """Build; what changes while it is packed is packed anew, so that the name stays true."""
    for _ in range(STALE_RETRIES):
        try:
            return _run(engine, ordered(), inspection, report, cancelled)
        except engine_build.StaleContextError as error:
            if cancelled.is_set():
                raise engine_build.BuildCancelledError from None
            stale = error
            time.sleep(STALE_PAUSE)
    raise UserError(f"{stale} is not what it was when the build was decided")


def _run(
    engine: Engine,
    order: BuildOrder,
    inspection: Inspection,
    report: Report,
    cancelled: threading.Event,
) -> str:
    def same(path: str, content: bytes) -> bool:
        return _same(inspection, path, content)

    return run(engine, order, report, cancelled, same, session=inspection.inputs.session)


def run(
    engine: Engine,
    order: BuildOrder,
    report: Report,
    cancelled: threading.Event,
    same: Callable[[str, bytes], bool],
    *,
    session: bool,
) -> str:
    """Build by the Engine API, or through buildx where a RUN asks for what needs a session."""
    tell = _teller(report)
    if session:
        from devloop.image import buildx  # noqa: PLC0415 - few builds ask for a session

        return buildx.build(order, tell, cancelled, same)
    post = partial(builds.build, engine)
    return engine_build.build(post, order, tell, cancelled.is_set, same)


def _secrets(root: str, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Find the file of each secret in the project: ``.<id>``, else ``<id>``."""
    for name in sorted(ids):
        for path in (f".{name}", name):
            full = os.path.join(root, path)
            if os.path.isfile(full):
                yield name, full
                break


def order(project: Project, inspection: Inspection, build_id: str) -> BuildOrder:
    """Order the image of a inspection."""
    fingerprint = inspection.wanted.fingerprint.digest
    ignore = inspection.inputs.ignore
    paths = tree.walk(project.root, lambda path: path == ".devloop" or ignore.prunes(path))
    return BuildOrder(
        root=project.root,
        files=tuple(context.members(inspection.inputs, paths)),
        dockerfile=inspection.dockerfile,
        ignore=inspection.ignore,
        target=inspection.inputs.target,
        build_args=dict(inspection.config.app.build_args),
        labels=volumes.labels(project, fingerprint),
        tag=project.image(fingerprint),
        build_id=build_id,
        secrets=tuple(_secrets(project.root, inspection.inputs.secrets)),
        ssh=inspection.inputs.ssh,
    )


def _same(inspection: Inspection, path: str, content: bytes) -> bool:
    """Say whether a file that is packed is still what the fingerprint was made from."""
    known = inspection.wanted.fingerprint.entries.get(path)
    role = inspection.role(path)
    if known is None or role is None:
        return True
    now, complaint = states.entry(path, content, role, inspection.detections)
    return not complaint and now.digest.rstrip("x") == known.digest.rstrip("x")


def _teller(report: Report) -> Callable[[Vertex | BuildLog], None]:
    """Report each step of the user's when it begins, where it takes a while, and at its end."""
    told: set[str] = set()
    begun: set[str] = set()

    def tell(item: Vertex | BuildLog) -> None:
        if isinstance(item, BuildLog) or item.digest in told or item.error:
            return
        if not item.name.startswith("[") or item.name.startswith("[internal]"):
            return
        if item.completed:
            told.add(item.digest)
            report(events.ImageStep(item.name, item.cached, item.completed - item.started))
        elif item.started and item.digest not in begun:
            begun.add(item.digest)
            report(events.ImageStepStarted(item.name))

    return tell


def prune(engine: Engine, project: Project) -> None:
    """Keep the project's newest images; older ones go, with the volumes filled from them."""
    mine = [one for one in engine_images.of_project(engine, project) if _tags(one, project)]
    if len(mine) <= KEPT_IMAGES:
        return
    mine.sort(key=lambda one: engine_images.named_at(engine, one), reverse=True)
    for old in mine[KEPT_IMAGES:]:
        _remove(engine, project, old)


def _tags(image: ListedImage, project: Project) -> list[str]:
    return [tag for tag in image.names if tag.startswith(project.repository + ":")]


def _remove(engine: Engine, project: Project, image: ListedImage) -> None:
    fingerprint = image.labels.get(LABEL_FINGERPRINT, "")
    wanted = [f"{LABEL_PROJECT}={project.id}", f"{LABEL_FINGERPRINT}={fingerprint}"]
    try:
        for tag in _tags(image, project):
            engine_images.remove(engine, tag)
        for volume in volumes.labelled(engine, wanted):
            volumes.remove(engine, volume)
    except RefusedError as error:
        if error.status == NOT_FOUND:
            return  # somebody else was quicker; what is in use stays until the next time
