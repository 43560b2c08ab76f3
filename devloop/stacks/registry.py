"""All stacks, in the order in which they are tried, and the questions that go to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from devloop.model import Command
from devloop.stacks import deno, dotnet, elixir, paths, ruby, static
from devloop.stacks.base import Detection, Snapshot, Stack
from devloop.stacks.facts import DebugHook, Facts
from devloop.stacks.go import stack as go
from devloop.stacks.java import stack as java
from devloop.stacks.node import stack as node
from devloop.stacks.php import stack as php
from devloop.stacks.procfile import web
from devloop.stacks.python import stack as python
from devloop.stacks.rust import stack as rust

STACKS: dict[str, Stack] = {
    stack.NAME: stack
    for stack in (php, go, java, rust, ruby, elixir, python, deno, dotnet, node, static)
}
_FACTS = tuple(stack.FACTS for stack in STACKS.values())

LOOKED_FOR = tuple(path for facts in _FACTS for path in facts.found_by)
"""The best known of the files that stacks are found by, for people."""
LOCKS = frozenset().union(*(facts.locks for facts in _FACTS))
VERSION_FILES = frozenset().union(*(facts.version_files for facts in _FACTS))
TOOL_FOLDERS = frozenset().union(*(facts.tool_folders for facts in _FACTS))
SERVERS = tuple(server for facts in _FACTS for server in facts.servers)
SERVED = tuple(suffix for facts in _FACTS for suffix in facts.served)
SCRIPTS = tuple(facts.scripts for facts in _FACTS if facts.scripts)
DEBUGGERS: Mapping[str, DebugHook] = {
    name: stack.FACTS.debugger for name, stack in STACKS.items() if stack.FACTS.debugger
}
"""Each as ``Facts`` says it, of all stacks."""


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Give the paths whose bytes are needed and that ``snapshot.contents`` does not have.

    Read them and ask again until nothing new is named. A path that cannot be read is named again
    each time: stop when an answer holds nothing that was not tried.
    """
    sane = _sane(snapshot)
    named = (stack.wanted(sane) for stack in STACKS.values())
    return frozenset().union(*named) - snapshot.contents.keys()


def detect(snapshot: Snapshot) -> tuple[Detection, ...]:
    """Give all stacks of the project, the one that serves first; empty when there is none."""
    sane = _sane(snapshot)
    found = (stack.detect(sane) for stack in STACKS.values())
    known = [item for item in found if item]
    started = web(sane)
    ordered = sorted((_yielding(item, known, started) for item in known), key=_rank)
    return tuple(item for item in ordered if _belongs(item, ordered))


def fields(
    path: str, content: bytes, detections: Iterable[Detection]
) -> Mapping[str, object] | None:
    """Give the dependency-relevant fields of a manifest, JSON-able, canonical.

    None: no stack knows it, or it counts by its content. Raises ``ManifestError`` when it is a
    manifest with fields and does not parse.
    """
    managers = {detection.name: detection.manager for detection in detections}
    for name, stack in STACKS.items():
        if stack.is_manifest(path):
            found = stack.fields(path, content, managers.get(name, ""))
            if found is not None:
                return found
    return None


def is_manifest(path: str) -> bool:
    """Say by its name whether any stack knows this file as a manifest."""
    return any(stack.is_manifest(path) for stack in STACKS.values())


def is_lock(path: str) -> bool:
    """Say by its name whether nothing but an installer reads a file: no app restarts for it."""
    return paths.name(path) in LOCKS


def installed_by(command: Sequence[str]) -> str:
    """Name the stack whose dependencies a command installs, empty if it installs none.

    It comes word by word, its tool without a folder.
    """
    for name, stack in STACKS.items():
        if any(one.fits(command) for one in stack.FACTS.installs):
            return name
    return ""


def extensions(name: str) -> tuple[str, ...]:
    """Give the extensions of VS Code for a stack; none for a stack that is not known."""
    return STACKS[name].FACTS.extensions if name in STACKS else ()


def declaring(path: str) -> tuple[Facts, ...]:
    """Give the facts of the stacks for which a file says what the project asks for."""
    return tuple(facts for facts in _FACTS if facts.declared_in(path))


def _sane(snapshot: Snapshot) -> Snapshot:
    """Leave out paths that no Dockerfile can name."""
    return replace(snapshot, paths=frozenset(filter(paths.is_safe, snapshot.paths)))


def _yielding(item: Detection, found: list[Detection], started: Command) -> Detection:
    """Leave the Procfile's command to the stack that it is more likely of than Node."""
    if item.lends and len(found) > 1 and item.run and item.run == started:
        return replace(item, run=(), port=None)
    return item


def _belongs(item: Detection, found: list[Detection]) -> bool:
    """Leave out files for a browser beside any other stack, and Node where it builds nothing.

    Beside Python it stays: there its packages are often called by the app.
    """
    if item.name == static.NAME:
        return len(found) == 1
    others = {other.name for other in found} - {item.name, static.NAME}
    idle = not item.run and not item.production.build
    return not (item.lends and idle and others - {python.NAME})


def _rank(detection: Detection) -> tuple[bool, bool]:
    """Put what serves before what only runs, and that before what only installs."""
    return (not detection.run, detection.port is None)
