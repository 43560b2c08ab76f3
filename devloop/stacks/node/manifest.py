"""The manifests of a Node project: which files they are and what in them an install depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.stacks import paths
from devloop.stacks.base import Snapshot
from devloop.stacks.node.manager import Manager
from devloop.stacks.node.package import (
    ROOT,
    Package,
    local_dependencies,
    local_manifests,
    members,
    read,
)
from devloop.stacks.parse import canonical, json_object, pick, table

LOCKS = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
)
VERSION_FILES = (".nvmrc", ".node-version", ".tool-versions", "mise.toml")
_COMMON = (*VERSION_FILES, ".npmrc")
_OF_MANAGER = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "pnpm": ("pnpm-lock.yaml", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs"),
    "yarn": ("yarn.lock", ".yarnrc", ".yarnrc.yml"),
    "bun": ("bun.lock", "bun.lockb", "bunfig.toml"),
}
_NAMES = frozenset({ROOT, *_COMMON, *(name for names in _OF_MANAGER.values() for name in names)})
_PNP = (".pnp.cjs", ".pnp.js", ".pnp.loader.mjs", ".pnp.data.json")
_YARN_FOLDERS = (".yarn/releases/", ".yarn/plugins/", ".yarn/patches/")
_FOLDER_FILES = re.compile(
    r"(?:.*/)?(?:patches/.+|prisma/(?:.+/)?[^/]+\.prisma|\.yarn/(?:releases|plugins|patches|cache)/.+)"
)
_OWNED = re.compile(r"(?:(.*?)/)??(?:patches|prisma)/")
_CREDENTIALS = re.compile(r"_auth|_password", re.IGNORECASE)

HOOKS = (
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
)
_SAFE_HOOK = re.compile(
    r"(?:npx )?(?:husky(?: install| \|\| true)?|patch-package|prisma generate"
    r"|is-ci \|\| husky install|simple-git-hooks|lefthook install|only-allow \w+)"
)
_KEYS = frozenset(
    {
        "name",
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
        "peerDependenciesMeta",
        "bundleDependencies",
        "bundledDependencies",
        "dependenciesMeta",
        "overrides",
        "resolutions",
        "pnpm",
        "workspaces",
        "packageManager",
        "devEngines",
        "engines",
        "os",
        "cpu",
        "trustedDependencies",
        *(f"scripts.{hook}" for hook in HOOKS),
    }
)
_MEMBER_KEYS = frozenset({"version", "bin"})


def packages(snapshot: Snapshot, root: Package, manager: Manager) -> list[Package]:
    """Give the root and every workspace member."""
    return [root, *(read(snapshot, path) for path in members(snapshot, root, manager.name))]


def manifests(snapshot: Snapshot, found: list[Package], manager: Manager) -> tuple[str, ...]:
    """Give every file that the install reads, sorted, only those that exist."""
    named = {
        ROOT,
        *(package.path for package in found),
        *_COMMON,
        *_OF_MANAGER[manager.name],
        *local_manifests(snapshot, found),
    }
    homes = frozenset(package.folder for package in found)
    named |= {path for path in snapshot.paths if _in_folder(path, homes, manager)}
    return tuple(sorted(path for path in snapshot.present(*named) if paths.is_safe(path)))


def credentials(snapshot: Snapshot) -> tuple[str, ...]:
    """Give .npmrc if it holds a token or password, which must not get into an image."""
    return (".npmrc",) if _CREDENTIALS.search(snapshot.text(".npmrc")) else ()


def needs_source(found: list[Package], manager: Manager) -> bool:
    """Say whether the install runs code of the project or copies a folder of it."""
    hooks = (
        package.scripts[hook] for package in found for hook in HOOKS if hook in package.scripts
    )
    if any(not _SAFE_HOOK.fullmatch(hook.strip()) for hook in hooks):
        return True
    schemes = {scheme for package in found for scheme, _ in local_dependencies(package)}
    return "file:" in schemes and manager.name != "npm"


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Node project."""
    name = paths.name(path)
    return name in _NAMES or name in _PNP or _FOLDER_FILES.fullmatch(path) is not None


def fields(path: str, content: bytes) -> Mapping[str, object] | None:
    """Give what counts in a package.json or a lock of npm's; None for all else."""
    name = paths.name(path)
    if name == ROOT:
        keys = _KEYS if path == ROOT else _KEYS | _MEMBER_KEYS
        return pick(json_object(content), keys)
    if name in _OF_MANAGER["npm"]:
        return _lock(json_object(content))
    return None


def _lock(data: dict[str, object]) -> dict[str, object]:
    """All but the root's own version, which stands in two places."""
    rest = {key: value for key, value in data.items() if key != "version"}
    entries = dict(table(rest.get("packages")))
    if entries.get(""):
        own = table(entries[""])
        entries[""] = {key: value for key, value in own.items() if key != "version"}
        rest["packages"] = entries
    return dict(table(canonical(rest)))


def _in_folder(path: str, homes: frozenset[str], manager: Manager) -> bool:
    if manager.berry and (path in _PNP[: 4 * manager.zero] or path.startswith(_YARN_FOLDERS)):
        return True
    if manager.zero and path.startswith(".yarn/cache/"):
        return True
    owner = _OWNED.match(path)
    return owner is not None and (owner[1] or "") in homes and is_manifest(path)
