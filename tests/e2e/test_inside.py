"""`exec` and `shell` in a pseudo-terminal and in a pipe, `ps`, `logs`, `clean`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.engine import containers
from devloop.engine.client import Engine
from devloop.model import LABEL_PROJECT
from tests.e2e import harness
from tests.e2e.apps import NODE, App
from tests.e2e.harness import Up, devloop
from tests.e2e.terminal import Terminal


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> App:  # noqa: ARG001
    root = tmp_path_factory.mktemp("inside") / "shop"
    root.mkdir()
    app = App(NODE, root)
    harness.write(root, {"devloop.yaml": app.config("  memory: 256m\n  cpus: 0.5\n")})
    return app


@pytest.fixture(scope="module")
def loop(shop: App) -> Iterator[Up]:
    with harness.running(shop.root) as up:
        up.ready()
        yield up


@pytest.fixture
def root(shop: App, loop: Up) -> str:  # noqa: ARG001
    return str(shop.root)


def test_exec_in_a_pipe_has_the_commands_streams_and_exit_code(root: str) -> None:
    script = "cat; echo err >&2; pwd; echo $X; exit 7"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "devloop",
            "exec",
            "-C",
            root,
            "-e",
            "X=a=b",
            "-w",
            "/tmp",
            "sh",
            "-c",
            script,
        ],
        input="typed\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "typed\n/tmp\na=b\n", "err\n")


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [("nope", 127, "there is no `nope`"), ("/etc", 126, "may not be run")],
)
def test_exec_of_what_cannot_run(root: str, argv: str, code: int, words: str) -> None:
    done = devloop("exec", "-C", root, argv)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    with Terminal("exec", "-C", root, argv) as terminal:
        terminal.see(words)
        assert terminal.wait() == code


def test_exec_of_options_that_look_like_ours(root: str) -> None:
    assert devloop("exec", "-C", root, "echo", "--service", "-T").stdout == "--service -T\n"


def test_an_interrupt_of_a_pipe_is_the_commands(root: str) -> None:
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "devloop",
            "exec",
            "-C",
            root,
            "sh",
            "-c",
            "trap 'echo caught; exit 9' INT; echo begun; while :; do sleep 0.1; done",
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    with running:
        assert running.stdout
        assert running.stdout.readline() == "begun\n"
        running.send_signal(signal.SIGINT)
        assert running.stdout.readline() == "caught\n"
        assert running.wait(20) == 9


def test_a_terminal_has_its_size_and_follows_it(root: str) -> None:
    with Terminal("exec", "-C", root, "sh", columns=91, rows=33) as terminal:
        terminal.type("stty size; test -t 0 && echo a t''ty\n")
        terminal.see("33 91")
        terminal.see("a tty")
        terminal.resize(40, 20)
        terminal.type('until [ "$(stty size)" = "20 40" ]; do sleep 0.05; done; echo res""ized\n')
        terminal.see("resized")
        terminal.type("exit 5\n")
        assert terminal.wait() == 5
        assert terminal.echoes


def test_ctrl_c_at_a_terminal_is_the_commands(root: str) -> None:
    with Terminal("exec", "-C", root, "sh", "-c", "echo begun; sleep 60") as terminal:
        terminal.see("begun")
        assert not terminal.echoes
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert terminal.echoes


def test_a_shell_is_bash_where_there_is_one(root: str) -> None:
    with Terminal("shell", "-C", root) as terminal:
        terminal.type("echo $0 in $PWD; tty\n")
        terminal.see("bash in /app")
        terminal.see("/dev/pts/")
        terminal.type("exit 3\n")
        assert terminal.wait() == 3


def test_a_closed_terminal_ends_what_ran_in_it(root: str, engine: Engine, loop: Up) -> None:
    container = loop.wait("app.started")["container"]
    with Terminal("shell", "-C", root) as terminal:
        terminal.type("sleep 7654 & echo be''gun; sleep 7655\n")
        terminal.see("begun")
        assert _sleeping(engine, container) == 2
        terminal.close()
        assert terminal.wait() == 128 + signal.SIGHUP
    deadline = time.monotonic() + 10
    while _sleeping(engine, container):
        assert time.monotonic() < deadline, "what ran in the terminal lives on"


def _sleeping(engine: Engine, container: str) -> int:
    count = "grep -lsz '^765[45]$' /proc/[0-9]*/cmdline | wc -l"
    return int(containers.execute(engine, container, ["sh", "-c", count])[1])


@pytest.mark.usefixtures("engine")
def test_nothing_runs_to_go_into(tmp_path: Path) -> None:
    done = devloop("exec", "-C", str(tmp_path), "true")
    assert done.returncode == 2
    assert "no container of this project runs (start it with `devloop up`)" in done.stderr
    assert devloop("logs", "-C", str(tmp_path)).returncode == 2
    assert devloop("ps", "-C", str(tmp_path)).stdout.startswith("SERVICE")


def test_ps_in_every_form(root: str, shop: App) -> None:
    table = devloop("ps", "-C", root).stdout.splitlines()
    assert table[0].split() == ["SERVICE", "CONTAINER", "IMAGE", "STATUS", "PORTS", "CPU", "MEMORY"]
    assert f"127.0.0.1:{shop.port}->3000/tcp" in table[1]
    assert "/ 256.0MiB" in table[1]
    found = json.loads(devloop("ps", "app", "-C", root, "--format", "json").stdout)
    assert (found["service"], found["state"]) == ("app", "running")
    assert found["image"].startswith("devloop/express-")
    assert found["memory"] > 1 << 20
    assert found["cpu"] >= 0
    mine = devloop("ps", "-C", root, "--format", "{{.State}} {{json .Service}}").stdout
    assert mine == 'running "app"\n'
    for arguments, words in ((["web"], "service `web`"), (["--format", "{{.X}}"], "field `.X`")):
        wrong = devloop("ps", "-C", root, *arguments)
        assert (wrong.returncode, words in wrong.stderr) == (2, True), wrong.stderr


def test_the_limits_of_devloop_yaml_hold(root: str) -> None:
    script = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max 2>/dev/null || "
    script += "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us"
    found = devloop("exec", "-C", root, "sh", "-c", script).stdout.split()
    assert found[:2] == [str(256 << 20), "50000"]


def test_logs_are_the_apps_own_lines(root: str, shop: App, loop: Up) -> None:
    source = shop.root / "server.js"
    here = loop.here
    lines = "".join(f"console.log('line {n}'); console.error('wrong {n}');" for n in range(3))
    source.write_text(source.read_text() + lines)
    loop.cycle("server.js", here)
    loop.wait("log", here, text="wrong 2")
    done = devloop("logs", "-C", root)
    assert done.stdout.splitlines()[0] == "express is up"
    assert "line 2" in done.stdout.splitlines()
    assert "wrong 2" in done.stderr.splitlines()
    assert "started" not in done.stdout + done.stderr
    assert "line 0" not in devloop("logs", "-C", root, "--tail", "2").stdout
    assert devloop("logs", "-C", root, "--since", "2000-01-01").stdout == done.stdout
    assert devloop("logs", "-C", root, "--since", "2999-01-01T00:00:00").stdout == ""
    for wrong in (["--since", "soon"], ["--tail", "x"]):
        assert devloop("logs", "-C", root, *wrong).returncode == 2


def test_logs_follow_into_the_next_container(root: str, shop: App, loop: Up) -> None:
    following = subprocess.Popen(
        [sys.executable, "-m", "devloop", "logs", "-C", root, "-f", "--tail", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with following:
        assert following.stdout
        assert following.stdout.readline(), "it follows from here"
        here = loop.here
        shop.say("quiet")
        loop.cycle("server.js", here)
        assert following.stdout.readline() == "express is up\n"
        here = loop.here
        harness.write(shop.root, {"devloop.yaml": shop.config("  env: {NEW: '1'}\n")})
        assert loop.cycle("devloop.yaml", here)["action"] == "recreate"
        assert following.stdout.readline() == "express is up\n"
        following.send_signal(signal.SIGINT)
        assert following.wait(20) == 130


def test_clean_removes_what_bears_the_label_and_nothing_else(
    tmp_path: Path, engine: Engine
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        app = App(NODE, folder)
        dockerfile = "FROM node:22-slim\nWORKDIR /app\nRUN mkdir data && echo kept > data/x\n"
        dockerfile += f'COPY . .\nLABEL x={folder}\nCMD ["node", "server.js"]\n'
        server = "require('http').createServer((_, res) => res.end('up')).listen(3000)\n"
        files = {"Dockerfile": dockerfile, "server.js": server, "package.json": "{}"}
        harness.write(folder, {**files, "devloop.yaml": app.config("  keep: [data]\n")})
        with harness.running(folder) as up:
            up.ready()
            if folder == mine:
                refused = devloop("clean", str(mine))
                assert (refused.returncode, "a devloop is running" in refused.stderr) == (2, True)
                up.process.kill()
                up.exit_code()
                dry = devloop("clean", str(mine), "--dry-run").stdout
                assert "would remove image devloop/express-" in dry
                done = devloop("clean", str(mine))
                assert done.returncode == 0, done.stderr
                assert done.stdout.splitlines()[-1].startswith("freed ")
                assert "removed container express-" in done.stdout
                assert "removed volume devloop-express-" in done.stdout
            else:
                assert up.stop() == 130
    assert _images(engine, mine) == []
    assert harness.volumes(engine, mine) == []
    assert len(_images(engine, other)) == 1
    assert len(harness.volumes(engine, other)) == 1
    assert devloop("clean", str(mine)).stdout == "freed 0B\n"
    assert devloop("clean", str(other)).returncode == 0


def _images(engine: Engine, root: Path) -> list[str]:
    wanted = json.dumps({"label": [harness.label(root)]})
    assert LABEL_PROJECT in wanted
    return [one["Id"] for one in engine.get("/images/json", filters=wanted)]
