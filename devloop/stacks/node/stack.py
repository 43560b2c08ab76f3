"""Node: npm, pnpm, yarn and bun, with the frameworks that they install."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from devloop.stacks import versions
from devloop.stacks.base import Detection, Env, ManifestError, Production, Snapshot, Tool
from devloop.stacks.node import commands as node_commands
from devloop.stacks.node import facts as node_facts
from devloop.stacks.node import manager as node_manager
from devloop.stacks.node import manifest as node_manifest
from devloop.stacks.node.commands import NodeStart
from devloop.stacks.node.manager import BUN, Manager
from devloop.stacks.node.manifest import LOCKS, VERSION_FILES
from devloop.stacks.node.package import ROOT, Package, local_manifests, members, read
from devloop.stacks.parse import reach, string, toml_table

NAME = "node"
FACTS = node_facts.FACTS
_DENO = ("deno.json", "deno.jsonc", "deno.lock")
SUFFIXES = frozenset(
    {
        ".js",
        ".mjs",
        ".cjs",
        ".jsx",
        ".ts",
        ".mts",
        ".cts",
        ".tsx",
        ".json",
        ".html",
        ".css",
        ".scss",
        ".vue",
        ".svelte",
        ".astro",
        ".graphql",
        ".ejs",
        ".pug",
        ".hbs",
        ".njk",
        ".proto",
    }
)
IGNORE = (
    "**/node_modules",
    "**/.next",
    "**/.nuxt",
    "**/.output",
    "**/.svelte-kit",
    "**/.turbo",
    "**/.parcel-cache",
    "**/.eslintcache",
    "coverage",
    "**/npm-debug.log*",
)
_TOOL_VERSION = re.compile(r"^(?:nodejs|node)[ \t]+(\S+)", re.MULTILINE)
_GIT = re.compile(r"(?:git[+:@]|git@|github:|gitlab:|bitbucket:|[\w-]+/[\w.-]+(?:#.*)?$)")


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name package.json and what stands beside it, then the members, then the app's entry."""
    if ROOT not in snapshot.paths:
        return frozenset()
    first = (
        ROOT,
        ".npmrc",
        ".yarnrc.yml",
        "pnpm-workspace.yaml",
        "pnpm-lock.yaml",
        "yarn.lock",
        "Procfile",
        *VERSION_FILES,
    )
    package = read(snapshot)
    manager = node_manager.choose(snapshot, package)
    found = [package, *(read(snapshot, path) for path in members(snapshot, package, manager.name))]
    packages = {item.path for item in found} | {
        path for path in local_manifests(snapshot, found) if path.endswith(ROOT)
    }
    entry = node_commands.entry(snapshot, package)
    return frozenset(snapshot.present(*first, *packages, entry))


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a folder with a package.json is installed and run."""
    package = read(snapshot)
    manager = node_manager.choose(snapshot, package)
    if ROOT not in snapshot.paths:
        return None
    if snapshot.present(*_DENO) and not snapshot.present(*LOCKS):
        return None  # Deno reads package.json itself
    found = node_manifest.packages(snapshot, package, manager)
    locked = bool(_lock(snapshot, manager))
    install, cache = node_manager.install(manager, locked=locked)
    version = versions.choose(versions.NODE, _version_specs(snapshot, package))
    manager = replace(manager, node=int(version))
    start = node_commands.development(snapshot, package, manager)
    secrets = node_manifest.credentials(snapshot)
    return Detection(
        name=NAME,
        manager=manager.name,
        framework=start.framework.name,
        version=(manager.version or BUN) if manager.name == "bun" else version,
        image=_image(manager, version, found),
        manifests=node_manifest.manifests(snapshot, found, manager),
        install=install,
        cache=cache,
        run=start.command,
        port=start.port if start.command else None,
        reload=start.reload,
        suffixes=SUFFIXES,
        keep=_keep(found, manager),
        setup=node_manager.setup(manager),
        env=_env(snapshot, manager, start),
        develop=(Env("NODE_ENV", "development"),),
        ignore=(*IGNORE, *secrets, *_ignored_cache(manager)),
        needs_source=node_manifest.needs_source(found, manager),
        secrets=secrets,
        lends=_tool(manager, version),
        production=_production(snapshot, package, manager, start),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Node project."""
    return node_manifest.is_manifest(path)


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a package.json or a lock of npm's; the manager makes no difference."""
    del manager
    return node_manifest.fields(path, content)


def _lock(snapshot: Snapshot, manager: Manager) -> tuple[str, ...]:
    return snapshot.present(
        *(path for path in LOCKS if path in node_manifest.manifests(snapshot, [], manager))
    )


def _version_specs(snapshot: Snapshot, package: Package) -> list[str]:
    """Give what the project says of Node's version, the most binding first."""
    tools = _TOOL_VERSION.search(snapshot.text(".tool-versions"))
    specs = [
        snapshot.text(".nvmrc"),
        snapshot.text(".node-version"),
        tools[1] if tools else "",
        _mise(snapshot),
        package.text("volta", "node"),
        package.text("engines", "node"),
        package.text("devEngines", "runtime", "version"),
    ]
    return [_release(spec.strip()) for spec in specs if spec.strip()]


def _release(spec: str) -> str:
    """Give the release of a codename (``lts/iron``); ``lts/*`` and ``node`` mean any."""
    name = spec.lower().removeprefix("lts/").removeprefix("lts-")
    if name in {"*", "lts", "node", "stable", "latest", "current"}:
        return "*"
    return versions.NODE_CODENAMES.get(name, spec)


def _mise(snapshot: Snapshot) -> str:
    try:
        return string(reach(toml_table(snapshot.contents.get("mise.toml", b"")), "tools", "node"))
    except ManifestError:
        return ""


def _needs_git(found: list[Package]) -> bool:
    """Say whether a dependency comes from git, which slim images do not have."""
    return any(_GIT.match(spec) for package in found for spec in package.dependencies.values())


def _image(manager: Manager, version: str, found: list[Package]) -> str:
    if manager.name == "bun":
        return f"oven/bun:{manager.version or BUN}"
    return f"node:{version}" if _needs_git(found) else f"node:{version}-slim"


def _keep(found: list[Package], manager: Manager) -> tuple[str, ...]:
    if manager.zero:
        return (".yarn/unplugged",)
    return tuple(f"{package.folder}/node_modules".lstrip("/") for package in found)


def _env(snapshot: Snapshot, manager: Manager, start: NodeStart) -> tuple[Env, ...]:
    found = []
    if (
        manager.berry
        and not manager.zero
        and "nodeLinker: pnpm" not in snapshot.text(".yarnrc.yml")
    ):
        found.append(Env("YARN_NODE_LINKER", "node-modules"))
    if start.framework.reload == "restart" and start.command:
        host = Env("HOST", "0.0.0.0")  # noqa: S104 - published on loopback only
        found += [host, Env("PORT", str(start.port))]
    return tuple(found)


def _ignored_cache(manager: Manager) -> tuple[str, ...]:
    unplugged = (".yarn/unplugged", ".yarn/install-state.gz") if manager.berry else ()
    return unplugged if manager.zero or not manager.berry else (*unplugged, ".yarn/cache", ".pnp.*")


def _production(
    snapshot: Snapshot, package: Package, manager: Manager, start: NodeStart
) -> Production:
    build = " ".join(node_manager.run(manager, "build")) if "build" in package.scripts else ""
    static = node_commands.static_folder(package, start.framework) if build else ""
    own = node_commands.production(snapshot, package, manager)
    lean = node_commands.is_lean(package, own or start.command)
    locked = bool(_lock(snapshot, manager))
    return Production(
        build=build,
        prune=node_manager.prune(manager, locked=locked) if lean and not static else "",
        static=static,
        run=own or start.command,
        port=3000 if static else start.port,
        env=(Env("NODE_ENV", "production"),),
    )


def _tool(manager: Manager, version: str) -> Tool:
    """Say what another stack's image takes over to install and build what is Node's here."""
    if manager.name == "bun":
        bunx = "ln -s bun /usr/local/bin/bunx && ln -s bun /usr/local/bin/node"
        return Tool(NAME, f"oven/bun:{BUN}", ("/usr/local/bin/bun",), bunx)
    modules = "/usr/local/lib/node_modules"
    link = (
        "ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\\n"
        "    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx"
    )
    return Tool(
        NAME,
        f"node:{version}-slim",
        ("/usr/local/bin/node", modules),
        link,
        setup_cache=node_manager.NPM_CACHE,
    )
