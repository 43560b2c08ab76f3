"""Compose projects that end, fail, and are mended, on a real engine."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import composing, harness, relay

pytestmark = composing.NEEDS_COMPOSE


def test_a_broken_compose_file_is_told_once_and_a_mended_one_applied(
    tmp_path: Path, port: int
) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    text = (root / "compose.yaml").read_text()
    with composing.upped(root) as up:
        up.ready()
        before = composing.ids(root)
        for broken, place in (
            (text.replace("    image: redis:7", "   image: redis:7"), "compose.yaml:10:"),
            (text.replace("stop_grace_period", "stop_grace_perid"), "compose.yaml:7:5"),
        ):
            here = up.here
            (root / "compose.yaml").write_text(broken)
            assert place in up.wait("error", here)["message"]
            (root / "compose.yaml").write_text(broken + "# the same\n")
        assert composing.ids(root) == before
        assert up.count("error") == 2
        here = up.here
        (root / "compose.yaml").write_text(text.replace("environment: {", "environment: {A: b, "))
        done = up.cycle("compose.yaml", here)
        assert (done["action"], done["outcome"]) == ("recreate", "ok")
        assert done["cause"] == "compose.yaml changed"
        assert composing.compose(root, "exec", "web", "printenv", "A").stdout.strip() == "b"
        assert composing.ids(root)["redis"] == before["redis"]
        up.stop()


def test_a_service_that_goes_while_its_image_is_built_is_let_go_of(
    tmp_path: Path, port: int
) -> None:
    root = tmp_path / f"goes{port}"
    composing.plain(root, "web")
    composing.plain(root, "slow")
    dockerfile = root / "slow" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN sleep 303\n")
    both = "services:\n  web: {build: ./web}\n  slow: {build: ./slow}\n"
    harness.write(root, {"compose.yaml": both})
    with composing.upped(root) as up:
        up.ready(service="web")
        up.wait("image.building", service="slow")
        here = up.here
        (root / "compose.yaml").write_text("services:\n  web: {build: ./web}\n")
        up.wait("image.cancelled", here, service="slow")
        here = up.here
        (root / "web" / "server.js").write_text((root / "web" / "server.js").read_text() + "// x")
        assert up.cycle("server.js", here)["outcome"] == "ok"
        assert up.stop() == 130


def test_without_the_plugin_a_sentence_and_exit_3(tmp_path: Path, port: int) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    bare = composing.docker_without_plugins(tmp_path)
    done = harness.devloop("up", f"{root}/", env=bare)
    assert done.returncode == 3
    assert "the Compose plugin of the docker command is not there" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_service_is_a_mistake(tmp_path: Path, port: int) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    done = harness.devloop("up", f"{root}/", "webb")
    assert done.returncode == 2
    assert "there is no service webb (there are: redis, web)" in done.stderr


@pytest.mark.slow
def test_ctrl_c_stops_in_the_order_and_grace_of_compose(
    tmp_path: Path, port: int, engine: Engine
) -> None:
    root = tmp_path / f"order{port}"
    composing.plain(root, "front")
    composing.plain(root, "back", wait=60_000)
    text = "services:\n  front: {build: ./front, depends_on: [back]}\n"
    text += "  back: {build: ./back, stop_grace_period: 1s}\n"
    harness.write(root, {"compose.yaml": text})
    with composing.upped(root) as up:
        for name in ("front", "back"):
            up.ready(service=name)
            up.wait("log", service=name, text=f"{name} runs")
        containers = composing.ids(root)
        began = time.monotonic()
        assert up.stop() == 130
        assert 1 <= time.monotonic() - began < 8, "a second of grace, then it is killed"
        ended = {name: ended_at(engine, one) for name, one in containers.items()}
        assert ended["front"] < ended["back"]


def ended_at(engine: Engine, container: str) -> str:
    return str(engine.get(f"/containers/{container}/json")["State"]["FinishedAt"])


@pytest.mark.slow
def test_what_ran_before_is_not_stopped(tmp_path: Path, port: int) -> None:
    root = composing.counter(tmp_path / f"before{port}", port)
    file = ("--project-directory", str(root), "-f", str(root / "compose.yaml"))
    composing.compose(root, *file, "up", "-d", "--build")
    with composing.upped(root) as up:
        up.ready(service="web")
        assert up.stop() == 130
        assert {name: one["State"] for name, one in composing.ps(root).items()} == {
            "redis": "running",
            "web": "exited",
        }


def test_a_taken_port_ends_up_with_the_words_of_compose(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"taken{port}"
    composing.plain(root, "web")
    text = f'services:\n  web: {{build: ./web, ports: ["127.0.0.1:{port}:3000"]}}\n'
    harness.write(root, {"compose.yaml": text})
    with socket.create_server(("127.0.0.1", port)), composing.upped(root) as up:
        assert "address already in use" in up.wait("error")["message"]
        assert up.exit_code() == 1


@pytest.mark.slow
def test_a_change_that_cannot_start_brings_the_old_container_back(
    tmp_path: Path, port: int
) -> None:
    root = tmp_path / f"back{port}"
    composing.plain(root, "web")
    text = 'services: {web: {build: ./web, ports: ["%d:3000"], environment: {WORD: %s}}}'
    harness.write(root, {"compose.yaml": text % (port, "first")})
    with composing.upped(root) as up:
        up.ready(service="web")
        other = harness.free_port()
        here = up.here
        with socket.create_server(("127.0.0.1", other)):
            (root / "compose.yaml").write_text(text % (other, "second"))
            assert "address already in use" in up.wait("error", here)["message"]
            assert up.wait("cycle.finished", here)["outcome"] == "failed"
            composing.wait_until(lambda: composing.answers(port) == "first")
        here = up.here
        (root / "compose.yaml").write_text(text % (other, "third"))
        assert up.wait("cycle.finished", here)["outcome"] == "ok"
        assert harness.get(other) == "third"
        assert up.stop() == 130


@pytest.mark.slow
def test_a_failed_build_at_the_start_is_mended_by_a_save(tmp_path: Path, port: int) -> None:
    root = tmp_path / f"mend{port}"
    composing.plain(root, "web")
    composing.plain(root, "other")
    text = "services:\n  web: {build: ./web, depends_on: [other]}\n  other: {build: ./other}\n"
    harness.write(root, {"compose.yaml": text})
    (root / "other/Dockerfile").write_text(composing.PLAIN + "RUN false\n")
    with composing.upped(root) as up:
        up.wait("image.failed", service="other")
        assert composing.ids(root) == {}
        (root / "other/Dockerfile").write_text(composing.PLAIN)
        up.ready(service="other")
        up.ready(service="web")
        assert up.stop() == 130


@pytest.mark.slow
def test_ended_while_it_starts_it_leaves_nothing_running(
    tmp_path: Path, port: int, engine: Engine
) -> None:
    root = composing.counter(tmp_path / f"early{port}", port)
    for event in ("image.building", "image.built"):
        with composing.upped(root) as up:
            up.wait(event)
            assert up.stop() == 130
            running = [one for one in composing.ps(root).values() if one["State"] == "running"]
            assert running == []
            names = [name for one in harness.containers(engine, root) for name in one["Names"]]
            assert not [name for name in names if name.endswith("-next")]


@pytest.mark.slow
def test_an_engine_that_goes_and_comes_back_is_survived(tmp_path: Path, port: int) -> None:
    if not relay.reachable():
        pytest.skip("the engine is not reached by a local socket")
    root = composing.counter(tmp_path / f"lost{port}", port)
    line = relay.Relay(tmp_path / "engine.sock", relay.reachable())
    line.open()
    env = {**os.environ, "DOCKER_HOST": f"unix://{line.path}"}
    with composing.upped(root, env=env) as up:
        up.ready(service="web")
        assert composing.visits(port) == ("one", 1)
        redis = composing.ids(root)["redis"]
        here = up.here
        line.cut()
        up.wait("error", here, message="the Docker Engine is gone")
        composing.compose(root, "stop", "--timeout", "1")
        line.open()
        up.ready(here, service="web")
        assert composing.visits(port) == ("one", 2)
        assert composing.ids(root)["redis"] == redis
        here = up.here
        (root / "server.js").write_text(composing.COUNTER % "two")
        assert up.cycle("server.js", here)["outcome"] == "ok"
        assert composing.visits(port) == ("two", 3)
        assert up.stop() == 130
