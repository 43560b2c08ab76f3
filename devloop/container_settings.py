"""What a container is made of, whoever makes it: the Engine API, Compose, or the user's own file.

``target.settings.of`` computes it, ``engine.create``, ``compose.change`` and ``scaffold.compose``
write it down. Whoever adds a setting touches this value, that function and those writers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from devloop.model import Port

Pairs: TypeAlias = tuple[tuple[str, str], ...]


class MountKind(StrEnum):
    """Where what is mounted comes from: a folder of this machine, a volume, nothing."""

    BIND = "bind"
    VOLUME = "volume"
    TMPFS = "tmpfs"


@dataclass(frozen=True)
class Mount:
    """One mount; ``source`` is a folder or a volume's name.

    ``size`` in bytes and ``mode`` are a tmpfs' own.
    """

    kind: MountKind
    source: str
    target: str
    read_only: bool = False
    size: int = 0
    mode: int = 0


@dataclass(frozen=True)
class ContainerSettings:
    """What a container is made of; what is None, empty or False is left as it otherwise would be.

    ``entrypoint`` and ``command`` None are the image's; ``user`` is uid and gid; ``stop_timeout``
    in seconds; ``memory`` in bytes; ``cpus`` a number of processors; ``network`` is a mode like
    ``none``. Values of ``env`` may be secret: never shown.
    """

    image: str
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: Pairs = field(default=(), repr=False)
    labels: Pairs = ()
    user: tuple[int, int] | None = None
    stop_signal: str = ""
    stop_timeout: float | None = None
    init: bool = False
    stdin: bool = False
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    memory: int | None = None
    cpus: float | None = None
    network: str = ""

    @property
    def user_text(self) -> str:
        """Give the user as ``uid:gid``."""
        return f"{self.user[0]}:{self.user[1]}" if self.user else ""

    def volumes(self) -> tuple[str, ...]:
        """Name the volumes that are mounted."""
        return tuple(one.source for one in self.mounts if one.kind is MountKind.VOLUME)
