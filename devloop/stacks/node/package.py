"""What a package.json and its workspace say, as typed values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devloop.stacks import paths
from devloop.stacks.base import ManifestError, Snapshot
from devloop.stacks.parse import json_object, reach, string, strings, table

ROOT = "package.json"
_PNPM_PACKAGES = re.compile(r"^packages:[ \t]*(.*)$((?:\n(?:[ \t]*(?:-.*|#.*)?$))*)", re.MULTILINE)
_LIST_ITEM = re.compile(r"^[ \t]*-[ \t]+(.*?)(?:[ \t]+#.*)?$", re.MULTILINE)
_DEPENDENCY_TABLES = ("dependencies", "devDependencies", "optionalDependencies")
_LOCAL = ("file:", "link:", "portal:")


@dataclass(frozen=True)
class Package:
    """One package.json; ``data`` is empty where it is absent or does not parse."""

    path: str
    data: Mapping[str, object]

    @property
    def folder(self) -> str:
        """The folder that it describes, empty for the project itself."""
        return paths.folder(self.path)

    @property
    def scripts(self) -> Mapping[str, str]:
        """Scripts by name, those that are not blank."""
        found = table(self.data.get("scripts"))
        return {key: string(value) for key, value in found.items() if string(value).strip()}

    @property
    def dependencies(self) -> Mapping[str, str]:
        """Name → range of all dependencies, those for development too."""
        return {
            name: string(spec)
            for kind in _DEPENDENCY_TABLES
            for name, spec in table(self.data.get(kind)).items()
        }

    def text(self, *keys: str) -> str:
        """Give the string at this place, empty if it is none."""
        return string(reach(self.data, *keys))


def read(snapshot: Snapshot, path: str = ROOT) -> Package:
    """Read a package.json of the snapshot; a broken one reads as empty."""
    try:
        return Package(path, json_object(snapshot.contents.get(path, b"{}")))
    except ManifestError:
        return Package(path, {})


def members(snapshot: Snapshot, root: Package, manager: str) -> tuple[str, ...]:
    """Give the package.json of every workspace member but the root, sorted."""
    patterns = _pnpm_patterns(snapshot) if manager == "pnpm" else _patterns(root)
    if not patterns:
        return ()
    suffix = f"/{ROOT}"
    folders = [
        path.removesuffix(suffix)
        for path in snapshot.paths
        if path.endswith(suffix) and "node_modules/" not in path
    ]
    return tuple(folder + suffix for folder in paths.matching(patterns, folders))


def local_dependencies(package: Package) -> Iterator[tuple[str, str]]:
    """Give the scheme (``file:``, ``link:``, ``portal:``) and the path of local dependencies.

    A path is relative to the project; those outside it are left out.
    """
    for spec in package.dependencies.values():
        for scheme in _LOCAL:
            inside = paths.join(package.folder, spec.removeprefix(scheme))
            if spec.startswith(scheme) and inside not in {None, "."}:
                yield scheme, str(inside)


def local_manifests(snapshot: Snapshot, packages: list[Package]) -> tuple[str, ...]:
    """Give the files that stand for local dependencies: a package.json, or a tarball itself."""
    targets = {path for package in packages for _, path in local_dependencies(package)}
    names = {path for target in targets for path in (target, f"{target}/{ROOT}")}
    return snapshot.present(*sorted(names))


def _patterns(root: Package) -> tuple[str, ...]:
    workspaces = root.data.get("workspaces")
    return strings(workspaces) or strings(table(workspaces).get("packages"))


def _pnpm_patterns(snapshot: Snapshot) -> tuple[str, ...]:
    """Read the one list that matters, in either of YAML's two ways to write it."""
    text = snapshot.text("pnpm-workspace.yaml").replace("\r\n", "\n")
    found = _PNPM_PACKAGES.search(text)
    if found is None:
        return ()
    flow = found[1].strip()
    items = flow.strip("[]").split(",") if flow.startswith("[") else _LIST_ITEM.findall(found[2])
    return tuple(item.strip().strip("'\"") for item in items if item.strip())
