"""Ruby: Bundler, Rails, Sinatra and what else speaks Rack, with gems outside the mount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from devloop.model import Command
from devloop.stacks import code, paths, versions
from devloop.stacks.base import Detection, Env, Production, Snapshot
from devloop.stacks.facts import Facts, Install, Server, names
from devloop.stacks.parse import decode
from devloop.stacks.procfile import web

NAME = "ruby"
ANY = "0.0.0.0"  # noqa: S104 - inside the container, published on loopback only
SUFFIXES = frozenset({".rb", ".ru", ".erb", ".haml", ".slim", ".yml", ".yaml", ".rake"})
IGNORE = ("**/.bundle", "vendor/bundle", "tmp", "log", "storage", "coverage")
GEMS = "/opt/gems"
_FILES = ("Gemfile", "gems.rb")
_LOCKS = ("Gemfile.lock", "gems.locked")
_VERSION_FILES = (".ruby-version", ".tool-versions")
FACTS = Facts(
    found_by=_FILES[:1],
    version_files=frozenset(_VERSION_FILES),
    installs=(Install(("bundle",), alone=True), Install(("bundle", "install"))),
    declares=_FILES,
    services={
        "redis": names("redis sidekiq"),
        "postgres": names("pg"),
        "mysql": names("mysql2"),
        "mongo": names("mongo mongoid"),
        "rabbitmq": names("bunny"),
    },
    servers=(
        Server(r"\brails s(?:erver)?\b", r"-b\b|--binding", "-b 0.0.0.0"),
        Server(r"\bjekyll serve\b", r"--host|-H\b", "--host 0.0.0.0"),
    ),
    served=(".rb",),
    extensions=("shopify.ruby-lsp",),
)
_NAMES = frozenset({*_FILES, *_LOCKS, *_VERSION_FILES})
_ENTRIES = ("app.rb", "main.rb", "server.rb", "index.rb")
_GEM = re.compile(r"""^[ \t]*gem[ (]+['"]([\w.-]+)['"]""", re.MULTILINE)
_LOCKED = re.compile(r"^    ([\w.-]+) \((\d+)[^)]*\)$", re.MULTILINE)
_PATH = re.compile(r"""\bpath(?::|\s*=>|\s)\s*['"]([^'"\n]+)['"]""")
_EVALUATED = re.compile(r"""\beval_gemfile[ (]+['"]([^'"\n]+)['"]""")
_RUBY = re.compile(r"""^[ \t]*ruby[ (]+((?:['"][^'"\n]+['"],?\s*)+)""", re.MULTILINE)
_TOOL_VERSION = re.compile(r"^ruby[ \t]+(\S+)", re.MULTILINE)
_LOCK_VERSION = re.compile(r"^RUBY VERSION\s+ruby (\d+\.\d+)", re.MULTILINE)
# These are compiled when they are installed, for which slim images lack a compiler or a library.
_COMPILED = names(
    "bcrypt bigdecimal bootsnap byebug date debug eventmachine falcon ffi hiredis io- "
    "console jaro_winkler json msgpack mysql2 nio4r nokogiri passenger pg psych puma racc "
    "rails redcarpet rmagick sassc sqlite3 stringio strscan thin unf_ext unicorn "
    "websocket-driver"
)


@dataclass(frozen=True)
class RubyStart:
    """How the app is started; ``command`` is empty where nothing was found."""

    framework: str
    command: Command
    port: int | None
    production: Command = ()


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the Gemfile with what it reaches and the files that may hold the app."""
    if not snapshot.present(*_FILES):
        return frozenset()
    first = (*_FILES, *_LOCKS, *_VERSION_FILES, "Procfile", "config/puma.rb", *_ENTRIES)
    return frozenset(snapshot.present(*first, *_evaluated(snapshot)))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a project with a Gemfile is installed and run."""
    if not snapshot.present(*_FILES):
        return None
    gems = _gems(snapshot)
    start = _start(snapshot, gems)
    version = versions.choose(versions.RUBY, _version_specs(snapshot))
    full = bool(_COMPILED & gems.keys()) or "git" in _gemfile(snapshot).replace("github", "git")
    return Detection(
        name=NAME,
        manager="bundler",
        framework=start.framework,
        version=version,
        image=f"ruby:{version}" if full else f"ruby:{version}-slim",
        manifests=_manifests(snapshot),
        install="bundle install",
        cache="/root/.bundle/cache",
        run=start.command,
        port=start.port,
        reload="restart",
        suffixes=SUFFIXES,
        stores=(GEMS,),
        env=(
            Env("GEM_HOME", GEMS),
            Env("BUNDLE_APP_CONFIG", GEMS),
            Env("BUNDLE_GLOBAL_GEM_CACHE", "true"),
            Env("PATH", f"{GEMS}/bin:$PATH"),
        ),
        ignore=IGNORE,
        needs_source=_needs_source(snapshot),
        production=Production(
            install="BUNDLE_WITHOUT=development:test bundle install",
            build=_assets(snapshot, gems),
            run=start.production or start.command,
            port=start.port,
            env=_production_env(start.framework),
        ),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Ruby project."""
    return paths.name(path) in _NAMES or path.endswith((".gemspec", ".bundle/config"))


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give the lines of a Gemfile less comments; None for all else."""
    del manager
    return {"lines": code.lines(decode(content), "#")} if paths.name(path) in _FILES else None


def _gemfile(snapshot: Snapshot) -> str:
    files = snapshot.present(*_FILES)[:1]
    found = (snapshot.text(path) for path in (*files, *_evaluated(snapshot)))
    return "\n".join(line for text in found for line in code.lines(text, "#"))


def _evaluated(snapshot: Snapshot) -> tuple[str, ...]:
    text = "".join(snapshot.text(path) for path in _FILES)
    inside = (paths.join("", path) for path in _EVALUATED.findall(text))
    return snapshot.present(*(path for path in inside if path))


def _gems(snapshot: Snapshot) -> dict[str, int]:
    """Give the first number of each gem's version, 0 where no lock tells it."""
    locked = "".join(snapshot.text(path) for path in _LOCKS)
    named = dict.fromkeys(_GEM.findall(_gemfile(snapshot)), 0)
    return named | {name: int(major[:6]) for name, major in _LOCKED.findall(locked)}


def _manifests(snapshot: Snapshot) -> tuple[str, ...]:
    folders = [paths.join("", path) or "" for path in _PATH.findall(_gemfile(snapshot))]
    local = {
        path
        for path in snapshot.paths
        if is_manifest(path) and any(path.startswith(f"{home}/") for home in folders if home)
    }
    specs = {path for path in snapshot.paths if path.endswith(".gemspec") and "/" not in path}
    named = {*_FILES, *_LOCKS, *_VERSION_FILES, ".bundle/config", *_evaluated(snapshot)}
    return tuple(sorted({*snapshot.present(*named), *local, *specs}))


def _needs_source(snapshot: Snapshot) -> bool:
    """Say whether a gemspec, which is a program that reads its folder, is part of the install."""
    text = _gemfile(snapshot)
    return bool(_PATH.search(text)) or re.search(r"^gemspec\b", text, re.MULTILINE) is not None


def _start(snapshot: Snapshot, gems: Mapping[str, int]) -> RubyStart:
    if "bin/rails" in snapshot.paths and ("rails" in gems or "railties" in gems):
        server = f"bin/rails server -b {ANY} -p 3000"
        command = f"rm -f tmp/pids/server.pid; exec {server}"
        return RubyStart("rails", command, 3000, tuple(server.split()))
    framework = next((name for name in ("sinatra", "hanami", "roda", "grape") if name in gems), "")
    if "config.ru" in snapshot.paths:
        return _rack(framework or "rack", gems)
    file = next(iter(snapshot.present(*_ENTRIES)), "")
    text = snapshot.text(file)
    if file and framework == "sinatra":
        port = code.port(text) or 4567
        return RubyStart(
            "sinatra", ("bundle", "exec", "ruby", file, "-o", ANY, "-p", str(port)), port
        )
    if file:
        return RubyStart(framework, ("bundle", "exec", "ruby", file), code.port(text))
    return RubyStart(framework, web(snapshot), None)


def _rack(framework: str, gems: Mapping[str, int]) -> RubyStart:
    port = 4567 if framework == "sinatra" else 9292
    rack = gems.get("rack", 0)
    alone = "puma" in gems and "rackup" not in gems and rack not in {1, 2}
    if alone:
        return RubyStart(framework, ("bundle", "exec", "puma", "-b", f"tcp://{ANY}:{port}"), port)
    return RubyStart(framework, ("bundle", "exec", "rackup", "-o", ANY, "-p", str(port)), port)


def _assets(snapshot: Snapshot, gems: Mapping[str, int]) -> str:
    pipeline = {"sprockets-rails", "propshaft"} & gems.keys()
    rails = "bin/rails" in snapshot.paths and pipeline
    return (
        "RAILS_ENV=production SECRET_KEY_BASE_DUMMY=1 bin/rails assets:precompile" if rails else ""
    )


def _production_env(framework: str) -> tuple[Env, ...]:
    bundle = Env("BUNDLE_WITHOUT", "development:test")
    rails = (Env("RAILS_ENV", "production"), Env("RAILS_LOG_TO_STDOUT", "1"))
    return (bundle, *(rails if framework == "rails" else (Env("RACK_ENV", "production"),)))


def _version_specs(snapshot: Snapshot) -> list[str]:
    """Give what the project says of Ruby's version, the most binding first."""
    tools = _TOOL_VERSION.search(snapshot.text(".tool-versions"))
    asked = _RUBY.search(_gemfile(snapshot))
    locked = _LOCK_VERSION.search("".join(snapshot.text(path) for path in _LOCKS))
    specs = [
        snapshot.text(".ruby-version").strip().removeprefix("ruby-"),
        tools[1] if tools else "",
        ",".join(re.findall(r"""['"]([^'"\n]+)['"]""", asked[1])) if asked else "",
        locked[1] if locked else "",
    ]
    return [spec for spec in specs if spec]
