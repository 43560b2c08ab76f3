"""A terminal window of tmux, driven as a user would."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Self

import pytest

HISTORY = 200_000


class Tmux:
    """One window with one program; ends with the ``with`` block."""

    def __init__(self, argv: list[str], columns: int = 100, rows: int = 30, **env: str) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("tmux is not installed: the live view cannot be driven")
        self._name = f"devloop-test-{os.getpid()}-{time.monotonic_ns()}"
        setting = {
            "TERM": "screen-256color",
            "CI": "",
            "NO_COLOR": "",
            "LD_LIBRARY_PATH": "",
            **env,
        }
        assignments = [f"{key}={value}" for key, value in setting.items()]
        command = shlex.join(["env", *assignments, *argv])
        command += '; echo "ended with code $?, $(stty -a | grep -ow -e -echo -e echo)"; cat'
        self._tmux(
            "-f",
            "/dev/null",
            "start-server",
            ";",
            "set",
            "-g",
            "history-limit",
            str(HISTORY),
            ";",
            "new-session",
            "-d",
            "-x",
            str(columns),
            "-y",
            str(rows),
            command,
        )

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-u", "-L", self._name, *arguments], capture_output=True, text=True, check=True
        ).stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if error is not None:
            print(self.history())
        self._tmux("kill-server")

    def screen(self) -> list[str]:
        """The rows that can be seen, those at the end that are empty left out."""
        return self._tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def coloured(self) -> str:
        return self._tmux("capture-pane", "-p", "-e")

    def history(self) -> str:
        """All that was written, wrapped lines joined."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-")

    def key(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def kill(self, name: str) -> None:
        self._tmux("send-keys", name)

    def see(self, wanted: str | Callable[[list[str]], bool], timeout: float = 60.0) -> list[str]:
        """Wait until a text, or what a function looks for, can be seen."""
        deadline = time.monotonic() + timeout
        while True:
            rows = self.screen()
            if wanted(rows) if callable(wanted) else any(wanted in row for row in rows):
                return rows
            assert time.monotonic() < deadline, f"no {wanted!r} in\n" + "\n".join(rows)
            time.sleep(0.05)
