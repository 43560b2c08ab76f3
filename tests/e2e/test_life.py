"""Starting, ending, and what goes wrong around a loop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.apps import NODE, PYTHON, App, Kind

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> App:  # noqa: ARG001 - an engine is needed
    root = tmp_path / "shop"
    root.mkdir()
    return App(NODE, root)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_app_within_its_grace_and_leaves_nothing(
    shop: App, engine: Engine, number: int
) -> None:
    source = shop.root / "server.js"
    deaf = "process.on('SIGTERM', () => console.log('not yet'))\n"
    source.write_text(source.read_text() + deaf)
    harness.write(shop.root, {"devloop.yaml": shop.config("  stop-grace: 1s\n")})
    with harness.running(shop.root) as up:
        up.ready()
        began = time.monotonic()
        assert up.stop(number) == 130
        assert 0.9 < time.monotonic() - began < 8
        up.wait("log", text="not yet")
        assert up.events[-2] | {"ts": 0, "v": 0} == {
            "event": "end",
            "exit_code": 130,
            "ts": 0,
            "v": 0,
        }
        assert harness.containers(engine, shop.root) == []
        assert not (shop.root / ".devloop" / "lock").exists()
        with pytest.raises(OSError, match="refused"):
            shop.get()


def test_a_second_interrupt_does_not_wait_for_the_grace(shop: App, engine: Engine) -> None:
    source = shop.root / "server.js"
    source.write_text(source.read_text() + "process.on('SIGTERM', () => console.log('deaf'))\n")
    harness.write(shop.root, {"devloop.yaml": shop.config("  stop-grace: 30s\n")})
    with harness.running(shop.root) as up:
        up.ready()
        up.process.send_signal(signal.SIGINT)
        up.wait("log", text="deaf")
        began = time.monotonic()
        while up.process.poll() is None and time.monotonic() - began < 20:
            up.process.send_signal(signal.SIGINT)
            time.sleep(0.2)  # a user who presses Ctrl-C again
        assert up.exit_code() == 130
        assert time.monotonic() - began < 20
        assert harness.containers(engine, shop.root) == []


def test_an_interrupt_during_a_build_cancels_it(shop: App, engine: Engine) -> None:
    dockerfile = "FROM node:22-slim\nWORKDIR /app\nCOPY package.json ./\n"
    dockerfile += f"RUN : {time.time_ns()}; sleep 60\n"  # no layer of an earlier run
    harness.write(shop.root, {"Dockerfile": dockerfile})
    with harness.running(shop.root) as up:
        up.wait("image.step")
        began = time.monotonic()
        assert up.stop() == 130
        assert time.monotonic() - began < 15
        assert harness.containers(engine, shop.root) == []


def test_what_a_killed_loop_left_is_taken_away_by_the_next(shop: App, engine: Engine) -> None:
    with harness.running(shop.root) as first:
        first.ready()
        left = first.wait("app.started")["container"]
        first.process.kill()
        first.exit_code()
        assert shop.get() == "hello 1", "the container goes on without its loop"
        assert [one["Id"] for one in harness.containers(engine, shop.root)] == [left]
        shop.say("after the kill")
        with harness.running(shop.root) as second:
            second.ready()
            assert shop.get() == "after the kill"
            found = [one["Id"] for one in harness.containers(engine, shop.root)]
            assert len(found) == 1
            assert found != [left]
            assert second.stop() == 130


def test_down_removes_what_a_killed_loop_left_and_ends_a_running_one(
    shop: App, engine: Engine
) -> None:
    with harness.running(shop.root) as up:
        up.ready()
        up.process.kill()
        up.exit_code()
        ended = harness.devloop("down", str(shop.root))
        assert (ended.returncode, "removed express-" in ended.stderr) == (0, True), ended.stderr
        assert harness.containers(engine, shop.root) == []
    with harness.running(shop.root) as up:
        up.ready()
        assert harness.devloop("down", str(shop.root)).returncode == 0
        assert up.exit_code() == 130


def test_a_second_up_says_so_and_names_the_first(shop: App) -> None:
    with harness.running(shop.root) as up:
        up.ready()
        second = harness.devloop("up", str(shop.root), "--format", "plain")
        assert second.returncode == 2
        assert f"process {up.process.pid}" in second.stderr
        assert shop.get() == "hello 1"


def test_no_engine_is_one_sentence_asked_for_before_the_project(tmp_path: Path) -> None:
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    for folder in (tmp_path, tmp_path / "not-there"):
        ended = harness.devloop("up", str(folder), "--format", "plain", env=nowhere)
        assert ended.returncode == 3
        assert ended.stderr.startswith("devloop: error: no Docker Engine answers")
        assert len(ended.stderr.splitlines()) == 1


def test_a_port_that_a_process_has_is_told_with_its_owner(shop: App) -> None:
    with socket.create_server(("127.0.0.1", shop.port)):
        ended = harness.devloop("up", str(shop.root), "--format", "plain")
    assert ended.returncode == 3
    assert f"port {shop.port} is taken by the process" in ended.stderr
    assert f"({os.getpid()})" in ended.stderr


def test_a_port_that_a_container_has_is_told_with_its_project(shop: App, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    second = App(NODE, other)
    second.port = shop.port
    harness.write(other, {"devloop.yaml": second.config()})
    with harness.running(shop.root) as up:
        up.ready()
        ended = harness.devloop("up", str(other), "--format", "plain")
        assert ended.returncode == 3
        assert f"port {shop.port} is taken by the container express-" in ended.stderr
        assert str(shop.root) in ended.stderr


def test_a_port_that_is_taken_later_leaves_the_old_app_serving(shop: App) -> None:
    with harness.running(shop.root) as up:
        up.ready()
        old = shop.port
        with socket.create_server(("127.0.0.1", 0)) as taken:
            here = up.here
            shop.port = taken.getsockname()[1]
            harness.write(shop.root, {"devloop.yaml": shop.config()})
            assert up.cycle("devloop.yaml", here)["outcome"] == "failed"
            assert harness.get(old) == "hello 1"


def test_a_container_removed_behind_our_back_is_made_again(shop: App, engine: Engine) -> None:
    with harness.running(shop.root) as up:
        container = up.wait("app.started")["container"]
        up.ready()
        here = up.here
        engine.delete(f"/containers/{container}", force="true")
        up.wait("app.exited", here)
        here = up.here
        shop.say("again")
        up.ready(here)
        assert shop.get() == "again"


def _own_engine() -> Iterator[list[str]]:
    script = REPOSITORY / "tests" / "engine" / "engine"
    status = subprocess.run([script, "status"], capture_output=True, text=True, check=False)
    if status.returncode:
        pytest.skip("the engine is not one that the tests started, so it is not restarted")
    yield [str(script), "restart-daemon"]


own_engine = pytest.fixture(_own_engine)


def test_an_engine_that_restarts_is_waited_for(shop: App, own_engine: list[str]) -> None:
    with harness.running(shop.root) as up:
        up.ready()
        here = up.here
        restarted = subprocess.run(own_engine, capture_output=True, text=True, check=False)
        assert restarted.returncode == 0, restarted.stderr
        gone = up.wait("error", here)
        assert "Engine is gone" in gone["message"]
        up.ready(here)
        assert shop.get() == "hello 1"
        here = up.here
        shop.say("after the restart")
        assert up.cycle("server.js", here)["outcome"] == "ok"
        assert shop.get() == "after the restart"


UID = 12345


def readable_python(folder: Path) -> list[str]:
    """Give a devloop that an ordinary user can run: the checkout may lie where only root may."""
    packages = Path(next(one for one in sys.path if one.endswith("site-packages")))
    left_out = ("mypy*", "ruff*", "hypothesis*", "hadolint*", "_editable*", "*.pth", "devloop")
    shutil.copytree(packages, folder / "packages", ignore=shutil.ignore_patterns(*left_out))
    shutil.copytree(REPOSITORY / "devloop", folder / "packages" / "devloop")
    shutil.copytree(REPOSITORY / "templates", folder / "packages" / "templates")
    python = f"/usr/bin/python3.{sys.version_info.minor}"
    if not os.path.exists(python):
        pytest.skip(f"{python} is not there: no interpreter that an ordinary user may run")
    launch = f"import sys; sys.path.insert(0, {str(folder / 'packages')!r}); "
    launch += "from devloop.__main__ import main; sys.exit(main())"
    return [python, "-c", launch]


@pytest.mark.parametrize("kind", [NODE, PYTHON], ids=["express", "flask"])
def test_run_by_an_ordinary_user_nothing_in_the_project_is_roots(
    kind: Kind,
    engine: Engine,
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    folder = Path("/var/tmp") / f"devloop-{os.getpid()}-{kind.name}"
    socket_gid = os.stat(os.environ["DOCKER_HOST"].removeprefix("unix://")).st_gid
    root = folder / "shop"
    root.mkdir(parents=True)
    try:
        app = App(kind, root)
        os.system(f"chown -R {UID}:{UID} {root}")  # noqa: S605 - our own folder
        argv = [*readable_python(folder), "up", str(root), "--format", "json"]
        options = {
            "user": UID,
            "group": UID,
            "extra_groups": [socket_gid],
            "cwd": "/",
            "env": {**os.environ, "HOME": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        }
        with harness.running(root, argv=argv, **options) as up:
            up.ready()
            container = up.wait("app.started")["container"]
            from devloop.engine import containers  # noqa: PLC0415

            where = "/app/node_modules" if kind is NODE else "/app"
            script = f"id -u; id -un; touch $HOME/x {where}/made && echo written"
            code, output = containers.execute(engine, container, ["sh", "-c", script])
            assert (code, output.split()) == (0, [str(UID), "devloop", "written"])
            here = up.here
            app.say("by a user")
            assert up.cycle(kind.source, here)["outcome"] == "ok"
            assert app.get() == "by a user"
            assert up.stop() == 130
        owners = {path: path.lstat().st_uid for path in [root, *root.rglob("*")]}
        assert {str(path) for path, uid in owners.items() if uid != UID} == set()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_build_prints_the_image_and_the_second_one_builds_nothing(shop: App) -> None:
    first = harness.devloop("build", str(shop.root))
    assert first.returncode == 0, first.stderr
    again = harness.devloop("build", str(shop.root), "--format", "json")
    events = [json.loads(line) for line in again.stdout.splitlines()]
    built = next(one for one in events if one["event"] == "image.built")
    assert built["cached"] is True
    assert built["fingerprint"][:12] in first.stdout
    assert events[-1]["event"] == "end"


def test_a_build_that_fails_is_the_projects_fault(shop: App) -> None:
    harness.write(shop.root, {"Dockerfile": "FROM node:22-slim\nRUN echo why && false\n"})
    ended = harness.devloop("build", str(shop.root), "--format", "plain")
    assert ended.returncode == 1
    assert "build failed in [2/2] RUN echo why && false" in ended.stderr.replace("1/1", "2/2")
    assert "why" in ended.stderr


def test_secrets_of_an_env_file_reach_the_app_and_nothing_else(shop: App, engine: Engine) -> None:
    secret = "s3cr3t-of-the-test"  # noqa: S105
    source = shop.root / "server.js"
    source.write_text(source.read_text().replace('"hello 1"', "process.env.TOKEN"))
    harness.write(
        shop.root, {".env": f"TOKEN={secret}\n", "devloop.yaml": shop.config("  env-file: .env\n")}
    )
    with harness.running(shop.root) as up:
        up.ready()
        assert shop.get() == secret
        image = up.wait("image.built")["image"]
        assert secret not in json.dumps(up.events)
        assert secret not in up.errors
        layers = json.dumps(engine.get(f"/images/{image}/json")) + json.dumps(
            engine.get(f"/images/{image}/history")
        )
        assert secret not in layers
        inside = subprocess.run(
            ["docker", "run", "--rm", "--entrypoint", "sh", image, "-c", "ls -A /app"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert ".env" not in inside
        here = up.here
        harness.write(shop.root, {".env": "TOKEN=another\n"})
        assert up.cycle(".env", here)["action"] == "recreate"
        assert shop.get() == "another"
