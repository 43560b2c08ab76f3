"""devloop.yaml, typed: what the loop, the builder and the container are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devloop.jobs.workflow.model import Workflow
from devloop.model import Command, Port, Reload


def _key(default: object, form: str, about: str, shown: str = "") -> Any:  # noqa: ANN401
    """Give a field that `devloop.config.reference` can tell of.

    ``form`` names how it is written, ``shown`` is its default in the user's words.
    """
    return field(default=default, metadata={"form": form, "about": about, "shown": shown})


@dataclass(frozen=True)
class AppSettings:
    """The container under development; None means: as the stack or the image says.

    ``stop_grace`` in seconds, ``memory`` in bytes, ``keep`` and ``manifests`` below the project.
    """

    dockerfile: str | None = _key(
        None, "path", "the Dockerfile, below the project", "`Dockerfile`, else the one of `init`"
    )
    target: str | None = _key(
        None, "text", "the stage that is built", "`dev`, else `development`, else the last one"
    )
    build_args: tuple[tuple[str, str], ...] = _key((), "variables", "build arguments")
    run: Command | None = _key(  # noqa: RUF009 - a field, not a default that is shared
        None, "command", "what runs: a text by `sh -c`, a list as it is", "the image's CMD"
    )
    mount: str | None = _key(
        None,
        "place",
        "where the project is mounted in the container",
        "where the target copies the folder to, else WORKDIR",
    )
    keep: tuple[str, ...] | None = _key(
        None,
        "paths",
        "paths that stay the container's own, never the host's",
        "those of the stack: `node_modules` and its kin",
    )
    ports: tuple[Port, ...] | None = _key(
        None,
        "ports",
        "what is published: `3000`, `8080:3000`, or with a host address; else on 127.0.0.1",
        "the image's EXPOSE, else the stack's",
    )
    env: tuple[tuple[str, str], ...] = _key((), "variables", "the app's environment")
    env_file: str | None = _key(None, "path", "a file of `NAME=value` lines; `env` wins over it")
    manifests: tuple[str, ...] = _key(
        (), "texts", "patterns of files that count as dependencies besides those that are found"
    )
    reload: Reload | None = _key(  # noqa: RUF009 - as above
        None,
        "reload",
        "what a save does: `restart`, `signal:USR2`, `exec: <command>`, or `none` where the app "
        "reloads itself",
        "that of the stack",
    )
    stop_grace: float = _key(2.0, "duration", "how long the app may take to stop", "`2s`")
    memory: int | None = _key(None, "size", "the most memory that the container may have")
    cpus: float | None = _key(None, "number", "the most processors that it may use")
    health: str | None = _key(
        None,
        "url",
        "ready is an answer below 500 from here",
        "any answer from the first port",
    )


@dataclass(frozen=True)
class Watch:
    """What is watched: GitHub path filters, and how long to wait, in seconds.

    ``poll`` is the seconds between two polls, 0 for never, None to decide by a self-test.
    """

    paths: tuple[str, ...] | None = _key(
        None, "texts", "patterns of the files whose save counts", "the stack's source suffixes"
    )
    paths_ignore: tuple[str, ...] = _key((), "texts", "patterns of files whose save does not")
    quiet: float = _key(0.03, "duration", "answer when nothing changed for so long", "`30ms`")
    max_wait: float = _key(1.0, "duration", "answer after so long at the latest", "`1s`")
    poll: float | None = _key(
        None, "poll", "look instead of listen: `auto`, `off`, or how often", "`auto`"
    )


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

    name: str | None = _key(None, "text", "what the project is called", "the folder's name")
    app: AppSettings = field(default_factory=AppSettings)
    watch: Watch = field(default_factory=Watch)
    workflow: Workflow = field(default_factory=Workflow)
    workflows: tuple[str, ...] = _key((), "paths", "workflow files whose jobs run too")
    rules: tuple[Rule, ...] = ()
