"""Draws docs/live.svg: the live view on the sample, as a terminal shows it.

Run as ``python -m tests.docs.picture`` with an engine (`make engine`) and tmux.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.docs.generated import DOCS

SAMPLE = DOCS.parent / "tests" / "sample"
COLUMNS, ROWS = 92, 25
PATIENCE = 60.0


class Window:
    """A terminal window of tmux."""

    def __init__(self, command: str) -> None:
        self.name = f"devloop-picture-{os.getpid()}"
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        self.tmux("-f", "/dev/null", "new-session", "-d", *size, command)

    def tmux(self, *words: str) -> str:
        argv = ["tmux", "-L", self.name, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def shown(self, *options: str) -> str:
        return self.tmux("capture-pane", "-p", *options)

    def wait(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text} never came:\n{self.shown()}")
            time.sleep(0.1)


def session(root: Path) -> str:
    """Work on the sample for a while; give what the terminal shows, with its colours."""
    program = Path(sys.executable).parent / "devloop"
    window = Window(f"cd {root} && env -u CI -u NO_COLOR TERM=tmux-256color {program} up")
    try:
        window.wait("app ready")
        app = root / "app.py"
        app.write_text(app.read_text().replace("Hello", "Welcome"))
        window.wait("job test failure")
        test = root / "test_app.py"
        test.write_text(test.read_text().replace("Hello", "Welcome"))
        window.wait("job test success")
        with (root / "requirements.txt").open("a") as stream:
            stream.write("itsdangerous\n")
        window.wait("rebuild ok")
        window.wait("job test success")
        return window.shown("-e")
    finally:
        window.tmux("kill-server")


def draw(screen: str) -> str:
    """Give a picture of a screen."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.rstrip("\n")))
    return console.export_svg(title="devloop up", unique_id="live")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sample"
        shutil.copytree(SAMPLE, root)
        for one in (root.parent, root):
            one.chmod(0o755)
        (DOCS / "live.svg").write_text(draw(session(root)), "utf-8")


if __name__ == "__main__":
    main()
