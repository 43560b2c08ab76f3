"""How a Node app is started: a script's command line read, never executed or rewritten blindly."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from devloop.model import Command
from devloop.stacks import paths
from devloop.stacks.base import Snapshot
from devloop.stacks.node import manager as node_manager
from devloop.stacks.node.frameworks import FRAMEWORKS, PLAIN, Framework, by_packages, by_program
from devloop.stacks.node.manager import Manager
from devloop.stacks.node.package import Package
from devloop.stacks.node.unwrap import LOCAL_RUNNERS, SCRIPT_FILE, unwrapped
from devloop.stacks.parse import table
from devloop.stacks.procfile import web

DEV_SCRIPTS = ("dev", "start:dev", "serve", "start")
_SHELL = re.compile(r"[\x00-\x1f\x7f;&|<>()$`*?\[\]{}!#~\\]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_PORT_FLAG = re.compile(r"(?:^|\s)(?:--port[= ]|-p[= ]?|PORT=)(\d{2,5})(?=\s|$)")
_PORT_CODE = (
    re.compile(r"""\bPORT\b['"\])]*\s*(?:\|\||\?\?)\s*['"]?(\d{2,5})\b"""),
    re.compile(r"""\blisten\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b"""),
    re.compile(r"""\b(?:port|PORT)\s*[:=]\s*(\d{2,5})\b"""),
)
_ENTRIES = tuple(
    f"{folder}{name}{suffix}"
    for suffixes in (SCRIPT_FILE, (".ts",))
    for folder in ("", "src/")
    for name in ("server", "index", "app", "main")
    for suffix in suffixes
)
_WATCHERS = {"nodemon", "ts-node-dev", "tsnd", "concurrently", "turbo", "nx", "lerna"}
_WORD = re.compile(r"[\w@.-]+")
_OWNERS = {"nest": "@nestjs/cli", "ng": "@angular/cli", "tsc": "typescript"}
MAX_PORT = 65535


@dataclass(frozen=True)
class NodeStart:
    """How the app is started; ``command`` is empty where nothing was found."""

    command: Command
    framework: Framework
    port: int
    reload: str


def development(snapshot: Snapshot, package: Package, manager: Manager) -> NodeStart:
    """Say how the app is started while it is developed."""
    scripts = package.scripts
    script = next((name for name in DEV_SCRIPTS if name in scripts), "")
    if not script:
        return _without_script(snapshot, package, manager)
    argv = _simple(scripts[script])
    bare = tuple(_without_assignments(argv))
    framework = _framework(bare, package)
    port = _port(scripts[script], framework, snapshot, package)
    direct = () if _hooked(package, script) else unwrapped(argv, snapshot, package, manager)
    if direct:
        return NodeStart(direct, framework, port, "restart")
    flags = framework.flags if _ends_in_server(bare, framework) else ()
    reload = "none" if _watches(bare, scripts[script]) else framework.reload
    return NodeStart(node_manager.run(manager, script, flags), framework, port, reload)


def production(snapshot: Snapshot, package: Package, manager: Manager) -> tuple[str, ...]:
    """Give the command that serves what was built, empty for the development one."""
    start = package.scripts.get("start", "")
    if not start or by_program(tuple(_without_assignments(_simple(start))), _names(package)):
        return ()
    direct = (
        () if _hooked(package, "start") else unwrapped(_simple(start), snapshot, package, manager)
    )
    return direct or node_manager.run(manager, "start")


def is_lean(package: Package, command: Command) -> bool:
    """Say whether a command runs without the development dependencies."""
    words = command.split() if isinstance(command, str) else list(command)
    text = " ".join([*words, *(package.scripts.get(word, "") for word in words)])
    called = {_OWNERS.get(word, word) for word in _WORD.findall(text)}
    return bool(words) and not called & set(table(package.data.get("devDependencies")))


def static_folder(package: Package, framework: Framework) -> str:
    """Give the folder of a site that is served as files, empty where a server runs."""
    start = tuple(_without_assignments(_simple(package.scripts.get("start", ""))))
    served = bool(start) and by_program(start, _names(package)) is None
    return "" if served else framework.static


def entry(snapshot: Snapshot, package: Package) -> str:
    """Give the file that a plain ``node`` would run, empty where there is none."""
    script = next((package.scripts[name] for name in DEV_SCRIPTS if name in package.scripts), "")
    named = [word for word in _simple(script) if word.endswith((*SCRIPT_FILE, ".ts"))]
    main = package.text("main")
    candidates = [*named, main, f"{main}.js", f"{main}/index.js"] if main else named
    inside = [path for path in (paths.join("", item) for item in candidates) if path]
    return next(iter(snapshot.present(*inside, *_ENTRIES)), "")


def _without_script(snapshot: Snapshot, package: Package, manager: Manager) -> NodeStart:
    file = entry(snapshot, package)
    names = _names(package)
    framework = by_packages(names, server=bool(file))
    port = _port("", framework, snapshot, package)
    if not file and framework.program and framework in FRAMEWORKS:
        program, *rest = framework.program
        command: Command = (f"node_modules/.bin/{program}", *rest, *framework.flags)
        return NodeStart(command, framework, port, framework.reload)
    plain = _plain(file, package, manager) if file else web(snapshot)
    return NodeStart(plain, framework, port, framework.reload)


def _plain(file: str, package: Package, manager: Manager) -> Command:
    """Run a file with what the project has for TypeScript, else with Node, which strips types."""
    runner = next((name for name in ("tsx", "ts-node") if name in package.dependencies), "")
    local = file.endswith(".ts") and runner
    return (f"node_modules/.bin/{runner}", file) if local else node_manager.node(manager, (file,))


def _names(package: Package) -> frozenset[str]:
    return frozenset(package.dependencies)


def _simple(script: str) -> tuple[str, ...]:
    """Split a script that uses nothing of the shell but quotes; empty for any other."""
    if _SHELL.search(script):
        return ()
    try:
        return tuple(shlex.split(script))
    except ValueError:  # an open quote
        return ()


def _without_assignments(argv: Iterable[str]) -> list[str]:
    """Drop what only sets the environment before the program."""
    words = list(argv)
    while words and (words[0] in {"cross-env", "env", "npx"} or _ASSIGNMENT.match(words[0])):
        words.pop(0)
    return words


def _framework(argv: tuple[str, ...], package: Package) -> Framework:
    names = _names(package)
    server = bool(argv) and argv[0] in {"node", "nodemon", *LOCAL_RUNNERS, "ts-node-dev", "tsnd"}
    return by_program(argv, names) or by_packages(names, server=server) or PLAIN


def _ends_in_server(argv: tuple[str, ...], framework: Framework) -> bool:
    size = len(framework.program)
    told = any(word.split("=")[0] in {"--host", "-H", "--hostname"} for word in argv)
    return bool(size) and argv[:size] == framework.program and not told


def _watches(argv: tuple[str, ...], script: str) -> bool:
    """Say whether the command restarts the app by itself."""
    program = argv[0] if argv else script.split(maxsplit=1)[0]
    return program in _WATCHERS or "--watch" in argv or argv[:2] == ("tsx", "watch")


def _hooked(package: Package, script: str) -> bool:
    """Say whether other scripts run around this one, which only the manager knows."""
    return any(f"{hook}{script}" in package.scripts for hook in ("pre", "post"))


def _port(script: str, framework: Framework, snapshot: Snapshot, package: Package) -> int:
    """Give the port that the script names, else the app's own code, else the framework's."""
    flag = _PORT_FLAG.findall(script)
    if flag and 0 < int(flag[-1]) <= MAX_PORT:
        return int(flag[-1])
    code = snapshot.text(entry(snapshot, package)) if framework.reload == "restart" else ""
    found = (pattern.search(code) for pattern in _PORT_CODE)
    ports = (int(match[1]) for match in found if match)
    return next((port for port in ports if 0 < port <= MAX_PORT), framework.port)
