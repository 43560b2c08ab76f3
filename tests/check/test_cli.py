from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.harness import devloop, write

BAD = {
    "package.json": '{"dependencies": {"express": "4"}}',
    "package-lock.json": "{}",
    "server.js": "1\n",
    "Dockerfile": "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nUSER 1000\n"
    'ENV HOST=localhost\nCMD ["node", "server.js"]\n',
    ".dockerignore": "*lock*\n",
}


def test_each_finding_says_where_what_why_and_how(tmp_path: Path) -> None:
    write(tmp_path, BAD)
    done = devloop("check", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        ".dockerignore:1: error: `*lock*` hides package-lock.json from the build "
        "[manifest-ignored]",
        "    why: a COPY of it fails, and a COPY of the folder leaves it out",
        "    mend: add `!package-lock.json` below it (`devloop check --fix` does it)",
        "Dockerfile:3: warning: the source is copied before `npm ci` in line 4 "
        "[source-before-install]",
        "    why: the builder's cache ends here: "
        "a change of any file installs every dependency anew",
        "    mend: copy package-lock.json, package.json first, then install, then copy the rest "
        "(`devloop check --fix` does it)",
        "Dockerfile:6: error: the server is told to listen on localhost [server-on-localhost]",
        "    why: localhost is the container's own: no published port reaches it",
        "    mend: listen on 0.0.0.0 (`devloop check --fix` does it)",
        "2 errors, 1 warning",
    ]


def test_what_is_safe_is_mended_and_the_rest_stays(tmp_path: Path) -> None:
    write(tmp_path, BAD)
    (tmp_path / "Dockerfile").chmod(0o640)
    done = devloop("check", str(tmp_path), "--fix", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["findings"]) == (0, [])
    assert [one["rule"] for one in told["mended"]] == [
        "manifest-ignored",
        "source-before-install",
        "server-on-localhost",
    ]
    assert (tmp_path / ".dockerignore").read_text() == "*lock*\n!package-lock.json\n"
    assert (tmp_path / "Dockerfile").read_text() == (
        "FROM node:22-slim\nWORKDIR /app\nCOPY package-lock.json package.json ./\nRUN npm ci\n"
        'COPY . .\nUSER 1000\nENV HOST=0.0.0.0\nCMD ["node", "server.js"]\n'
    )
    assert (tmp_path / "Dockerfile").stat().st_mode & 0o777 == 0o640
    assert devloop("check", str(tmp_path)).stdout == "0 errors, 0 warnings\n"


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    write(tmp_path, {**BAD, ".dockerignore": "", "Dockerfile": "FROM node:22\nWORKDIR /a\n"})
    done = devloop("check", str(tmp_path))
    assert done.returncode == 0
    assert "root-user" in done.stdout


def test_every_error_of_devloop_yaml_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, {**BAD, "devloop.yaml": "app:\n  rnu: x\nwatch:\n  quiet: soon\n"})
    done = devloop("check", str(tmp_path), "--format", "json")
    told = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert [(one["rule"], one["path"], one["line"], one["column"]) for one in told] == [
        ("config", "devloop.yaml", 2, 3),
        ("config", "devloop.yaml", 4, 10),
    ]


def test_the_command_of_devloop_yaml_is_found_in_its_line(tmp_path: Path) -> None:
    write(tmp_path, {**BAD, "devloop.yaml": "# mine\napp:\n  run: npx vite\n"})
    assert "devloop.yaml:3: error: the server listens on" in devloop("check", str(tmp_path)).stdout


def test_a_bare_project_has_nothing_wrong(tmp_path: Path) -> None:
    write(tmp_path, {name: BAD[name] for name in ("package.json", "server.js")})
    assert devloop("check", str(tmp_path), "--fix").stdout == "0 errors, 0 warnings\n"


def test_a_link_out_of_the_project_is_not_written_through(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"Dockerfile": BAD["Dockerfile"]})
    root = write(tmp_path / "project", {k: v for k, v in BAD.items() if k != "Dockerfile"})
    (root / "Dockerfile").symlink_to(outside / "Dockerfile")
    done = devloop("check", str(root), "--fix")
    assert done.returncode == 2
    assert "link out of the project" in done.stderr
    assert (outside / "Dockerfile").read_text() == BAD["Dockerfile"]
