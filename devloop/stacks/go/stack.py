"""Go: modules and workspaces, fetched and compiled into folders outside the mount."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.stacks import code, paths, versions
from devloop.stacks.base import Detection, Env, Production, Snapshot
from devloop.stacks.go import facts as go_facts
from devloop.stacks.go import mod as go_mod
from devloop.stacks.go.facts import VERSION_FILES
from devloop.stacks.procfile import web

NAME = "go"
FACTS = go_facts.FACTS
SUFFIXES = frozenset({".go", ".tmpl", ".gohtml", ".html", ".sql", ".templ", ".yaml", ".yml"})
IGNORE = ("**/*.test", "**/*.out")
MAX_SOURCES = 12
FRAMEWORKS = {
    "github.com/gin-gonic/gin": ("gin", 8080),
    "github.com/labstack/echo": ("echo", 1323),
    "github.com/gofiber/fiber": ("fiber", 3000),
    "github.com/go-chi/chi": ("chi", 3000),
    "github.com/gorilla/mux": ("gorilla", 8080),
}
_SERVES = re.compile(r'"net/http"|"net"|\bListen(?:AndServe)?\b')
_MAIN = re.compile(r"(?:(?:.+/)?cmd/[^/]+/|)main\.go")
_ASIDE = re.compile(r"(?:^|/)(?:vendor|testdata|examples?|internal|node_modules|\.[^/]+)/")
_TOOL_VERSION = re.compile(r"^(?:golang|go)[ \t]+(\S+)", re.MULTILINE)
_NAMES = frozenset({"go.mod", "go.sum", "go.work", "go.work.sum", *VERSION_FILES})

WARM = "go build net/http && chmod -R a+rwX /opt/go/build"
"""Go compiles its own library on first use: once for all images, not at each first start."""


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the modules with all that they reach and the files that may hold ``main``."""
    modules = go_mod.modules(snapshot)
    first = snapshot.present("go.work", "Procfile", *VERSION_FILES, *modules)
    return frozenset({*first, *_sources(snapshot)})


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a Go module, a workspace or a lone ``main.go`` is run."""
    if not snapshot.present("go.mod", "go.work", "main.go"):
        return None
    modules = go_mod.modules(snapshot)
    program = _program(snapshot, modules)
    framework, port = _server(snapshot, modules)
    version = versions.choose(versions.GO, _version_specs(snapshot, modules))
    run = ("go", "run", *program) if program else web(snapshot)
    return Detection(
        name=NAME,
        manager=NAME,
        framework=framework,
        version=version,
        image=f"golang:{version}",
        manifests=_manifests(snapshot, modules),
        install=_install(snapshot, modules),
        cache="",
        run=run,
        port=port if run else None,
        reload="restart",
        suffixes=SUFFIXES,
        stores=("/opt/go/mod", "/opt/go/build"),
        prepare=WARM if port else "",
        env=(
            Env("GOMODCACHE", "/opt/go/mod"),
            Env("GOCACHE", "/opt/go/build"),
            # where go.mod asks for more than the image has, it is got with the modules
            Env("GOTOOLCHAIN", "auto"),
            Env("GOFLAGS", "-modcacherw"),
            *((Env("PORT", str(port)),) if port else ()),
        ),
        ignore=IGNORE,
        production=_production(program, port),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Go project."""
    return paths.name(path) in _NAMES or path == "vendor/modules.txt"


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a go.mod or go.work; None for all else."""
    del manager
    return go_mod.fields(content) if paths.name(path) in {"go.mod", "go.work"} else None


def _manifests(snapshot: Snapshot, modules: tuple[str, ...]) -> tuple[str, ...]:
    sums = (f"{paths.folder(path)}/go.sum".lstrip("/") for path in modules)
    named = {"go.work", "go.work.sum", "vendor/modules.txt", *VERSION_FILES, *modules, *sums}
    return tuple(sorted(snapshot.present(*named)))


def _install(snapshot: Snapshot, modules: tuple[str, ...]) -> str:
    vendored = "vendor/modules.txt" in snapshot.paths
    if vendored or not modules:
        return ""
    return "go mod download"


def _program(snapshot: Snapshot, modules: tuple[str, ...]) -> tuple[str, ...]:
    """Give what ``go run`` is told: the package, or the files where there is no module."""
    found = _mains(snapshot, modules)
    if not modules:
        return tuple(path for path in sorted(found) if "/" not in path)
    homes = sorted({paths.folder(path) for path in found}, key=lambda home: (home.count("/"), home))
    preferred = [home for home in homes if paths.name(home) in {"", "server", "api", "web"}]
    return tuple(f"./{home}" if home else "." for home in [*preferred, *homes][:1])


def _mains(snapshot: Snapshot, modules: tuple[str, ...]) -> list[str]:
    """Give the files of packages ``main`` that may be the app."""
    homes = {paths.folder(path) for path in modules}
    return [
        path
        for path in _sources(snapshot)
        if re.search(r"^package main\b", snapshot.text(path), re.MULTILINE)
        or (not snapshot.text(path).strip() and _MAIN.fullmatch(path))
        or (not snapshot.text(path).strip() and paths.folder(path) in homes and "main" in path)
    ]


def _sources(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the few files that may hold ``main``, the likeliest first."""
    homes = {paths.folder(path) for path in go_mod.modules(snapshot)} | {""}
    found = (
        path
        for path in snapshot.paths
        if path.endswith(".go")
        and not path.endswith("_test.go")
        and (paths.folder(path) in homes or _MAIN.fullmatch(path))
        and not _ASIDE.search(path)
    )
    return tuple(sorted(found, key=lambda path: (path.count("/"), path))[:MAX_SOURCES])


def _server(snapshot: Snapshot, modules: tuple[str, ...]) -> tuple[str, int | None]:
    texts = [snapshot.text(path) for path in _sources(snapshot)]
    required = {name for path in modules for name in go_mod.required(snapshot, path)}
    for prefix, (framework, usual) in FRAMEWORKS.items():
        if any(name == prefix or name.startswith(f"{prefix}/") for name in required):
            return framework, code.port(*texts) or usual
    serving = [text for text in texts if _SERVES.search(text)]
    return "", (code.port(*serving) or 8080) if serving else None


def _version_specs(snapshot: Snapshot, modules: tuple[str, ...]) -> list[str]:
    tools = _TOOL_VERSION.search(snapshot.text(".tool-versions"))
    asked = [go_mod.version(snapshot, path) for path in ("go.work", *modules)]
    needed = max(filter(None, asked), key=versions.numbers, default="")
    pinned = [snapshot.text(".go-version").strip().removeprefix("go"), tools[1] if tools else ""]
    return [spec for spec in (*pinned, f">={needed}" if needed else "") if spec]


def _production(program: tuple[str, ...], port: int | None) -> Production:
    """Ship the program alone, which needs nothing but certificates."""
    build = f"CGO_ENABLED=0 go build -o /out/app {' '.join(program)}" if _plain(program) else ""
    return Production(
        build=build,
        run=("app",) if build else (),
        port=port if build else None,
        image="debian:trixie-slim",
    )


def _plain(program: tuple[str, ...]) -> bool:
    """Say whether the names can stand in a shell line and an instruction as they are."""
    return bool(program) and all(re.fullmatch(r"[\w./-]+", word) for word in program)
