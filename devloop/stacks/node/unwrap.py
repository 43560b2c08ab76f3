"""A script's command line less what restarts it, since devloop restarts the app itself."""

from __future__ import annotations

from collections.abc import Callable

from devloop.stacks.base import Snapshot
from devloop.stacks.node import manager as node_manager
from devloop.stacks.node.manager import Manager
from devloop.stacks.node.package import Package

SCRIPT_FILE = (".js", ".mjs", ".cjs")
LOCAL_RUNNERS = {"ts-node", "tsx"}
_NODEMON_VALUES = {"-w", "--watch", "-e", "--ext", "-i", "--ignore", "--delay", "-d"}
_NODEMON_PLAIN = {"-q", "--quiet", "-L", "--legacy-watch", "-V", "--verbose"}


def unwrapped(
    argv: tuple[str, ...], snapshot: Snapshot, package: Package, manager: Manager
) -> tuple[str, ...]:
    """Give the plain program of a script, less its watcher, since devloop restarts it itself.

    Empty where the script is more than that.
    """
    unwrap = _UNWRAP.get(argv[0]) if argv else None
    command = unwrap(argv[1:], package) if unwrap else ()
    local = bool(command) and command[0] in {*LOCAL_RUNNERS, "nest"}
    nodemon = argv[:1] == ("nodemon",) and _nodemon_configured(snapshot, package)
    if not command or nodemon or (local and manager.zero):
        return ()
    if local:
        return (f"node_modules/.bin/{command[0]}", *command[1:])
    return node_manager.node(manager, command[1:])


def _nodemon_configured(snapshot: Snapshot, package: Package) -> bool:
    return "nodemon.json" in snapshot.paths or "nodemonConfig" in package.data


def _node(rest: tuple[str, ...], _package: Package) -> tuple[str, ...]:
    kept: list[str] = []
    words = iter(rest)
    for word in words:
        if word == "--watch-path":
            next(words, None)
        elif not word.startswith("--watch"):
            kept.append(word)
    return ("node", *kept) if kept and "--test" not in kept else ()


def _nodemon(rest: tuple[str, ...], package: Package) -> tuple[str, ...]:
    words = list(rest)
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if flag in _NODEMON_VALUES and words:
            words.pop(0)
        elif flag not in _NODEMON_PLAIN:
            return ()
    runner = _runner(words[0], package) if words else ""
    return (runner, *words) if runner else ()


def _runner(file: str, package: Package) -> str:
    """Give the program that nodemon would run a file with."""
    if file.endswith(SCRIPT_FILE):
        return "node"
    return "ts-node" if file.endswith(".ts") and "ts-node" in package.dependencies else ""


def _tsx(rest: tuple[str, ...], package: Package) -> tuple[str, ...]:
    words = rest[1:] if rest[:1] == ("watch",) else rest
    return _local("tsx", words, package) if words and not words[0].startswith("-") else ()


def _ts_node(rest: tuple[str, ...], package: Package) -> tuple[str, ...]:
    return _local("ts-node", rest, package)


def _nest(rest: tuple[str, ...], package: Package) -> tuple[str, ...]:
    kept = tuple(word for word in rest if word not in {"--watch", "-w"})
    return (
        ("nest", *kept) if kept[:1] == ("start",) and "@nestjs/cli" in package.dependencies else ()
    )


def _local(name: str, rest: tuple[str, ...], package: Package) -> tuple[str, ...]:
    return (name, *rest) if rest and name in package.dependencies else ()


_UNWRAP: dict[str, Callable[[tuple[str, ...], Package], tuple[str, ...]]] = {
    "node": _node,
    "nodemon": _nodemon,
    "tsx": _tsx,
    "ts-node": _ts_node,
    "nest": _nest,
}
