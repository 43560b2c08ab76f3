"""Deno: its tasks, its modules cached outside the mount."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from devloop.model import Command
from devloop.stacks import code, paths
from devloop.stacks.base import Detection, Env, ManifestError, Production, Snapshot
from devloop.stacks.facts import Facts, Install, names
from devloop.stacks.node import facts as node_facts
from devloop.stacks.parse import json_object, pick, reach, string, table

NAME = "deno"
VERSION = "2.5.6"  # the official images have no tag of a major version alone
PORT = 8000
SUFFIXES = frozenset({".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".json", ".html", ".css"})
IGNORE = ("**/node_modules", "coverage")
CONFIGS = ("deno.json", "deno.jsonc")
FACTS = Facts(
    found_by=CONFIGS[:1],
    version_files=names(".dvmrc"),
    tool_folders=names("node_modules"),
    installs=(Install(("deno", "install"), bars=names("-g --global")),),
    declares=CONFIGS,
    services=node_facts.FACTS.services,  # its packages are npm's
    extensions=("denoland.vscode-deno",),
)
_LOCK = "deno.lock"
_NAMES = frozenset({*CONFIGS, _LOCK, "import_map.json", ".dvmrc"})
_KEYS = frozenset(
    {"imports", "scopes", "importMap", "nodeModulesDir", "workspace", "vendor", "links", "lock"}
)
_ENTRIES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("main", "mod", "index", "server", "app", "dev")
    for suffix in ("ts", "tsx")
)
_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')
_SHELL = re.compile(r"[;&|<>()$`\\\n]")
_EXACT = re.compile(r"v?(\d{1,3}\.\d{1,3}\.\d{1,3})")


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the configuration and the file that may be the app."""
    if not _is_deno(snapshot):
        return frozenset()
    members = _members(snapshot)
    return frozenset(snapshot.present(*CONFIGS, ".dvmrc", *members, *_entry(snapshot)))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a project with a deno.json, or with TypeScript and nothing else, is run."""
    if not _is_deno(snapshot):
        return None
    data = _config(snapshot)
    run, reload = _run(snapshot, data)
    manifests = _manifests(snapshot)
    version = _EXACT.fullmatch(snapshot.text(".dvmrc").strip())
    modules = bool(data.get("nodeModulesDir")) or "package.json" in snapshot.paths
    port = code.port(*map(snapshot.text, _entry(snapshot))) or PORT
    return Detection(
        name=NAME,
        manager=NAME,
        framework="fresh" if "fresh.gen.ts" in snapshot.paths else "",
        version=version[1] if version else VERSION,
        image=f"denoland/deno:{version[1] if version else VERSION}",
        manifests=manifests,
        install=_install(snapshot, data),
        cache="",
        run=run,
        port=port if run else None,
        reload=reload,
        suffixes=SUFFIXES,
        keep=("node_modules",) if modules else (),
        stores=("/opt/deno",),
        env=(Env("DENO_DIR", "/opt/deno"), Env("DENO_NO_UPDATE_CHECK", "1")),
        ignore=IGNORE,
        production=Production(run=run, port=port if run else None),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Deno project."""
    return paths.name(path) in _NAMES


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a deno.json; None for all else."""
    del manager
    return pick(_parse(content), _KEYS) if paths.name(path) in CONFIGS else None


def _is_deno(snapshot: Snapshot) -> bool:
    if snapshot.present(*CONFIGS, _LOCK):
        return True
    other = snapshot.present("package.json", "tsconfig.json")
    return not other and bool(snapshot.present(*_ENTRIES))


def _parse(content: bytes) -> dict[str, object]:
    """Read JSON with comments and trailing commas: what is taken out leaves its lines."""
    try:
        return json_object(content)
    except ManifestError:
        text = content.decode("utf-8-sig", "replace")
        bare = _COMMA.sub(_blank, _COMMENT.sub(_blank, text))
        return json_object(bare.encode("utf-8", "surrogatepass"))


def _blank(found: re.Match[str]) -> str:
    """Keep a string as it is; of anything else keep only its place."""
    text = found[0]
    return text if text[0] == '"' else re.sub(r"[^\n]", " ", text)


def _config(snapshot: Snapshot) -> dict[str, object]:
    for path in snapshot.present(*CONFIGS)[:1]:
        try:
            return _parse(snapshot.contents.get(path, b"{}"))
        except ManifestError:
            return {}
    return {}


def _members(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the configuration of every member of the workspace."""
    workspace = _config(snapshot).get("workspace")
    listed = workspace if isinstance(workspace, list) else table(workspace).get("members")
    patterns = [string(item) for item in listed] if isinstance(listed, list) else []
    own = {name: [path for path in snapshot.paths if path.endswith(f"/{name}")] for name in CONFIGS}
    return tuple(
        f"{folder}/{name}"
        for name, found in own.items()
        for folder in paths.matching(patterns, [path.removesuffix(f"/{name}") for path in found])
    )


def _manifests(snapshot: Snapshot) -> tuple[str, ...]:
    mapped = paths.join("", string(_config(snapshot).get("importMap")) or "import_map.json") or ""
    named = (*CONFIGS, _LOCK, ".dvmrc", "package.json", mapped, *_members(snapshot))
    return tuple(sorted(snapshot.present(*named)))


def _install(snapshot: Snapshot, data: Mapping[str, object]) -> str:
    if not snapshot.present(*CONFIGS, "package.json"):
        return ""
    frozen = " --frozen" if _LOCK in snapshot.paths and data.get("lock") is not False else ""
    return f"deno install{frozen}"


def _entry(snapshot: Snapshot) -> tuple[str, ...]:
    return snapshot.present(*_ENTRIES)[:1]


def _run(snapshot: Snapshot, data: Mapping[str, object]) -> tuple[Command, str]:
    """Give the command less its watcher, and whether the app reloads itself."""
    tasks = table(data.get("tasks"))
    for name in ("dev", "start"):
        task = tasks.get(name)
        text = string(task) or string(reach(task, "command"))
        words = () if _SHELL.search(text) else _split(text)
        if words[:2] in {("deno", "run"), ("deno", "serve")}:
            return tuple(word for word in words if not word.startswith("--watch")), "restart"
        if text:
            return ("deno", "task", name), "none" if "watch" in text else "restart"
    entry = _entry(snapshot)
    return (("deno", "run", "--allow-all", entry[0]) if entry else ()), "restart"


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:  # an open quote
        return ()
