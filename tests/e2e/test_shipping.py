"""`build --tag --push --cache` and `ci --tag` on a real engine and its registry."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness

FILES = {
    "Dockerfile": "FROM python:3.13-slim AS dev\nWORKDIR /app\nCOPY . .\n"
    'CMD ["python3", "-m", "http.server", "8000"]\nEXPOSE 8000\n'
    "FROM dev AS prod\nRUN echo shipped > /shipped\n",
    "a.txt": "here\n",
}
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    tmp_path.chmod(0o755)
    port = harness.free_port()
    settings = {"devloop.yaml": f'app: {{ports: ["{port}:8000"]}}\n'}
    yield harness.write(tmp_path, {**FILES, **settings})
    harness.clear(tmp_path)


@pytest.fixture
def registry(engine: Engine) -> str:
    """Give the address of a registry of our own: the mirror of the tests' engine."""
    mirrors = engine.get("/info")["RegistryConfig"]["Mirrors"] or []
    ours = [one for one in mirrors if one.startswith("http://127.0.0.1:")]
    if not ours:
        pytest.skip("the engine has no registry of the tests' own to push to")
    return str(ours[0]).removeprefix("http://").strip("/")


def fetched(registry: str, path: str) -> bytes:
    request = urllib.request.Request(f"http://{registry}/v2/{path}", headers={"Accept": MANIFEST})
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
        content: bytes = answer.read()
    return content


def test_an_image_is_pushed_with_the_layers_that_the_next_build_uses(
    root: Path, engine: Engine, registry: str
) -> None:
    tag = f"{registry}/devloop-tests/shop:1"
    done = harness.devloop("build", str(root), "--tag", tag, "--push", "--cache", "registry")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == tag
    manifest = json.loads(fetched(registry, "devloop-tests/shop/manifests/1"))
    config = fetched(registry, f"devloop-tests/shop/blobs/{manifest['config']['digest']}")
    assert b"moby.buildkit.cache" in config
    assert b"dev.devloop" not in config
    engine.delete(f"/images/{tag}")


def test_what_cannot_be_pushed_is_told(root: Path, engine: Engine) -> None:
    tag = "127.0.0.1:1/x/y:1"
    done = harness.devloop("build", str(root), "--tag", tag, "--push")
    assert done.returncode == 1
    assert f"devloop: error: {tag} cannot be pushed: " in done.stderr
    assert "`docker login` done?" in done.stderr
    engine.delete(f"/images/{tag}")


def test_ci_ships_what_is_well(root: Path, engine: Engine) -> None:
    tag = "devloop-tests/shop:ci"
    done = harness.devloop("ci", str(root), "--tag", tag, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    built = [one["image"] for one in told if one["event"] == "image.built"]
    assert built[-1] == tag
    steps = [one["name"] for one in told if one["event"] == "image.step"]
    assert any("shipped" in one for one in steps)
    engine.delete(f"/images/{tag}")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_shipping_can_be_interrupted(root: Path, number: signal.Signals) -> None:
    shipped = (root / "Dockerfile").read_text() + "RUN echo slow; sleep 302\n"
    (root / "Dockerfile").write_text(shipped)
    words = ["ci", str(root), "--tag", "devloop-tests/shop:never", "--format", "json"]
    argv = [sys.executable, "-m", "devloop", *words]
    with harness.running(root, argv=argv) as run:
        run.wait("image.step.started", where=lambda it: "sleep 302" in it["name"])
        assert run.stop(number) == 130
        assert run.wait("end")["exit_code"] == 130


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("words", [("--push",), ("--cache", "gha")])
def test_nothing_is_shipped_without_a_name(root: Path, words: tuple[str, ...]) -> None:
    for verb in ("build", "ci"):
        done = harness.devloop(verb, str(root), *words)
        assert done.returncode == 2
        assert "--push and --cache go with --tag" in done.stderr
