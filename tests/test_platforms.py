"""What can be told here of other systems: every module is importable where POSIX is not.

The platform and the modules that Windows has not are taken away after everything else has been
imported; what a module then still asks of the missing ones fails here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import HOUSE, MODULES

POSIX_MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")
POSIX_NAMES = {
    "os": ("getuid", "getgid", "geteuid", "getpgrp", "tcgetpgrp", "fork", "killpg", "setsid"),
    "signal": ("SIGHUP", "SIGKILL", "SIGWINCH", "SIGUSR1", "SIGQUIT"),
    "select": ("poll", "epoll"),
    "socket": ("AF_UNIX", "SO_PEERCRED"),
}
FLAGS = ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK")
WINDOWS = f"""
import importlib, subprocess, sys, types
sys.dont_write_bytecode = True
for name in {list(MODULES)!r}:
    importlib.import_module(name)
for name in [one for one in sys.modules if one.split(".")[0] == "devloop"]:
    del sys.modules[name]
for name in {POSIX_MODULES!r}:
    sys.modules[name] = None
for module, names in {POSIX_NAMES!r}.items():
    for name in names:
        vars(sys.modules[module]).pop(name)
for name in {FLAGS!r}:
    delattr(sys.modules["os"], name)
subprocess.CREATE_NEW_PROCESS_GROUP = 0
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=lambda *_: None)
sys.platform = "win32"
"""
EVERYTHING = f"""
for name in {list(MODULES)!r}:
    importlib.import_module(name)
"""
VERB = """
from devloop.cli.app import run
sys.exit(run(sys.argv[1:]))
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="plays Windows where it is not")


def on_windows(
    code: str, *arguments: str, folder: Path = HOUSE.parent
) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", WINDOWS + code, *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def test_every_module_is_importable_without_posix() -> None:
    done = on_windows(EVERYTHING)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_missing_is_missed() -> None:
    assert "ModuleNotFoundError: import of fcntl halted" in on_windows("import fcntl").stderr
    assert "AttributeError" in on_windows("import os; os.getuid()").stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "package.json").write_text('{"name": "a", "scripts": {"start": "node a.js"}}')
    (tmp_path / "a.js").write_text("require('http')\n")
    return tmp_path


def test_verbs_without_an_engine_work_without_posix(project: Path) -> None:
    for verb in (["init"], ["check"], ["plan", "a.js"], ["fingerprint"], ["--help"]):
        done = on_windows(VERB, *verb, folder=project)
        assert done.returncode == 0, (verb, done.stdout, done.stderr)


def test_who_wants_to_talk_to_a_loop_is_told_that_it_cannot_be(project: Path) -> None:
    done = on_windows(VERB, "status", folder=project)
    assert done.returncode == 2
    assert "on Windows nobody can talk to a loop that runs" in done.stderr
