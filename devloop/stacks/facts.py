"""What is known of a stack whatever the project: its locks, tools, debugger, packages.

Each stack states its own as ``FACTS``; ``devloop.stacks.registry`` gives the combined views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from devloop.stacks import paths

HOOK_FOLDER = "/opt/devloop"
"""Where the debuggers' hooks lie in a container, outside the mount."""

Service = Literal["redis", "postgres", "mysql", "mongo", "rabbitmq"]
"""The services beside an app that `init --compose` can write."""


@dataclass(frozen=True)
class Install:
    """A command that installs what the manifests say.

    ``words`` are the tool, a pattern (``python*``), and the words that must follow it, flags left
    out. ``alone``: no other word may follow, it would name a package to add. ``needs`` are
    beginnings of flags of which one must be there, ``bars`` flags of which none may.
    """

    words: tuple[str, ...]
    alone: bool = False
    needs: tuple[str, ...] = ()
    bars: frozenset[str] = frozenset()

    def fits(self, command: Sequence[str]) -> bool:
        """Say whether a command, word by word and its tool without a folder, is this one."""
        tool, *rest = command
        said = tuple(word for word in rest if not word.startswith("-"))
        verbs = self.words[1:]
        if not fnmatchcase(tool, self.words[0]) or said[: len(verbs)] != verbs:
            return False
        if self.alone and said != verbs:
            return False
        needed = not self.needs or any(word.startswith(self.needs) for word in rest)
        return needed and self.bars.isdisjoint(rest)


@dataclass(frozen=True)
class DebugHook:
    """How a debugger gets into an app: by a file that the app's runtime loads.

    ``port`` is where it usually listens, ``file`` one of ``devloop/target/agent/hooks``, ``loaded``
    a shell assignment that makes the runtime load it from ``HOOK_FOLDER``. ``speaks`` is what an
    editor attaches with, ``languages`` are the files that it then debugs, as editors name them.
    """

    port: int
    file: str
    loaded: str
    speaks: Literal["inspector", "debugpy"]
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """A server that listens on localhost unless told otherwise.

    ``command`` and ``told`` are expressions: what starts it, and what says where it listens;
    ``add`` is what to write for that.
    """

    command: str
    told: str
    add: str


@dataclass(frozen=True)
class Scripts:
    """Commands with a name: ``runners`` run those in a table of a JSON file (``npm run dev``)."""

    runners: frozenset[str]
    file: str
    table: str


@dataclass(frozen=True)
class Facts:
    """What is always so of a stack; all of it may be left out.

    ``found_by`` are the best known of its files, for people. ``locks`` are names of files that
    nothing but an installer reads, ``version_files`` those that choose the image and that no
    install fails without, ``tool_folders`` names of folders that tools fill. ``installs`` are the
    commands that install its dependencies. ``declares`` are patterns for the names of files that
    say what a project itself asks for (a lock names everything), ``services`` the packages by which
    it shows that an app uses a service: a name with a dot also stands for what is below it
    (``host.org/a/b``). ``servers`` listen on localhost unless told, ``served`` are endings of code
    in which that is looked for. ``extensions`` are those of VS Code, and of what reads its dev
    containers.
    """

    found_by: tuple[str, ...] = ()
    locks: frozenset[str] = frozenset()
    version_files: frozenset[str] = frozenset()
    tool_folders: frozenset[str] = frozenset()
    installs: tuple[Install, ...] = ()
    declares: tuple[str, ...] = ()
    services: Mapping[Service, frozenset[str]] = field(default_factory=dict)
    servers: tuple[Server, ...] = ()
    served: tuple[str, ...] = ()
    scripts: Scripts | None = None
    debugger: DebugHook | None = None
    extensions: tuple[str, ...] = ()

    def declared_in(self, path: str) -> bool:
        """Say by its name whether a file says what a project asks for."""
        return any(fnmatchcase(paths.name(path), pattern) for pattern in self.declares)

    def uses(self, service: Service, package: str) -> bool:
        """Say whether an app with this package uses a service."""
        return any(
            package == name or ("." in name and package.startswith(f"{name}/"))
            for name in self.services.get(service, ())
        )


def names(text: str) -> frozenset[str]:
    """Read names with blanks between them."""
    return frozenset(text.split())
