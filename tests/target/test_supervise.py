"""The supervisor under the shells that images have, driven by signals; no engine."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux: the script is its own"
)
SCRIPT = (
    Path(__file__).parent.parent.parent / "devloop" / "target" / "agent" / "supervise.sh"
).read_text("ascii")
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
PATIENCE = 20.0

# What the engine's init does: reap orphans, pass signals on, end with its child's code.
INIT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: os.kill(child, number))
while True:
    pid, status = os.wait()
    if pid == child:
        os._exit(os.waitstatus_to_exitcode(status) % 256)
"""

APP = """
import os, signal, subprocess, sys, time
def told(*words): print(*words, flush=True)
"""


class Supervised:
    """One supervisor and the lines that come out of it."""

    def __init__(self, shell: list[str], program: str, stop: str, grace: str) -> None:
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        app = [sys.executable, "-u", "-c", APP + program]
        init = [sys.executable, "-c", INIT, *shell]
        self.process = subprocess.Popen(
            [*init, "-c", SCRIPT, "devloop", "N", stop, grace, "USR2", *app],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def wait(self, text: str) -> str:
        """Wait for a line that starts with a text; the lines before it are dropped."""
        deadline = time.monotonic() + PATIENCE
        seen: list[str] = []
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {text!r} in {seen}") from None
            if line.startswith(text):
                return line
            seen.append(line)

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join(5)
            assert not self.reader.is_alive(), "something of the app lives on"
            for stream in (self.process.stdin, self.process.stdout):
                if stream:
                    stream.close()


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    argv = SHELLS[request.param]
    if not shutil.which(argv[0]):
        pytest.skip(f"no {argv[0]} on this machine")
    return argv


@pytest.fixture
def run(shell: list[str]) -> Iterator[type]:
    made: list[Supervised] = []

    def start(program: str, stop: str = "TERM", grace: str = "2") -> Supervised:
        made.append(Supervised(shell, program, stop, grace))
        return made[-1]

    yield start  # type: ignore[misc]
    for one in made:
        one.end()


SERVE = "told('serving', os.getpid())\nsignal.pause()\n"


def gone(pid: int) -> bool:
    """Wait until a process is gone; a zombie counts as gone."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.005)
    return False


def test_hup_ends_the_old_process_before_the_new_one_starts(run: type) -> None:
    one = run(SERVE)
    one.wait("N started 1")
    pid = int(one.wait("serving").split()[1])
    one.send(signal.SIGHUP)
    one.wait("N started 2")
    assert gone(pid)
    one.wait("serving")
    assert one.end() in (0, 143)


def test_the_whole_tree_is_ended(run: type) -> None:
    program = (
        "child = subprocess.Popen(['sleep', '600'])\ntold('child', child.pid)\nsignal.pause()\n"
    )
    one = run(program)
    pid = int(one.wait("child").split()[1])
    one.send(signal.SIGHUP)
    one.wait("N started 2")
    assert gone(pid)


def test_a_child_that_outlives_its_parent_is_ended_too(run: type) -> None:
    program = (
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; "
        'signal.signal(signal.SIGTERM, signal.SIG_IGN); print("deaf", flush=True); '
        "signal.pause()'])\ntold('child', child.pid)\nsignal.pause()\n"
    )
    one = run(program, grace="0.3")
    pid = int(one.wait("child").split()[1])
    one.wait("deaf")
    one.send(signal.SIGHUP)
    one.wait("N started 2")
    assert gone(pid)


def test_a_deaf_app_is_killed_after_its_grace(run: type) -> None:
    program = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE
    one = run(program, grace="0.5")
    one.wait("serving")
    began = time.monotonic()
    one.send(signal.SIGHUP)
    one.wait("N started 2")
    assert time.monotonic() - began >= 0.45


def test_the_grace_is_not_slept_out_when_the_app_is_gone_sooner(run: type) -> None:
    one = run(SERVE, grace="15")
    one.wait("serving")
    began = time.monotonic()
    one.send(signal.SIGHUP)
    one.wait("N started 2")
    assert time.monotonic() - began < 10


def test_several_hups_during_a_slow_stop_are_one_restart(run: type) -> None:
    program = (
        "def slow(*_):\n    told('stopping')\n    time.sleep(0.5)\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, slow)\n" + SERVE
    )
    one = run(program, grace="5")
    one.wait("serving")
    one.send(signal.SIGHUP)
    one.wait("stopping")
    for _ in range(3):
        one.send(signal.SIGHUP)
    one.wait("N started 2")
    one.wait("serving")
    one.send(signal.SIGTERM)
    code = one.process.wait(PATIENCE)
    left = []
    one.reader.join(PATIENCE)
    while not one.lines.empty():
        left.append(one.lines.get())
    assert not any("started 3" in line for line in left), left
    assert code in (0, 143)


def test_an_app_that_dies_is_reported_and_waits_for_a_hup(run: type) -> None:
    one = run("told('dying')\nsys.exit(7)\n")
    assert one.wait("N exited") == "N exited 7"
    for number in (2, 3):
        one.send(signal.SIGHUP)
        one.wait(f"N started {number}")
        assert one.wait("N exited") == "N exited 7"


def test_an_app_killed_by_a_signal_is_reported(run: type) -> None:
    one = run("told('x')\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert one.wait("N exited") == "N exited 137"


def test_the_reload_signal_is_passed_on(run: type) -> None:
    one = run(
        "signal.signal(signal.SIGUSR2, lambda *_: told('reloaded'))\n"
        "told('serving')\nwhile True: signal.pause()\n"
    )
    one.wait("serving")
    one.send(signal.SIGUSR1)
    one.wait("reloaded")


def test_the_images_stop_signal_is_used(run: type) -> None:
    program = "signal.signal(signal.SIGQUIT, lambda *_: (told('by quit'), sys.exit()))\n" + SERVE
    one = run(program, stop="QUIT")
    one.wait("serving")
    one.send(signal.SIGHUP)
    one.wait("by quit")
    one.wait("N started 2")


def test_an_app_may_be_interrupted_and_has_a_real_stdin(run: type, shell: list[str]) -> None:
    program = (
        "told('int', signal.getsignal(signal.SIGINT) is not signal.SIG_IGN)\n"
        "told('line', sys.stdin.readline().strip())\n"
    )
    one = run(program)
    if shell != ["busybox", "sh"]:  # its env may lack --default-signal
        assert one.wait("int") == "int True"
    assert one.process.stdin
    one.process.stdin.write("typed\n")
    one.process.stdin.flush()
    assert one.wait("line") == "line typed"


def test_a_hup_at_every_moment_is_never_lost(run: type) -> None:
    one = run("told('pid', os.getpid())\nsignal.pause()\n")
    one.wait("pid")
    last = 1
    for number in range(30):
        one.send(signal.SIGHUP)
        time.sleep(0.002 * (number % 7))  # different moments of the start and the stop
    one.wait("N started")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        line = one.wait("")
        if line.startswith("N started"):
            last = int(line.split()[2])
        if line.startswith("pid") and one.lines.empty():
            break
    pid = int(line.split()[1])
    one.send(signal.SIGHUP)
    one.wait(f"N started {last + 1}")
    assert gone(pid)


def test_term_ends_it_and_nothing_is_left(run: type) -> None:
    one = run(
        "child = subprocess.Popen(['sleep', '600'])\ntold('child', child.pid)\nsignal.pause()\n"
    )
    pid = int(one.wait("child").split()[1])
    one.end()
    assert gone(pid)
    assert one.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(one.process.pid, 0)
