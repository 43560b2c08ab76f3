from __future__ import annotations

import json
import os
import tempfile
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from devloop.errors import HostError
from devloop.image import buildx, engine_build
from devloop.image import dockerfile as df
from devloop.image.engine_build import BuildFailedError, BuildOrder
from devloop.image.progress import BuildLog, Progress, Vertex

ORDER = BuildOrder("/p", (), "", "", "dev", {"B": "2", "A": "1"}, {"l": "x"}, "t:1", "id")


def test_the_command() -> None:
    order = replace(ORDER, secrets=(("npmrc", "/p/.npmrc"),), ssh=True, platform="linux/arm64")
    text = " ".join(buildx.command(order))
    assert text.startswith("docker buildx build --builder default --progress=rawjson --load")
    assert "--target dev --platform linux/arm64 --build-arg A=1 --build-arg B=2" in text
    assert text.endswith("--label l=x --secret id=npmrc,src=/p/.npmrc --ssh default -")
    kept = " ".join(buildx.command(replace(ORDER, cache="registry")))
    assert "--builder default --cache-from type=registry,ref=t:1 --cache-to type=inline" in kept
    github = " ".join(buildx.command(replace(ORDER, cache="gha")))
    assert "build --cache-from type=gha --cache-to type=gha,mode=max --progress" in github
    assert "--target" not in buildx.command(replace(ORDER, target=""))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_objects_are_cut_out_of_the_stream_wherever_it_is_split(size: int) -> None:
    stream = b"WARN: hello\n" + json.dumps({"a": "ü}"}, indent=2, ensure_ascii=False).encode()
    stream += b"\n" + json.dumps({"b": 1}, indent=1).encode() + b"\nERROR: no\n"
    objects = buildx.Objects()
    found: list[object] = []
    for at in range(0, len(stream), size):
        found += objects.feed(stream[at : at + size])
    assert found == [{"a": "ü}"}, {"b": 1}]
    assert objects.rest == "WARN: hello\nERROR: no\n"


def test_items() -> None:
    started = "2026-01-01T00:00:00.5Z"
    message = {
        "vertexes": [{"digest": "d", "name": "RUN x", "started": started, "error": "no"}],
        "logs": [{"vertex": "d", "data": b64encode(b"line\n").decode()}],
    }
    vertex, log = buildx._items(message)  # noqa: SLF001
    assert isinstance(vertex, Vertex)
    assert (vertex.digest, vertex.started, vertex.completed) == ("d", 1767225600.5, 0.0)
    assert log == BuildLog("d", "line\n")
    progress = Progress()
    assert list(progress.take([vertex, log])) == [vertex, log]
    failed = buildx._failed(progress, "")  # noqa: SLF001
    assert isinstance(failed, BuildFailedError)
    assert (failed.step, failed.message) == ("RUN x", "line\nno")


@pytest.mark.parametrize(
    "rest", ["docker: 'buildx' is not a docker command", "unknown flag: --builder"]
)
def test_without_buildx(rest: str) -> None:
    assert isinstance(buildx._failed(Progress(), rest), HostError)  # noqa: SLF001


def test_what_is_asked_for() -> None:
    text = (
        "FROM a AS b\nRUN --mount=type=secret,id=npmrc x\nRUN --mount=type=secret,target=/x/tok x\n"
        "FROM b AS dev\nRUN --mount=type=ssh x\nFROM a AS other\nRUN --mount=type=secret,id=no x\n"
    )
    parsed = df.parse(text)
    assert df.sessions(parsed, parsed.stages[1]) == (frozenset({"npmrc", "tok"}), True)
    assert df.sessions(parsed, parsed.stages[0]) == (frozenset({"npmrc", "tok"}), False)


def test_the_context_of_what_is_shipped_holds_no_file_of_ours(tmp_path: Path) -> None:
    project, folder = tmp_path / "p", tmp_path / "unpacked"
    project.mkdir()
    folder.mkdir()
    (project / "a.txt").write_text("here")
    (project / "link").symlink_to("/etc/hostname")
    order = replace(ORDER, root=str(project), files=("a.txt", "link"), dockerfile="FROM x\n")
    with tempfile.TemporaryFile() as body:
        engine_build.pack(order, body, lambda _path, _content: True)
        body.seek(0)
        context, dockerfile = buildx._unpacked(body, str(folder))  # noqa: SLF001
    assert sorted(os.listdir(context)) == ["a.txt", "link"]
    assert Path(dockerfile).read_text() == "FROM x\n"
    argv = buildx.command(order, context, dockerfile)
    assert argv[-1] == context
    assert argv[argv.index("--file") + 1] == dockerfile
