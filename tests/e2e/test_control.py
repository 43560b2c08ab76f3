"""Talking to a loop that runs, and to one that does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from devloop.engine.client import Engine
from devloop.model import Project
from devloop.project import lock
from devloop.serve import address as place
from tests.e2e import harness
from tests.e2e.apps import App
from tests.e2e.harness import Up, devloop


@pytest.fixture
def shop(lone_shop: App) -> App:
    return lone_shop


@pytest.fixture
def loop(shop: App) -> Iterator[Up]:
    with harness.running(shop.root) as up:
        up.ready()
        yield up


def events(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    for one in found:
        harness.SCHEMA.validate(one)
    return found


def status(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(devloop("status", str(root), "--format", "json").stdout)
    return found


def test_a_loop_in_the_background_from_its_start_to_its_end(shop: App, engine: Engine) -> None:
    root = str(shop.root)
    assert status(shop.root)["state"] == "stopped"
    started = devloop("up", root, "--detach", "--format", "json")
    assert started.returncode == 0, started.stdout + started.stderr
    told = [one["event"] for one in events(started.stdout)]
    assert told[0] == "up.started"
    assert told[-2:] == ["app.ready", "end"]
    assert shop.get() == "hello 1"
    found = status(shop.root)
    assert found["pid"] == lock.holder(root)
    assert (found["state"], found["url"]) == ("ready", f"http://localhost:{shop.port}")
    assert os.getsid(found["pid"]) == found["pid"], "it has no terminal"
    log = (shop.root / ".devloop" / "up.log").read_text()
    assert f"devloop: listening on http://localhost:{shop.port}\n" in log
    again = devloop("up", root, "--detach")
    assert again.returncode == 2
    assert f"process {found['pid']}" in again.stderr
    stopped = devloop("stop", root)
    assert stopped.returncode == 0, stopped.stderr
    assert lock.holder(root) is None
    assert harness.containers(engine, shop.root) == []
    assert not os.path.exists(place.path(Project(root, "").id))
    assert devloop("status", root).returncode == 1


def test_what_fails_before_the_loop_is_there_is_told(shop: App) -> None:
    harness.write(shop.root, {"devloop.yaml": "nme: x\n"})
    started = devloop("up", str(shop.root), "--detach", "--format", "plain")
    assert started.returncode == 2
    assert "devloop: error: devloop.yaml:1:1: unknown key `nme`" in started.stderr


def test_a_start_that_cannot_be_ends_with_its_exit_code(shop: App) -> None:
    with socket.create_server(("127.0.0.1", shop.port)):
        started = devloop("up", str(shop.root), "--detach", "--format", "plain")
    assert started.returncode == 3
    assert f"port {shop.port} is taken by" in started.stderr
    assert "the loop goes on" not in started.stderr


def test_an_app_that_fails_is_told_and_the_loop_goes_on(shop: App) -> None:
    shop.crash()
    started = devloop("up", str(shop.root), "--detach", "--format", "plain")
    assert started.returncode == 1
    assert "the app exited with code 1" in started.stderr
    with attached(shop.root) as up:
        here = up.here
        shop.say("mended")
        up.ready(here)
    assert shop.get() == "mended"


def attached(root: Path) -> Any:
    class Attached(Up):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.check()
            self.end()

    return Attached(
        root, [sys.executable, "-m", "devloop", "attach", str(root), "--format", "json"]
    )


def test_who_attaches_sees_where_the_loop_is_and_what_comes(shop: App, loop: Up) -> None:
    loop.wait("log", text="express is up")
    with attached(shop.root) as seen:
        seen.wait("up.started", project="express")
        seen.wait("log", text="express is up")
        old = seen.ready()
        assert old["ts"] == loop.ready()["ts"] or abs(old["ts"] - loop.ready()["ts"]) < 0.1
        shop.say("for both")
        assert seen.wait("cycle.finished")["outcome"] == "ok"
        assert loop.stop() == 130
        seen.wait("end", exit_code=130)
        assert seen.exit_code() == 130


def test_who_leaves_does_not_end_the_loop(shop: App, loop: Up) -> None:
    with attached(shop.root) as seen:
        seen.ready()
        assert seen.stop(signal.SIGINT) == 130
    assert loop.process.poll() is None
    assert shop.get() == "hello 1"


def test_a_restart_is_a_cycle_that_is_waited_for(shop: App, loop: Up) -> None:
    here, container = loop.here, loop.wait("app.started")["container"]
    done = devloop("restart", str(shop.root), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert loop.wait("cycle.started", here)["asked"] == "restart"
    ended = loop.wait("cycle.finished", here)
    assert (ended["action"], ended["outcome"]) == ("restart", "ok")
    assert events(done.stdout)[-1]["event"] == "end"
    assert loop.count("app.started") == 1, container
    shop.crash()
    loop.wait("app.exited")
    assert devloop("restart", str(shop.root)).returncode == 1


def test_a_rebuild_builds_what_is_there(shop: App, loop: Up) -> None:
    from devloop.serve.client import Connection  # noqa: PLC0415

    before = loop.wait("image.built")
    here = loop.here
    with Connection(Project(str(shop.root), "").id, "rebuild"):
        ended = loop.wait("cycle.finished", here)
    assert (ended["action"], ended["outcome"]) == ("rebuild", "ok"), ended
    built = loop.wait("image.built", here)
    assert (built["image"], built["cached"]) == (before["image"], False)
    assert not all(one["cached"] for one in loop.events[here:] if one["event"] == "image.step")
    assert shop.get() == "hello 1"


def test_stop_stops_within_the_grace_and_kill_at_once(shop: App, engine: Engine) -> None:
    source = shop.root / "server.js"
    source.write_text(source.read_text() + "process.on('SIGTERM', () => console.log('deaf'))\n")
    harness.write(shop.root, {"devloop.yaml": shop.config("  stop-grace: 60s\n")})
    with harness.running(shop.root) as up:
        up.ready()
        stopping = subprocess.Popen([sys.executable, "-m", "devloop", "stop", str(shop.root)])
        up.wait("log", text="deaf")
        assert stopping.poll() is None
        killed = devloop("kill", str(shop.root))
        assert killed.returncode == 0, killed.stderr
        assert up.exit_code(20) == 0
        assert stopping.wait(20) == 0
        assert harness.containers(engine, shop.root) == []


@pytest.mark.slow
def test_a_loop_that_hangs_is_killed_and_a_container_without_one_is_stopped(
    shop: App, engine: Engine
) -> None:
    with harness.running(shop.root) as up:
        up.ready()
        up.process.send_signal(signal.SIGSTOP)
        assert devloop("kill", str(shop.root)).returncode == 0
        assert up.exit_code(20) == -signal.SIGKILL
        assert [one["State"] for one in harness.containers(engine, shop.root)] == ["exited"]
        with harness.running(shop.root) as second:
            second.ready()
            second.process.kill()
            second.exit_code()
            assert devloop("stop", str(shop.root)).returncode == 0
            assert [one["State"] for one in harness.containers(engine, shop.root)] == ["exited"]


def test_there_is_nothing_to_talk_to(shop: App) -> None:
    for verb in ("attach", "restart"):
        done = devloop(verb, str(shop.root))
        assert done.returncode == 2
        assert done.stderr == "devloop: error: no loop runs here (start one with `devloop up`)\n"
