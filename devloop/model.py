"""Values that everyone shares: frozen, without objects of any library."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias

Command: TypeAlias = str | tuple[str, ...]
"""A string for ``sh -c`` or an argument vector."""

SLUG_LENGTH = 30
APP = "app"
"""What people call the service of a single app, which has no name."""


class ChangeKind(StrEnum):
    """What happened to a path between two looks at the tree."""

    CREATED = "created"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, order=True)
class Change:
    """One path of a batch, relative to the project, with ``/`` as separator."""

    path: str
    kind: ChangeKind


@dataclass(frozen=True)
class Project:
    """A project folder and the names of everything that is made for it.

    A service of a Compose project is one too: ``root`` is its build context, ``home`` the Compose
    project's folder.
    """

    root: str
    name: str
    home: str = ""
    service: str = ""

    @property
    def path(self) -> str:
        """The folder that the user calls the project."""
        return self.home or self.root

    @property
    def id(self) -> str:
        """8 hexadecimal digits of the hash of the real path."""
        return hashlib.sha256(self.path.encode("utf-8", "surrogateescape")).hexdigest()[:8]

    @property
    def slug(self) -> str:
        """``<ascii slug of name>-<id>``: the name of containers and the start of others."""
        return f"{slug(self.name)}-{self.id}"

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return f"devloop/{self.slug}"

    def image(self, fingerprint: str) -> str:
        """Name the image of a fingerprint (hexadecimal digits, at least 12)."""
        return f"{self.repository}:{fingerprint[:12]}"


def slug(text: str) -> str:
    """Lower-case ASCII letters, digits and single hyphens; ``app`` where nothing is left."""
    cut = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:SLUG_LENGTH].strip("-")
    return cut or "app"


@dataclass(frozen=True)
class Port:
    """One published port; ``host`` is an address of this machine, 127.0.0.1 unless written."""

    container: int
    published: int
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class ByRestart:
    """A save starts the app's process anew."""

    kind: ClassVar[str] = "restart"


@dataclass(frozen=True)
class BySignal:
    """The app reloads when it is sent this signal, named without SIG."""

    kind: ClassVar[str] = "signal"
    name: str


@dataclass(frozen=True)
class ByCommand:
    """The app reloads when this shell command runs in its container."""

    kind: ClassVar[str] = "exec"
    command: str


@dataclass(frozen=True)
class ByItself:
    """The app watches its files and reloads itself."""

    kind: ClassVar[str] = "none"


Reload: TypeAlias = ByRestart | BySignal | ByCommand | ByItself
"""What makes a running app see a save; ``kind`` is the word of ``app.reload`` for it."""
BY_RESTART = ByRestart()


@dataclass(frozen=True)
class Debugger:
    """Debug an app of this stack at this port, in the container and on 127.0.0.1."""

    stack: str
    port: int


@dataclass(frozen=True)
class ContainerSpec:
    """All that a container is made of besides its image; a difference recreates it.

    ``mount`` None mounts nothing; ``keep`` are paths below it; ``command`` None is the image's
    CMD; ``user`` is uid and gid, None the image's; ``stop_grace`` in seconds, ``memory`` in bytes;
    ``reload_signal`` is a signal's name or empty; ``rest`` changes with whatever else a compose
    file says of it. Its values may be secret: never shown.
    """

    root: str
    mount: str | None
    keep: tuple[str, ...] = ()
    command: Command | None = None
    ports: tuple[Port, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    user: tuple[int, int] | None = None
    stop_grace: float = 2.0
    memory: int | None = None
    cpus: float | None = None
    reload_signal: str = ""
    health: str | None = None
    debugger: Debugger | None = None
    rest: str = ""

    @property
    def engine_grace(self) -> int:
        """Whole seconds until the engine kills: a little more than the supervisor takes."""
        return int(self.stop_grace) + 2

    @property
    def published(self) -> tuple[Port, ...]:
        """Give all that is published: the app's ports, then the debugger's."""
        debug = (Port(self.debugger.port, self.debugger.port),) if self.debugger else ()
        return (*self.ports, *debug)


LABEL = "dev.devloop"
LABEL_PROJECT = f"{LABEL}.project"
LABEL_PATH = f"{LABEL}.path"
LABEL_SERVICE = f"{LABEL}.service"
LABEL_FINGERPRINT = f"{LABEL}.fingerprint"


class Part(str):
    """The beginning of a line that was too long to be kept whole; its rest follows."""

    __slots__ = ()
