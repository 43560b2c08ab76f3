"""The main loop on a real engine, with an express app and a Flask app that install packages."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness
from tests.e2e.apps import NODE, App, package

ONLY_NODE = pytest.mark.parametrize("kind", [NODE], ids=["express"])


def test_up_builds_starts_and_serves_on_loopback_only(app: App) -> None:
    with harness.running(app.root) as up:
        ready = up.ready()
        assert ready["url"] == f"http://localhost:{app.port}"
        assert app.get() == "hello 1"
        assert up.events[0]["event"] == "up.started"
        assert up.wait("image.built")["cached"] is False
        elsewhere = socket.gethostbyname(socket.gethostname())
        outside = [one for one in (elsewhere, _own_address()) if not one.startswith("127.")]
        for address in outside:
            with pytest.raises(OSError, match="refused"):
                harness.get(app.port, host=address)
        assert up.stop() == 130


def _own_address() -> str:
    """Give this machine's address on its default route; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def test_a_source_edit_is_served_by_the_same_container_and_image(app: App, engine: Engine) -> None:
    with harness.running(app.root) as up:
        started = up.wait("app.started")
        up.ready()
        for number in (2, 3):
            here = up.here
            app.say(f"hello {number}")
            done = up.cycle(app.kind.source, here)
            assert (done["action"], done["outcome"]) == ("restart", "ok")
            assert app.get() == f"hello {number}"
        assert up.count("app.started") == 1
        assert up.count("image.building") == 1
        running = harness.containers(engine, app.root)
        assert [one["Id"] for one in running] == [started["container"]]


WHY_NOT = ("means the same", "no dependency moved", "not a source of the app")


def neutral_edits(app: App) -> list[tuple[str, str]]:
    """List edits that need no build, as (path, new content)."""
    if app.kind is NODE:
        data = json.loads((app.root / "package.json").read_text())
        turned = dict(reversed(data.items()))
        return [
            ("package.json", json.dumps(data)),
            ("package.json", json.dumps(turned, indent=4)),
            ("package.json", package(version="1.0.1")),
            ("package.json", package(scripts={"start": "node server.js", "test": "true"})),
            ("README.md", "# another\n"),
        ]
    return [
        ("requirements.txt", "# what the app needs\nflask\n\n"),
        ("README.md", "# another\n"),
        ("pyproject.toml", "[tool.ruff]\nline-length = 80\n"),
    ]


def test_what_moves_no_dependency_builds_nothing_and_says_why(app: App) -> None:
    lock = "package-lock.json" if app.kind is NODE else "README.md"
    if app.kind is NODE:
        _lock(app)
    with harness.running(app.root) as up:
        up.ready()
        for path, content in neutral_edits(app):
            here = up.here
            (app.root / path).write_text(content)
            done = up.cycle(path, here)
            assert done["action"] in ("none", "restart"), done
            assert done["outcome"] == "ok"
            assert any(why in done["cause"] for why in WHY_NOT), done
        for path in (app.kind.manifest, lock, app.kind.source):
            here = up.here
            content = (app.root / path).read_bytes()
            os.utime(app.root / path)
            (app.root / path).write_bytes(content)
            done = up.cycle(path, here)
            assert done["action"] == "none", done
            assert "what it was" in done["cause"]
        assert up.count("image.building") == 1
        assert up.count("app.started") == 1
        assert app.get() == "hello 1"


def _lock(app: App) -> None:
    """Give the project a lock of its own making, by the package manager of the image."""
    built = harness.devloop("build", str(app.root))
    assert built.returncode == 0, built.stderr
    image = built.stdout.split()[-1]
    script = "cp /app/package.json /tmp && cd /tmp && npm install --package-lock-only >&2"
    script += " && cat package-lock.json"
    text = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", "sh", image, "-c", script],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    (app.root / "package-lock.json").write_text(text)


def test_a_new_dependency_is_one_build_and_the_old_app_serves_meanwhile(
    app: App, engine: Engine
) -> None:
    module, manifest = app.kind.more
    before = (app.root / app.kind.manifest).read_text()
    with harness.running(app.root) as up:
        first = up.wait("app.started")
        up.ready()
        assert not app.has(module)
        here = up.here
        with Asking(app) as asking:
            app.manifest(manifest)
            built = up.wait("image.built", here)
            assert asking.failures == [], "the old app was to answer while the image was built"
            done = up.cycle(app.kind.manifest, here)
        assert (done["action"], done["outcome"]) == ("rebuild", "ok")
        assert done["gap_s"] > 0
        assert done["build_s"] > 0
        assert module in done["cause"]
        assert app.has(module)
        assert up.count("image.building", here) == 1

        here = up.here
        app.manifest(before)
        done = up.cycle(app.kind.manifest, here)
        assert (done["action"], done["outcome"]) == ("recreate", "ok")
        again = up.wait("app.started", here)
        assert up.wait("image.built", here)["cached"] is True
        assert up.count("image.building", here) == 0
        assert again["image"] == first["image"] != built["image"]
        assert not app.has(module)
        assert len(harness.containers(engine, app.root)) == 1


class Asking:
    """Asks the app all the time and remembers when nobody answered."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.failures: list[str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        while not self.ended.wait(0.02):
            try:
                self.app.get()
            except OSError as error:
                self.failures.append(f"{time.monotonic()}: {error}")

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join(20)


def test_a_crash_after_a_bad_edit_leaves_the_loop_alive(app: App) -> None:
    with harness.running(app.root) as up:
        up.ready()
        here = up.here
        app.crash()
        assert up.cycle(app.kind.source, here)["outcome"] == "crashed"
        assert up.wait("app.exited", here)["exit_code"] != 0
        here = up.here
        app.say("mended")
        assert up.cycle(app.kind.source, here)["outcome"] == "ok"
        assert app.get() == "mended"
        assert up.count("app.started") == 1


@ONLY_NODE
def test_a_half_written_manifest_changes_nothing_until_it_is_whole(app: App) -> None:
    with harness.running(app.root) as up:
        up.ready()
        whole = (app.root / "package.json").read_text()
        here = up.here
        app.manifest(whole[: len(whole) // 2])
        done = up.cycle("package.json", here)
        assert done["action"] == "none"
        assert "does not parse" in done["cause"]
        told = up.wait("error", here)
        assert "package.json does not parse" in told["message"]
        assert app.get() == "hello 1"
        here = up.here
        app.manifest(package(dependencies={"express": "^4.18.0", "is-odd": "^3.0.1"}))
        assert up.cycle("package.json", here)["action"] == "rebuild"
        assert app.has("is-odd")


def test_a_dependency_that_does_not_exist_leaves_the_old_app_serving(app: App) -> None:
    good = (app.root / app.kind.manifest).read_text()
    bad = (
        package(dependencies={"express": "^4.18.0", "devloop-no-such-package-here": "1.0.0"})
        if app.kind is NODE
        else "flask\ndevloop-no-such-package-here==1\n"
    )
    with harness.running(app.root) as up:
        up.ready()
        here = up.here
        app.manifest(bad)
        assert up.cycle(app.kind.manifest, here)["outcome"] == "failed"
        failed = up.wait("image.failed", here)
        assert "devloop-no-such-package-here" in failed["message"]
        assert app.get() == "hello 1"
        here = up.here
        app.say("still here")
        assert up.cycle(app.kind.source, here)["action"] == "restart"
        assert app.get() == "still here"
        here = up.here
        app.manifest(good)
        done = up.cycle(app.kind.manifest, here)
        assert (done["action"] in ("none", "restart"), done["outcome"]) == (True, "ok")
        assert up.count("image.building", here) == 0


@ONLY_NODE
def test_a_broken_config_is_told_with_its_line_and_the_last_good_one_stays(app: App) -> None:
    with harness.running(app.root) as up:
        up.ready()
        here = up.here
        harness.write(app.root, {"devloop.yaml": app.config("  prots: [1]\n")})
        assert up.cycle("devloop.yaml", here)["action"] == "none"
        told = up.wait("error", here)
        assert told["message"].startswith("devloop.yaml:4:")
        assert "`ports`" in told["message"] + told["hint"]
        assert app.get() == "hello 1"
        here = up.here
        harness.write(app.root, {"devloop.yaml": app.config("  env: {GREETING: hi}\n")})
        done = up.cycle("devloop.yaml", here)
        assert (done["action"], done["outcome"]) == ("recreate", "ok")
        assert up.count("image.building") == 1


def test_ten_saves_in_a_moment_are_one_restart(app: App) -> None:
    with harness.running(app.root) as up:
        up.ready()
        here = up.here
        for number in range(10):
            app.say(f"save {number}")
            time.sleep(0.01)  # an editor's pace; the burst is what is tested
        app.say("the last one")
        up.cycle(app.kind.source, here)
        assert app.get() == "the last one"
        restarts = [
            one
            for one in up.events[here:]
            if one["event"] == "cycle.finished" and one["action"] == "restart"
        ]
        assert len(restarts) == 1, restarts


@ONLY_NODE
def test_a_newer_dependency_change_cancels_the_build(app: App) -> None:
    slow = "FROM node:22-slim\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\n"
    # no layer of an earlier run
    slow += f"RUN : {time.time_ns()}; grep -q is-odd package.json && sleep 30 || true\n"
    slow += 'COPY . .\nCMD ["node","server.js"]\n'
    harness.write(app.root, {"Dockerfile": slow})
    with harness.running(app.root) as up:
        up.ready()
        here = up.here
        app.manifest(package(dependencies={"express": "^4.18.0", "is-odd": "^3.0.1"}))
        first = up.wait("cycle.started", here)
        up.wait("image.step", here, lambda it: "npm install" in it["name"])
        began = time.monotonic()
        app.manifest(package(dependencies={"express": "^4.18.0", "is-even": "^1.0.0"}))
        up.wait("image.cancelled", here)
        ended = up.wait("cycle.finished", here, cycle=first["cycle"])
        assert ended["outcome"] == "superseded"
        last = up.wait("cycle.finished", here, action="rebuild", outcome="ok")
        assert last["cycle"] > first["cycle"]
        assert time.monotonic() - began < 25, "the first build was to be cancelled"
        assert app.has("is-even")
        assert not app.has("is-odd") or app.has("is-even")
        assert up.count("image.built", here) == 1


@ONLY_NODE
def test_nothing_of_the_projects_state_reaches_the_container(app: App, engine: Engine) -> None:
    with harness.running(app.root) as up:
        container = up.wait("app.started")["container"]
        up.ready()
        from devloop.engine import containers  # noqa: PLC0415

        code, output = containers.execute(engine, container, ["ls", "-A", "/app/.devloop"])
        assert (code, output.strip()) == (0, "")
        assert (Path(app.root) / ".devloop" / "lock").exists()
