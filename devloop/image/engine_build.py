"""Builds by BuildKit through the Engine API: a tar body, no session."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO, TypeAlias

from devloop.errors import DevloopError, HostError, ProjectError
from devloop.image.context import GENERATED_DOCKERFILE, GENERATED_IGNORE
from devloop.image.progress import BuildLog, Progress, Vertex

IN_MEMORY = 8 << 20
BUILDKIT = "2"

Messages: TypeAlias = Generator[Mapping[str, object], None, None]
Post: TypeAlias = Callable[[Mapping[str, str], IO[bytes]], Messages]
"""Posts a build, its parameters and its context as a tar archive; gives the engine's messages."""


class BuildFailedError(ProjectError):
    """A step failed; ``step`` is its name, the message its last lines of output."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


class StaleContextError(DevloopError):
    """A file is not any more what the fingerprint was made from; the text is its path."""


class BuildCancelledError(DevloopError):
    """The build was cancelled by a newer change."""

    def __init__(self) -> None:
        super().__init__("the build was cancelled")


@dataclass(frozen=True)
class BuildOrder:
    """One build: what is sent and what the result is called.

    ``secrets`` are (id, file) and ``ssh`` asks for the agent; ``cache`` is where layers are kept
    besides the engine, ``registry`` (with the image) or ``gha``: all need a session (``buildx``).
    ``shipped``: not even the Dockerfile may come into the image by ``COPY . .``.
    """

    root: str
    files: tuple[str, ...]
    dockerfile: str
    ignore: str
    target: str
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    tag: str
    build_id: str
    platform: str = ""
    secrets: tuple[tuple[str, str], ...] = ()
    ssh: bool = False
    no_cache: bool = False
    cache: str = ""
    shipped: bool = False


def build(
    post: Post,
    order: BuildOrder,
    told: Callable[[Vertex | BuildLog], None],
    cancelled: Callable[[], bool],
    same: Callable[[str, bytes], bool],
) -> str:
    """Run one build and return the image's ID; ``post`` is the engine's door for it.

    ``same(path, content)`` says whether a file is what the build was decided upon. Raises
    ``BuildFailedError``, ``BuildCancelledError``, ``StaleContextError`` or ``HostError``.
    """
    progress = Progress()
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
        pack(order, body, same)
        body.seek(0)
        with closing(post(_parameters(order), body)) as messages:
            for message in messages:
                for item in progress.feed(message):
                    told(item)
    if cancelled():
        raise BuildCancelledError
    if not progress.image:
        raise _failed(progress)
    return progress.image


def pack(order: BuildOrder, body: IO[bytes], same: Callable[[str, bytes], bool]) -> None:
    """Write the context: the files of the order, and the Dockerfile under a name of our own.

    Owners are root's, so that the same files are the same layer for everybody.
    """
    with tarfile.open(fileobj=body, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in (
            (GENERATED_DOCKERFILE, order.dockerfile),
            (GENERATED_IGNORE, order.ignore),
        ):
            info = tarfile.TarInfo(name)
            content = text.encode("utf-8", "surrogateescape")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for path in order.files:
            with suppress(FileNotFoundError):  # gone since the tree was read: a new batch tells
                _add(archive, order.root, path, same)


def _add(
    archive: tarfile.TarFile, root: str, path: str, same: Callable[[str, bytes], bool]
) -> None:
    full = os.path.join(root, path)
    info = archive.gettarinfo(full, arcname=path)
    if info is None:  # a socket
        return
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    if not info.isreg():
        archive.addfile(info)
        return
    if info.type == tarfile.LNKTYPE:
        info.type = tarfile.REGTYPE
    with open(full, "rb") as stream:
        content = stream.read()
    if not same(path, content):
        raise StaleContextError(path)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def _parameters(order: BuildOrder) -> dict[str, str]:
    parameters = {
        "version": BUILDKIT,
        "buildid": order.build_id,
        "dockerfile": GENERATED_DOCKERFILE,
        "t": order.tag,
        "target": order.target,
        "buildargs": json.dumps(dict(order.build_args)),
        "labels": json.dumps(dict(order.labels)),
        "rm": "1",
    }
    if order.no_cache:
        parameters["nocache"] = "1"
    if order.platform:
        parameters["platform"] = order.platform
    return parameters


def _failed(progress: Progress) -> Exception:
    step, text = progress.failure()
    if "no space left on device" in text:
        return HostError("the engine's disk is full", hint="`docker system prune` frees some")
    return BuildFailedError(step, text or "the builder ended without an image")
