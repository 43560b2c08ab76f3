"""What a stack is: a module that reads a snapshot and answers, never the disk.

A stack is a module with the attributes of ``Stack``; ``devloop.stacks.registry`` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from devloop.errors import UserError
from devloop.model import Command
from devloop.stacks.facts import Facts


@dataclass(frozen=True)
class Snapshot:
    """The part of a project that stacks look at.

    ``paths`` are all files of the pruned tree, relative, with ``/``; ``contents`` holds the bytes
    of those that ``registry.wanted`` asked for and that could be read.
    """

    paths: frozenset[str]
    contents: Mapping[str, bytes] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """Give the file's text, empty where it is absent or was not asked for."""
        return self.contents.get(path, b"").decode("utf-8-sig", "replace")

    def present(self, *candidates: str) -> tuple[str, ...]:
        """Give those of the candidates that exist, in their order."""
        return tuple(path for path in candidates if path in self.paths)


@dataclass(frozen=True)
class Env:
    """One environment variable of the image."""

    name: str
    value: str


@dataclass(frozen=True)
class Tool:
    """What another image lends: paths that are copied to where they were, then a shell line.

    ``setup_cache`` is the download cache of what the stack then sets up (its ``Detection.setup``).
    """

    name: str
    image: str
    paths: tuple[str, ...]
    link: str = ""
    setup_cache: str = ""


@dataclass(frozen=True)
class Production:
    """What the stages ``build`` and ``prod`` need besides those for development.

    ``install`` installs without development dependencies, ``build`` makes what is shipped and
    ``prune`` drops development dependencies afterwards: shell lines, empty where not needed.
    ``static`` is the folder of a site that needs no server of its own. ``run`` starts the app,
    empty where nothing was found; ``port`` is where it then listens. ``image`` is what is shipped
    upon, empty for the base; ``system`` are Debian packages and ``setup`` a shell line that it
    needs. What is taken from the stage ``build``, and who runs it, the stack's template says.
    """

    install: str = ""
    build: str = ""
    prune: str = ""
    static: str = ""
    run: Command = ()
    port: int | None = None
    image: str = ""
    system: tuple[str, ...] = ()
    setup: str = ""
    env: tuple[Env, ...] = ()


@dataclass(frozen=True)
class Detection:
    """What a stack says of a project: all that a Dockerfile and the loop need to know.

    ``install`` is the shell line that installs the dependencies, ``cache`` the folder of its
    download cache, ``setup`` a shell line that must run before (a pinned package manager), empty
    where none is needed. ``system`` are Debian packages that the base needs, ``prepare`` a shell
    line that runs in it after them. ``stores`` are folders that the install fills and that any user
    may read and write, because the tools look into them when the app runs. ``keep`` are paths below
    the project that stay the container's own, ``keep_foreign`` those besides them that a Dockerfile
    not written by us may install into. ``suffixes`` are the endings (``.py``) and whole names of
    files whose change restarts the app. ``reload`` is ``restart`` or ``none`` (the app reloads
    itself). ``run`` is empty where nothing that could be started was found. ``needs_source``: the
    install reads more of the project than its manifests. ``secrets`` are files with credentials,
    mounted for the install and never copied, each under its base name without a leading dot as id.
    ``env`` is the image's environment, ``develop`` that of its stage ``dev`` alone. ``dev_env`` is
    what the container under development is run with, whoever wrote its Dockerfile. ``ignore`` are
    patterns of .dockerignore. ``lends`` is what this stack would lend to another's image, which
    makes it one that can be added to any other.
    """

    name: str
    manager: str
    framework: str
    version: str
    image: str
    manifests: tuple[str, ...]
    install: str
    cache: str
    run: Command
    port: int | None
    reload: str
    suffixes: frozenset[str]
    stores: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    keep_foreign: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    prepare: str = ""
    setup: str = ""
    env: tuple[Env, ...] = ()
    develop: tuple[Env, ...] = ()
    dev_env: tuple[Env, ...] = ()
    ignore: tuple[str, ...] = ()
    needs_source: bool = False
    secrets: tuple[str, ...] = ()
    lends: Tool | None = None
    production: Production = field(default_factory=Production)


class ManifestError(UserError):
    """A manifest does not parse.

    ``line`` and ``column`` count from 1 and are 0 where the parser does not tell.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f" at line {self.line}, column {self.column}" if self.line else ""
        return f"{self.reason}{place}"


class Stack(Protocol):
    """One stack: a module with these names."""

    NAME: str
    FACTS: Facts

    def wanted(self, snapshot: Snapshot) -> frozenset[str]:
        """Paths whose bytes are needed, whether they are there yet or not.

        Asked again with more contents until nothing new is named.
        """

    def detect(self, snapshot: Snapshot) -> Detection | None:
        """Say what the project is, or None if it is not this stack's."""

    def is_manifest(self, path: str) -> bool:
        """Say by its name whether a file can be a manifest of this stack."""

    def fields(self, path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
        """Give the dependency-relevant fields of a manifest, JSON-able and canonical.

        ``manager`` is empty where the stack was not detected. None: not a manifest of this stack
        that has fields, it counts by content. Raises ``ManifestError`` if it is one and does not
        parse.
        """
