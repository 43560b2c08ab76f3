"""Draws docs/live.svg: the live view on the sample, as a terminal shows it.

Run as ``python -m tests.docs.picture`` with an engine (`make engine`) and tmux.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.docs.generated import DOCS
from tests.e2e.tmux import Tmux

SAMPLE = DOCS.parent / "tests" / "sample"
COLUMNS, ROWS = 92, 25


def session(root: Path) -> str:
    """Work on the sample for a while; give what the terminal shows, with its colours."""
    argv = [sys.executable, "-m", "devloop", "up", str(root)]
    with Tmux(argv, COLUMNS, ROWS) as window:
        window.see("app ready")
        for name, sign in (("app.py", "job test failure"), ("test_app.py", "job test success")):
            path = root / name
            path.write_text(path.read_text().replace("Hello", "Welcome"))
            window.see(sign)
        with (root / "requirements.txt").open("a") as stream:
            stream.write("itsdangerous\n")
        window.see("rebuild ok")
        window.see("job test success")
        return window.coloured()


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
