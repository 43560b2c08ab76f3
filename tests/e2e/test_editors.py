"""What `init --editor` wrote, used as the editor would use it, on a real engine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devloop.engine.client import Engine
from tests.e2e import harness

FILES = {
    "app.py": "import http.server as h\nh.test(h.SimpleHTTPRequestHandler, port=8000)\n",
    "requirements.txt": "",
    "devloop.yaml": "",
}
JOB = "jobs: {test: {steps: [{run: 'echo app.py:1:2:\\ error:\\ wrong; exit 1'}]}}\n"


@pytest.fixture
def root(tmp_path: Path, engine: Engine) -> Iterator[Path]:  # noqa: ARG001 - an engine is needed
    tmp_path.chmod(0o755)
    port = harness.free_port()
    app = f'app: {{ports: ["{port}:8000"], run: "python app.py"}}\n'
    harness.write(tmp_path, {**FILES, "devloop.yaml": app + JOB})
    assert harness.devloop("init", str(tmp_path), "--editor", "vscode").returncode == 0
    yield tmp_path
    harness.clear(tmp_path)


def task(root: Path, label: str) -> dict[str, Any]:
    tasks = json.loads((root / ".vscode" / "tasks.json").read_text())["tasks"]
    return next(one for one in tasks if one["label"] == label)


class Monitor:
    """A background task as VS Code follows it: busy or idle, and the problems found."""

    def __init__(self, root: Path, it: dict[str, Any]) -> None:
        self.matcher = it["problemMatcher"]
        self.busy = self.matcher["background"]["activeOnStart"]
        self.idles = 0
        self.problems: list[tuple[str, ...]] = []
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", it["command"], *it["args"]],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.changed:
                self._line(line.rstrip("\n"))
                self.changed.notify_all()

    def _line(self, line: str) -> None:
        back, pattern = self.matcher["background"], self.matcher["pattern"]
        self.lines.append(line)
        if re.search(back["beginsPattern"], line):
            self.busy = True
        elif re.search(back["endsPattern"], line):
            self.idles += self.busy
            self.busy = False
        if found := re.search(pattern["regexp"], line):
            parts = ("severity", "file", "line", "message")
            self.problems.append(tuple(found[pattern[part]] for part in parts))

    def wait(self, what: str, holds: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, 60), f"{what}: {self.lines}"

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()


def test_a_launch_can_wait_for_the_loop_and_sees_its_problems(root: Path) -> None:
    monitor = Monitor(root, task(root, "devloop: up"))
    try:
        monitor.wait("the start", lambda: monitor.idles == 1)
        harness.write(root, {"app.py": FILES["app.py"] + "\n"})
        monitor.wait("a cycle", lambda: monitor.idles == 2)
        monitor.wait("a problem", lambda: monitor.problems)
        assert monitor.problems[0] == ("error", "app.py", "1", "wrong (test)")
    finally:
        monitor.end()
    text = "\n".join(monitor.lines)
    assert "\x1b" not in text
    assert "\r" not in text


def test_check_s_findings_are_problems(root: Path) -> None:
    it = task(root, "devloop: check")
    (root / "Dockerfile").write_text("FROM python\nCMD python app.py\n")
    argv = [sys.executable, "-m", it["command"], *it["args"]]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    pattern = it["problemMatcher"]["pattern"]
    lines = (done.stdout + done.stderr).splitlines()
    found = [one for line in lines if (one := re.search(pattern["regexp"], line))]
    assert {one[pattern["file"]] for one in found} == {"Dockerfile"}


def complete(shell: str, **words: str) -> list[str]:
    env = {**os.environ, "_DEVLOOP_COMPLETE": f"complete_{shell}", **words}
    program = Path(sys.executable).parent / "devloop"
    done = subprocess.run([program], env=env, capture_output=True, text=True, check=False)
    return re.findall(r"[\w-]+", done.stdout)


def test_shells_complete_verbs_and_options() -> None:
    assert complete("bash", COMP_WORDS="devloop j", COMP_CWORD="1") == ["jobs"]
    assert "--editor" in complete("zsh", _TYPER_COMPLETE_ARGS="devloop init --ed")
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_ARGS": "devloop fing"}
    assert "fingerprint" in complete("fish", **fish)


def test_bash_completes_with_the_script() -> None:
    program = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}"}
    line = "COMP_WORDS=(devloop finger); COMP_CWORD=1; _devloop_completion devloop"
    script = f'eval "$(_DEVLOOP_COMPLETE=source_bash devloop)"; {line}; echo ${{COMPREPLY[@]}}'
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "fingerprint", done.stderr
