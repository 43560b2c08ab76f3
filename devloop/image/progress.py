"""BuildKit's progress: the stream of ``POST /build`` as steps.

A ``moby.buildkit.trace`` message is a base64 protobuf ``StatusResponse`` (BuildKit's
api/services/control/control.proto); the few fields that are needed are read here by number.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TAIL_LINES = 20
PULL_PAUSE = 0.25
"""Seconds between two reports of how far a pull has come."""


@dataclass(frozen=True)
class Vertex:
    """One step of a build as BuildKit last told it; times are seconds since the epoch, or 0."""

    digest: str
    name: str
    cached: bool = False
    started: float = 0.0
    completed: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class BuildLog:
    """A piece of a step's output."""

    vertex: str
    text: str


@dataclass
class Progress:
    """What is known of a running build; fed with the stream's messages in order."""

    vertexes: dict[str, Vertex] = field(default_factory=dict)
    tails: dict[str, list[str]] = field(default_factory=dict)
    image: str = ""
    error: str = ""

    def feed(self, message: Mapping[str, object]) -> Iterator[Vertex | BuildLog]:
        """Take one message; yields the steps that started or ended, and output."""
        if message.get("id") == "moby.image.id":
            aux = message.get("aux")
            self.image = str(aux.get("ID", "")) if isinstance(aux, Mapping) else ""
        elif message.get("id") == "moby.buildkit.trace":
            yield from self.take(decode(str(message.get("aux") or "")))
        elif "error" in message:
            self.error = str(message["error"])

    def failure(self) -> tuple[str, str]:
        """Give the failed step's name and what is known of the failure: its last output lines."""
        failed = next((one for one in self.vertexes.values() if one.error), None)
        if failed is None:
            return "", self.error
        tail = [line for line in self.tails.get(failed.digest, []) if line.strip()]
        return failed.name, "\n".join([*tail[-TAIL_LINES:], failed.error])

    def take(self, items: Iterable[Vertex | BuildLog]) -> Iterator[Vertex | BuildLog]:
        """Take decoded items; yields those that say something new."""
        for item in items:
            if isinstance(item, BuildLog):
                lines = self.tails.setdefault(item.vertex, [])
                lines += item.text.splitlines()
                del lines[:-TAIL_LINES]
                yield item
                continue
            before = self.vertexes.get(item.digest)
            self.vertexes[item.digest] = item
            if before != item:
                yield item


@dataclass
class Layers:
    """How far a pull has come: the engine tells it layer by layer, over and over."""

    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    told_at: float = 0.0

    def take(self, message: Mapping[str, object], now: float) -> bool:
        """Take one message; says whether it is time to tell how far the pull has come."""
        detail, layer = message.get("progressDetail"), str(message.get("id", ""))
        if message.get("status") in ("Pull complete", "Download complete") and layer in self.sizes:
            total = self.sizes[layer][1]
            self.sizes[layer] = (total, total)
        elif message.get("status") == "Downloading" and isinstance(detail, Mapping):
            done, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
            self.sizes[layer] = (min(done, total), total)
        if not self.total or now - self.told_at < PULL_PAUSE:
            return False
        self.told_at = now
        return True

    @property
    def done(self) -> int:
        """Bytes that are there."""
        return sum(done for done, _ in self.sizes.values())

    @property
    def total(self) -> int:
        """Bytes of the layers that are known so far."""
        return sum(total for _, total in self.sizes.values())


def decode(text: str) -> Iterator[Vertex | BuildLog]:
    """Decode one trace message; what is damaged yields nothing."""
    try:
        raw = base64.b64decode(text)
        for number, value in _fields(raw):
            if number == 1 and isinstance(value, bytes):
                yield _vertex(value)
            elif number == 3 and isinstance(value, bytes):  # noqa: PLR2004 - StatusResponse.logs
                yield _log(value)
    except (binascii.Error, IndexError, ValueError):
        return


def _vertex(raw: bytes) -> Vertex:
    found = dict(_fields(raw))
    return Vertex(
        digest=_text(found.get(1)),
        name=_text(found.get(3)),
        cached=bool(found.get(4, 0)),
        started=_time(found.get(5)),
        completed=_time(found.get(6)),
        error=_text(found.get(7)),
    )


def _log(raw: bytes) -> BuildLog:
    found = dict(_fields(raw))
    return BuildLog(_text(found.get(1)), _text(found.get(4)))


def _time(value: int | bytes | None) -> float:
    if not isinstance(value, bytes):
        return 0.0
    found = dict(_fields(value))
    seconds, nanos = found.get(1, 0), found.get(2, 0)
    return float(seconds) + float(nanos) / 1e9


def _text(value: int | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Read protobuf's wire format: (field number, varint or bytes)."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(raw, at)
            yield number, value
        elif kind == BYTES:
            length, at = _varint(raw, at)
            yield number, raw[at : at + length]
            at += length
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise ValueError(kind)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
