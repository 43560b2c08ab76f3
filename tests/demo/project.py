"""The sample project of the demo: a small express shop, and the edits that the tour makes to it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

EXPRESS = {"express": "^4.18.0"}
DATED = {**EXPRESS, "dayjs": "^1.11.0"}

SERVER = """const express = require('express')
const app = express()
app.get('/', (request, response) => response.send('{text}'))
app.listen(3000, '0.0.0.0')
"""

SERVER_WITH_DATE = """const express = require('express')
const dayjs = require('dayjs')
const app = express()
app.get('/', (request, response) => response.send('today is ' + dayjs().format('dddd')))
app.listen(3000, '0.0.0.0')
"""


def package(version: str = "1.0.0", dependencies: dict[str, str] = EXPRESS) -> str:
    """Give a package.json."""
    found = {
        "name": "shop",
        "version": version,
        "main": "server.js",
        "scripts": {"start": "node server.js"},
        "dependencies": dependencies,
    }
    return json.dumps(found, indent=2) + "\n"


class Sample:
    """The project in its folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git = shutil.which("git")
        root.mkdir()
        root.chmod(0o755)  # an image's own user must be able to read it
        self.write("package.json", package())
        self.write("server.js", SERVER.format(text="hello 1"))
        self.write("README.md", "# shop\n")

    def write(self, name: str, text: str) -> None:
        """Save a file as an editor does."""
        (self.root / name).write_text(text, "utf-8")

    def publish_at(self, port: int) -> None:
        """Choose the port on this machine in the devloop.yaml that `init` wrote."""
        path = self.root / "devloop.yaml"
        text = path.read_text("utf-8")
        path.write_text(text.replace('ports: ["3000"]', f'ports: ["{port}:3000"]'), "utf-8")

    def commit_on(self, branch: str, message: str) -> None:
        """Commit everything on a new branch; without git there is nothing to do."""
        if self.git:
            self._run("checkout", "--quiet", "-b", branch)
            self._run("add", "--all")
            self._run("commit", "--quiet", "--message", message)

    def begin_history(self) -> None:
        """Make it a repository with a first commit on the branch main."""
        if self.git:
            self._run("init", "--quiet")
            self.commit_on("main", "A shop")

    def back_to_main(self) -> None:
        """Switch the branch; without git, save what the switch would change."""
        if self.git:
            self._run("checkout", "--quiet", "main")
            return
        self.write("package.json", package("1.0.1"))
        self.write("server.js", SERVER.format(text="hello 2"))

    def _run(self, *arguments: str) -> None:
        """Run git with nobody's settings: no hooks, no signatures, an author of our own."""
        settings = {
            "user.name": "demo",
            "user.email": "demo@localhost",
            "commit.gpgsign": "false",
            "core.hooksPath": "/dev/null",
            "core.excludesFile": "/dev/null",
            "advice.detachedHead": "false",
        }
        chosen = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        subprocess.run([str(self.git), *chosen, *arguments], cwd=self.root, check=True)
