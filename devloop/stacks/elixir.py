"""Elixir: Mix projects and umbrellas, Phoenix with its own reloader."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.model import Command
from devloop.stacks import code, paths, versions
from devloop.stacks.base import Detection, Env, Production, Snapshot
from devloop.stacks.facts import Facts, Install, names
from devloop.stacks.parse import decode

NAME = "elixir"
SUFFIXES = frozenset({".ex", ".exs", ".eex", ".heex", ".leex"})
IGNORE = ("**/_build", "deps", "**/.elixir_ls", "**/.fetch", "**/erl_crash.dump")
FACTS = Facts(
    found_by=("mix.exs",),
    version_files=names(".tool-versions .elixir-version"),
    installs=(Install(("mix", "deps.get")),),
    declares=("mix.exs",),
    services={
        "redis": names("redix"),
        "postgres": names("postgrex"),
        "mysql": names("myxql"),
        "mongo": names("mongodb_driver"),
        "rabbitmq": names("amqp"),
    },
    extensions=("jakebecker.elixir-ls",),
)
_MEMBER = re.compile(r"apps/[^/]+/mix\.exs")
_CONFIG = ("config/config.exs", "config/dev.exs")
_VERSION_FILES = (".tool-versions", ".elixir-version")
_REQUIREMENT = re.compile(r"""\belixir:\s*['"]([^'"\n]+)['"]""")
_TOOL_VERSION = re.compile(r"^elixir[ \t]+(\d+\.\d+)", re.MULTILINE)
_LOOPBACK = re.compile(r"\bip:\s*\{\s*127\s*,")
_NAME = re.compile(r"\bapp:\s*:(\w+)")
_COMPILED = re.compile(r":(?:bcrypt_elixir|argon2_elixir|exqlite|picosat_elixir|fast_html|vix)\b")
_ON_ALL = (
    "apps = Map.keys(Mix.Project.apps_paths() || %{Mix.Project.config()[:app] => nil}); "
    "for app <- apps, {key, opts} <- Application.get_all_env(app), Keyword.keyword?(opts), "
    "is_list(opts[:http]) do "
    "Application.put_env(app, key, put_in(opts, [:http, :ip], {0, 0, 0, 0})) end; "
    "Application.put_env(:phoenix, :serve_endpoints, true); "
    "for app <- apps do {:ok, _} = Application.ensure_all_started(app) end"
)
"""``mix phx.server`` that listens outside the container though config/dev.exs says 127.0.0.1."""

HEX = "mix local.hex --force --if-missing && mix local.rebar --force --if-missing"
_OUTSIDE = re.compile(r"\{\s*:\w+\s*,(?!\s*(?:in_umbrella|path):)")
"""A dependency that is fetched: a project without one needs neither Hex nor rebar."""


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the projects and the configuration that may say where to listen."""
    if "mix.exs" not in snapshot.paths:
        return frozenset()
    members = (path for path in snapshot.paths if _MEMBER.fullmatch(path))
    return frozenset(snapshot.present("mix.exs", *_CONFIG, *_VERSION_FILES, *members))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a Mix project is installed and run."""
    if "mix.exs" not in snapshot.paths:
        return None
    text = "\n".join(snapshot.text(path) for path in _projects(snapshot))
    phoenix = re.search(r"\{\s*:phoenix\s*,", text) is not None
    plug = re.search(r"\{\s*:(?:plug_cowboy|bandit)\s*,", text) is not None
    version = versions.choose(versions.ELIXIR, _version_specs(snapshot, text))
    full = _COMPILED.search(text) is not None or re.search(r"\b(?:git|github):", text) is not None
    port = (code.port(*map(snapshot.text, _CONFIG)) or 4000) if phoenix or plug else None
    framework = "phoenix" if phoenix else "plug" if plug else ""
    return Detection(
        name=NAME,
        manager="mix",
        framework=framework,
        version=version,
        image=f"elixir:{version}" if full else f"elixir:{version}-slim",
        manifests=_manifests(snapshot),
        install="mix deps.get && mix deps.compile",
        cache="/root/.cache/rebar3",
        run=_run(snapshot, phoenix=phoenix),
        port=port,
        reload="none" if phoenix else "restart",
        suffixes=SUFFIXES,
        keep=("deps", "_build"),
        setup=HEX if _OUTSIDE.search(text) else "",
        env=(Env("MIX_HOME", "/opt/mix"), Env("HEX_HOME", "/opt/hex"), Env("LANG", "C.UTF-8")),
        develop=(Env("MIX_ENV", "dev"),),
        stores=("/opt/mix", "/opt/hex", "/app/deps", "/app/_build"),
        ignore=IGNORE,
        production=_production(snapshot, text, port, phoenix=phoenix),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Mix project."""
    own = {"mix.exs", "mix.lock", *_CONFIG, *_VERSION_FILES}
    return path in own or _MEMBER.fullmatch(path) is not None


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give the lines of a mix.exs less comments and its own version; None for all else."""
    del manager
    if paths.name(path) != "mix.exs":
        return None
    lines = code.lines(decode(content), "#")
    return {"lines": [line for line in lines if not re.match(r"version:\s*\"", line)]}


def _projects(snapshot: Snapshot) -> list[str]:
    return sorted({"mix.exs"} | {path for path in snapshot.paths if _MEMBER.fullmatch(path)})


def _manifests(snapshot: Snapshot) -> tuple[str, ...]:
    named = ("mix.lock", *_CONFIG, *_VERSION_FILES, *_projects(snapshot))
    return tuple(sorted(snapshot.present(*named)))


def _run(snapshot: Snapshot, *, phoenix: bool) -> Command:
    if not phoenix:
        return ("mix", "run", "--no-halt")
    if _LOOPBACK.search(snapshot.text("config/dev.exs")):
        return ("mix", "run", "--no-start", "--no-halt", "-e", _ON_ALL)
    return ("mix", "phx.server")


def _production(snapshot: Snapshot, text: str, port: int | None, *, phoenix: bool) -> Production:
    """Make a release; assets first where the project says how."""
    name = _NAME.search(snapshot.text("mix.exs"))
    if not name:
        return Production()
    assets = "mix assets.deploy && " if '"assets.deploy"' in text else ""
    release = f"mix deps.get --only prod && {assets}mix release --overwrite --path /opt/release"
    server = (Env("PHX_SERVER", "true"),) if phoenix else ()
    return Production(
        build=f"export MIX_ENV=prod && {release}",
        run=(f"/opt/release/bin/{name[1]}", "start"),
        port=port,
        env=(Env("MIX_ENV", "prod"), *server, Env("RELEASE_TMP", "/tmp")),  # noqa: S108 - anybody's
    )


def _version_specs(snapshot: Snapshot, text: str) -> list[str]:
    tools = _TOOL_VERSION.search(snapshot.text(".tool-versions"))
    asked = _REQUIREMENT.search(text)
    pinned = snapshot.text(".elixir-version").strip()
    return [spec for spec in (pinned, tools[1] if tools else "", asked[1] if asked else "") if spec]
