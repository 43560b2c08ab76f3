"""Builds that need a session (secrets, ssh, caches): ``docker buildx build --progress=rawjson``.

The context is the same archive as for the Engine API, on standard input; secrets never enter it.
For an image that is shipped it is a folder, because an archive has to hold the Dockerfile.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import IO, Any

from devloop import threads
from devloop.errors import HostError
from devloop.image import engine_build
from devloop.image.context import GENERATED_DOCKERFILE, GENERATED_IGNORE
from devloop.image.engine_build import BuildCancelledError, BuildFailedError, BuildOrder
from devloop.image.progress import BuildLog, Progress, Vertex
from devloop.process import Program

SPACE = b" \t\r\n"


def build(
    order: BuildOrder,
    told: Callable[[Vertex | BuildLog], None],
    cancelled: threading.Event,
    same: Callable[[str, bytes], bool],
) -> str:
    """Run one build and return the image's name.

    Raises ``BuildCancelledError`` and what ``engine_build.build`` raises.
    """
    progress, objects = Progress(), Objects()
    with tempfile.TemporaryFile() as body, tempfile.TemporaryDirectory() as folder:
        engine_build.pack(order, body, same)
        body.seek(0)
        where = _unpacked(body, folder) if order.shipped else ("-", GENERATED_DOCKERFILE)
        try:
            program = Program(command(order, *where), body)
        except FileNotFoundError:
            raise _no_buildx() from None
        ended = threading.Event()
        threads.spawn(_guard, program, cancelled, ended, failed=threads.shown)

        def took(piece: bytes) -> None:
            for message in objects.feed(piece):
                for item in progress.take(_items(message)):
                    told(item)

        code = program.read(took)
        ended.set()
    if cancelled.is_set():
        raise BuildCancelledError
    if code:
        raise _failed(progress, objects.rest)
    return order.tag


def _unpacked(body: IO[bytes], folder: str) -> tuple[str, str]:
    """Unpack the archive; gives the context's folder and the Dockerfile, which lies beside it."""
    context = os.path.join(folder, "context")
    trusted = getattr(tarfile, "fully_trusted_filter", None)  # it is our own archive
    with tarfile.open(fileobj=body) as archive:
        archive.extractall(context, **({"filter": trusted} if trusted else {}))  # noqa: S202
    os.remove(os.path.join(context, GENERATED_IGNORE))
    dockerfile = os.path.join(folder, "Dockerfile")
    os.rename(os.path.join(context, GENERATED_DOCKERFILE), dockerfile)
    return context, dockerfile


def command(
    order: BuildOrder, context: str = "-", dockerfile: str = GENERATED_DOCKERFILE
) -> list[str]:
    """Give the argument vector of a build."""
    argv = ["docker", "buildx", "build", *_builder(order), "--progress=rawjson", "--load"]
    argv += ["--file", dockerfile, "--tag", order.tag]
    argv += ["--target", order.target] if order.target else []
    argv += ["--platform", order.platform] if order.platform else []
    argv += ["--no-cache"] if order.no_cache else []
    for name, value in sorted(order.build_args.items()):
        argv += ["--build-arg", f"{name}={value}"]
    for name, value in sorted(order.labels.items()):
        argv += ["--label", f"{name}={value}"]
    for name, path in order.secrets:
        argv += ["--secret", f"id={name},src={path}"]
    return [*argv, *(("--ssh", "default") if order.ssh else ()), context]


def _builder(order: BuildOrder) -> list[str]:
    """Choose the builder, and where layers come from and go to.

    The engine's own can keep them with the image alone; GitHub's cache needs the one in use.
    """
    if order.cache == "gha":
        return ["--cache-from", "type=gha", "--cache-to", "type=gha,mode=max"]
    engine = ["--builder", "default"]
    if order.cache == "registry":
        where = f"type=registry,ref={order.tag}"
        return [*engine, "--cache-from", where, "--cache-to", "type=inline"]
    return engine


class Objects:
    """Cuts a stream of indented JSON objects into objects; ``rest`` is what is none."""

    def __init__(self) -> None:
        self.rest = ""
        self._text = b""
        self._decoder = json.JSONDecoder()

    def feed(self, piece: bytes) -> Iterator[Mapping[str, Any]]:
        """Yield the objects that this piece completes."""
        self._text += piece
        while self._text:
            self._text = self._text.lstrip(SPACE)
            if not self._text.startswith(b"{"):
                line, newline, rest = self._text.partition(b"\n")
                if not newline:
                    return
                self.rest += line.decode("utf-8", "replace") + "\n"
                self._text = rest
                continue
            text = self._text.decode("utf-8", "surrogateescape")
            try:
                found, end = self._decoder.raw_decode(text)
            except ValueError:  # not all of it is there yet
                return
            self._text = text[end:].encode("utf-8", "surrogateescape")
            yield found


def _items(message: Mapping[str, Any]) -> Iterator[Vertex | BuildLog]:
    for one in message.get("vertexes") or ():
        yield Vertex(
            digest=str(one.get("digest", "")),
            name=str(one.get("name", "")),
            cached=bool(one.get("cached")),
            started=_time(one.get("started")),
            completed=_time(one.get("completed")),
            error=str(one.get("error", "")),
        )
    for one in message.get("logs") or ():
        data = b64decode(one.get("data") or "")
        yield BuildLog(str(one.get("vertex", "")), data.decode("utf-8", "replace"))


def _time(text: object) -> float:
    with suppress(ValueError):
        return datetime.fromisoformat(str(text)).timestamp()
    return 0.0


def _guard(program: Program, cancelled: threading.Event, ended: threading.Event) -> None:
    """End the program when the build is cancelled, whichever comes first."""
    while not ended.is_set():
        if cancelled.wait(0.1):
            program.interrupt()
            return


def _failed(progress: Progress, rest: str) -> Exception:
    step, text = progress.failure()
    if not text and ("not a docker command" in rest or "unknown flag: --builder" in rest):
        return _no_buildx()
    return BuildFailedError(step, text or rest.strip() or "the builder ended without an image")


def _no_buildx() -> HostError:
    return HostError(
        "secrets, ssh, caches and images that are shipped need `docker buildx`",
        hint="install the docker command and its buildx plugin",
    )
