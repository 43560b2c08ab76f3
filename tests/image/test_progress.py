from __future__ import annotations

import base64

import pytest

from devloop.image.progress import BuildLog, Layers, Progress, Vertex, decode


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def trace(*parts: bytes) -> dict[str, object]:
    aux = base64.b64encode(b"".join(parts)).decode()
    return {"id": "moby.buildkit.trace", "aux": aux}


def vertex(digest: str, name: str, *, cached: int = 0, error: str = "") -> bytes:
    time = field(1, 10) + field(2, 500_000_000)
    body = field(1, digest.encode()) + field(3, name.encode()) + field(4, cached)
    body += field(5, time) + field(6, time) + (field(7, error.encode()) if error else b"")
    return field(1, body)


def log(digest: str, text: str) -> bytes:
    return field(3, field(1, digest.encode()) + field(4, text.encode()))


def test_a_build_that_succeeds() -> None:
    progress = Progress()
    step = Vertex("d", "[1/2] RUN x", cached=True, started=10.5, completed=10.5)
    assert list(progress.feed(trace(vertex("d", "[1/2] RUN x", cached=1)))) == [step]
    assert list(progress.feed(trace(vertex("d", "[1/2] RUN x", cached=1)))) == []
    assert list(progress.feed({"id": "moby.image.id", "aux": {"ID": "sha256:1"}})) == []
    assert list(progress.feed({"id": "moby.image.id", "aux": None})) == []
    assert list(progress.feed({"stream": "x"})) == []
    assert progress.image == ""


def test_a_build_that_fails_tells_the_step_and_its_last_lines() -> None:
    progress = Progress()
    lines = "".join(f"line {number}\n" for number in range(30))
    assert list(progress.feed(trace(log("d", lines)))) == [BuildLog("d", lines)]
    list(progress.feed(trace(vertex("d", "RUN npm ci", error="exit code: 1"))))
    step, text = progress.failure()
    assert step == "RUN npm ci"
    assert text.startswith("line 10\n")
    assert text.endswith("line 29\nexit code: 1")


def test_an_error_without_a_step() -> None:
    progress = Progress()
    list(progress.feed({"error": "no such stage"}))
    assert progress.failure() == ("", "no such stage")


@pytest.mark.parametrize(
    "raw", [b"\x0a", b"\x0a\xff", b"\x0b", b"\x80", b"\x09" + b"\0" * 8, b"\x0d\0\0\0\0"]
)
def test_damaged_messages_yield_nothing(raw: bytes) -> None:
    assert list(decode(base64.b64encode(raw).decode())) in (
        [],
        [Vertex("", "")],
    )


def test_what_is_not_base64_yields_nothing() -> None:
    assert list(decode("a")) == []


def test_fields_of_the_wrong_kind_are_empty() -> None:
    assert list(decode(base64.b64encode(field(1, field(1, 5))).decode())) == [Vertex("", "")]
    assert list(decode(base64.b64encode(field(1, 5) + field(3, 5)).decode())) == []


def test_how_far_a_pull_has_come() -> None:
    layers = Layers()
    loading = {"status": "Downloading", "id": "a", "progressDetail": {"current": 10, "total": 100}}
    assert not layers.take({"status": "Pulling fs layer", "id": "a", "progressDetail": {}}, 1.0)
    assert layers.take(loading, 1.0)
    assert not layers.take(loading | {"id": "b"}, 1.1), "not more often than people can read"
    assert layers.take({"status": "Download complete", "id": "a", "progressDetail": {}}, 2.0)
    assert (layers.done, layers.total) == (110, 200)
    assert not layers.take({"status": "Downloading", "id": "c", "progressDetail": None}, 2.1)
