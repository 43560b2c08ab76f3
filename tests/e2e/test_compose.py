"""Compose projects on a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import composing, harness, shop_project

pytestmark = composing.NEEDS_COMPOSE


@pytest.fixture
def port() -> int:
    return harness.free_port()


def visits(port: int) -> tuple[str, int]:
    word, count = harness.get(port, "/visit").split()
    return word, int(count)


def test_an_edit_restarts_only_the_app_and_the_count_stays(
    tmp_path: Path, port: int, engine: Engine
) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    with composing.upped(root) as up:
        assert up.ready(service="web")["url"] == f"http://localhost:{port}"
        assert visits(port) == ("one", 1)
        before = composing.ids(root)
        here = up.here
        (root / "server.js").write_text(composing.COUNTER % "two")
        done = up.cycle("server.js", here)
        assert (done["action"], done["outcome"], done["service"]) == ("restart", "ok", "web")
        assert visits(port) == ("two", 2)
        assert composing.ids(root) == before
        here = up.here
        (root / "package.json").write_text(composing.package(**{"is-odd": "^3.0.1"}))
        done = up.cycle("package.json", here)
        assert (done["action"], done["outcome"]) == ("rebuild", "ok")
        assert harness.get(port, "/has/is-odd") == "there"
        assert visits(port) == ("two", 3)
        again = composing.ids(root)
        assert again["redis"] == before["redis"]
        assert again["web"] != before["web"]
        assert up.stop() == 130
        assert {one["State"] for one in composing.ps(root).values()} == {"exited"}
    assert harness.containers(engine, root) == []


def test_down_leaves_the_volume_unless_asked_for(tmp_path: Path, port: int) -> None:
    root = composing.counter(tmp_path / f"counter{port}", port)
    with composing.upped(root) as up:
        for expected, options in ((1, []), (2, ["--volumes"]), (1, [])):
            up.ready()
            assert visits(port) == ("one", expected)
            composing.compose(root, "exec", "redis", "redis-cli", "save")
            assert harness.devloop("down", str(root), *options).returncode == 0
            assert up.exit_code() == 130
            assert composing.ps(root) == {}
            composing.again(up)
        up.stop()


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
def test_several_services_of_several_stacks_are_developed_one_by_one(
    tmp_path: Path, port: int, engine: Engine
) -> None:
    other = harness.free_port()
    root = shop_project.shop(tmp_path / f"shop{port}", port, other)
    with composing.upped(root) as up:
        for service in ("web", "worker", "site"):
            up.ready(service=service)
        assert up.count("image.building") == 2, "web and worker share an image"
        images = {
            one["service"]: one["image"] for one in up.events if one["event"] == "image.built"
        }
        assert images["web"] == images["worker"] != images["site"]
        assert harness.get(port, "/add") == "web1 1 False"
        before = composing.ids(root)

        here = up.here
        (root / "site/server.js").write_text(shop_project.SITE % ("2", "site2"))
        assert up.cycle("server.js", here)["service"] == "site"
        assert harness.get(other) == "site2"
        here = up.here
        (root / "api/web.py").write_text(shop_project.WEB % "web2")
        for service in ("web", "worker"):
            done = up.wait("cycle.finished", here, service=service)
            assert (done["action"], done["outcome"]) == ("restart", "ok")
        assert harness.get(port) == "web2 1 False"
        assert composing.ids(root) == before

        here = up.here
        cache = started_at(engine, before["cache"])
        (root / "api/requirements.txt").write_text("pg8000\ntomli\n")
        for service in ("web", "worker"):
            assert up.wait("cycle.finished", here, service=service)["action"] in (
                "rebuild",
                "recreate",
            )
        assert up.count("image.building", here) == 1
        assert harness.get(port, "/has/tomli") == "web2 1 True"
        up.wait("log", here, service="site", text="site 2")
        up.wait("notice", here, service="cache")
        composing.wait_until(lambda: started_at(engine, before["cache"]) != cache)
        after = composing.ids(root)
        same = {name for name in before if before[name] == after[name]}
        assert same == {"db", "site", "cache"}
        assert up.stop() == 130


def started_at(engine: Engine, container: str) -> str:
    return str(engine.get(f"/containers/{container}/json")["State"]["StartedAt"])
