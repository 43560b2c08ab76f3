"""devloop.yaml, typed: what the loop, the builder and the container are told (DESIGN §1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from devloop.jobs.workflow import Workflow
from devloop.model import Command, Port


@dataclass(frozen=True)
class Reload:
    """What a source change does: ``restart``, ``signal``, ``exec`` or ``none``.

    ``argument`` is the signal's name or the command.
    """

    kind: str
    argument: str = ""


@dataclass(frozen=True)
class App:
    """The container under development; None means: as the stack or the image says.

    ``stop_grace`` in seconds, ``memory`` in bytes, ``keep`` and ``manifests`` below the project.
    """

    dockerfile: str | None = None
    target: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()
    run: Command | None = None
    mount: str | None = None
    keep: tuple[str, ...] | None = None
    ports: tuple[Port, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    env_file: str | None = None
    manifests: tuple[str, ...] = ()
    reload: Reload | None = None
    stop_grace: float = 2.0
    memory: int | None = None
    cpus: float | None = None
    health: str | None = None


@dataclass(frozen=True)
class Watch:
    """What is watched: GitHub path filters, and how long to wait, in seconds.

    ``poll`` is the seconds between two polls, 0 for never, None to decide by a self-test.
    """

    paths: tuple[str, ...] | None = None
    paths_ignore: tuple[str, ...] = ()
    quiet: float = 0.03
    max_wait: float = 1.0
    poll: float | None = None


@dataclass(frozen=True)
class Rule:
    """What a save below ``path`` does: a rule of a compose file's ``develop.watch``.

    ``path`` is below the project, ``.`` for all of it. ``action``: sync, restart, sync+restart,
    sync+exec or rebuild. ``ignore`` and ``include`` are patterns below ``path``; ``target`` is a
    place in the container, ``command`` what sync+exec runs there.
    """

    path: str
    action: str
    ignore: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    target: str = ""
    command: str = ""


@dataclass(frozen=True)
class Config:
    """The whole of devloop.yaml; ``workflows`` are files whose jobs run too.

    ``rules`` come from a compose file, for a service of one.
    """

    name: str | None = None
    app: App = field(default_factory=App)
    watch: Watch = field(default_factory=Watch)
    workflow: Workflow = field(default_factory=Workflow)
    workflows: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
