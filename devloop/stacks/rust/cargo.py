"""What Cargo.toml says, and the stand-in sources that let dependencies compile without the app."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devloop.stacks import paths
from devloop.stacks.base import ManifestError, Snapshot
from devloop.stacks.parse import canonical, pick, reach, string, strings, table, toml_table

CARGO = "Cargo.toml"
MAX_CRATES = 5000
_TABLES = ("dependencies", "dev-dependencies", "build-dependencies")
_PACKAGE = ("name", "version", "edition", "rust-version", "build", "links")
_KEYS = frozenset(
    {
        *_TABLES,
        *(f"package.{key}" for key in (*_PACKAGE, "autobins", "default-run", "resolver")),
        "features",
        "patch",
        "replace",
        "profile",
        "workspace",
        "lib",
        "bin",
    }
)
_TARGETS = {"bin": "fn main() {}", "example": "fn main() {}", "bench": "", "test": ""}
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SOURCE = re.compile(r"(?:(.*)/)?(src/(?:main\.rs|lib\.rs|bin/[^/]+\.rs|bin/[^/]+/main\.rs))")


@dataclass(frozen=True)
class Crate:
    """One Cargo.toml; ``data`` is empty where it does not parse.

    ``sources`` are the files that Cargo takes for targets by their place, relative to the crate.
    """

    path: str
    data: Mapping[str, object]
    sources: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder that it describes, empty for the project itself."""
        return paths.folder(self.path)

    @property
    def name(self) -> str:
        """The package's name, empty for a workspace that is none."""
        return self.text("package", "name")

    @property
    def dependencies(self) -> frozenset[str]:
        """Names of all dependencies."""
        tables = [self.data, *table(self.data.get("target")).values()]
        found = (table(reach(one, kind)) for one in tables for kind in _TABLES)
        shared = table(reach(self.data, "workspace", "dependencies"))
        return frozenset(name for names in (*found, shared) for name in names)

    def text(self, *keys: str) -> str:
        """Give the string at this place, empty if it is none."""
        return string(reach(self.data, *keys))

    def programs(self) -> list[str]:
        """Give the names of the programs, the crate's own first."""
        named = [string(reach(one, "name")) for one in _items(self.data, "bin")]
        found = [
            self.name if path == "src/main.rs" else path.removeprefix("src/bin/").split("/")[0]
            for path in self.sources
            if path != "src/lib.rs"
        ]
        names = [*named, *sorted(found, key=lambda name: name != self.name)]
        plain = (name.removesuffix(".rs") for name in names)
        return [name for name in dict.fromkeys(plain) if name]

    def mains(self, snapshot: Snapshot) -> list[str]:
        """Give the sources of the programs, relative to the project."""
        named = (string(reach(one, "path")) for one in _items(self.data, "bin"))
        found = [*(path for path in self.sources if path != "src/lib.rs"), *named]
        joined = (paths.join(self.folder, path) for path in found if path)
        return [path for path in joined if path and path in snapshot.paths]


def fields(content: bytes) -> Mapping[str, object]:
    """Give what counts in a Cargo.toml; ``ManifestError`` if it does not parse."""
    data = toml_table(content)
    found = pick(data, _KEYS)
    for name, target in table(data.get("target")).items():
        for kind in _TABLES:
            if reach(target, kind) is not None:
                found[f"target.{name}.{kind}"] = canonical(reach(target, kind))
    return found


def crates(snapshot: Snapshot) -> list[Crate]:
    """Give the root, the members of its workspace and all that they reach by ``path``."""
    sources = _sources(snapshot)
    root = _read(snapshot, CARGO, sources)
    found = {CARGO: root}
    waiting = [*_members(snapshot, root), *_local(root)]
    while waiting and len(found) < MAX_CRATES:
        path = waiting.pop()
        if path in snapshot.paths and path not in found:
            found[path] = _read(snapshot, path, sources)
            waiting += _local(found[path])
    return [root, *(found[path] for path in sorted(found) if path != CARGO)]


def dummies(snapshot: Snapshot, found: list[Crate]) -> str:
    """Give the shell line that compiles the dependencies alone.

    Every target of ours is a stand-in that is thrown away again: Cargo tells sources apart by
    their time, and the real ones may be older.
    """
    files: dict[str, str] = {}
    for crate in found:
        files |= {path: text for path, text in _stand_ins(snapshot, crate) if _usable(path)}
    if not files:
        return "cargo fetch"
    folders = sorted({paths.folder(path) for path in files} - {""})
    made = [f"mkdir -p {' '.join(map(shlex.quote, folders))}"] if folders else []
    by_text: dict[str, list[str]] = {}
    for path, text in sorted(files.items()):
        by_text.setdefault(text, []).append(shlex.quote(path))
    for text, names in by_text.items():
        made.append(_written(text, names))
    own = " ".join(f"-p {crate.name}" for crate in found if _NAME.fullmatch(crate.name))
    whole = " --workspace" if len(found) > 1 else ""
    return " \\\n    && ".join([*made, f"cargo build{whole}", f"cargo clean {own}"])


def _usable(path: str) -> bool:
    return bool(path) and paths.is_safe(path)


def _written(text: str, names: list[str]) -> str:
    """Give the shell line that writes one text into files, whose names are quoted already."""
    if len(names) == 1:
        return f"echo '{text}' > {names[0]}"
    return f"for file in {' '.join(names)}; do echo '{text}' > \"$file\"; done"


def _stand_ins(snapshot: Snapshot, crate: Crate) -> Iterator[tuple[str, str]]:
    for path in crate.sources:
        yield paths.join(crate.folder, path) or "", "" if path == "src/lib.rs" else "fn main() {}"
    library = crate.text("lib", "path")
    if library:
        yield paths.join(crate.folder, library) or "", ""
    for kind, text in _TARGETS.items():
        for one in _items(crate.data, kind):
            path = string(reach(one, "path")) or _usual(kind, string(reach(one, "name")))
            if path:
                yield paths.join(crate.folder, path) or "", text
    script = crate.text("package", "build") or "build.rs"
    inside = paths.join(crate.folder, script)
    if inside in snapshot.paths:
        yield inside, "fn main() {}"
    if not crate.sources and crate.name and not library:
        yield paths.join(crate.folder, "src/lib.rs") or "", ""


def _usual(kind: str, name: str) -> str:
    folder = {"bin": "src/bin", "example": "examples", "bench": "benches", "test": "tests"}[kind]
    return f"{folder}/{name}.rs" if name and kind != "bin" else ""


def _items(data: Mapping[str, object], key: str) -> list[object]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _members(snapshot: Snapshot, root: Crate) -> list[str]:
    workspace = reach(root.data, "workspace")
    excluded = (f"!{pattern}" for pattern in strings(reach(workspace, "exclude")))
    patterns = (*strings(reach(workspace, "members")), *excluded)
    suffix = f"/{CARGO}"
    folders = [path.removesuffix(suffix) for path in snapshot.paths if path.endswith(suffix)]
    return [folder + suffix for folder in paths.matching(patterns, folders)]


def _local(crate: Crate) -> Iterator[str]:
    tables = [crate.data, reach(crate.data, "workspace"), *table(crate.data.get("target")).values()]
    patched = table(crate.data.get("patch")).values()
    found = [table(reach(one, kind)) for one in tables for kind in _TABLES] + [*map(table, patched)]
    for names in found:
        for spec in names.values():
            inside = paths.join(crate.folder, string(table(spec).get("path")) or "/")
            if inside:
                yield paths.join(inside, CARGO) or ""


def _read(snapshot: Snapshot, path: str, sources: Mapping[str, tuple[str, ...]]) -> Crate:
    own = sources.get(paths.folder(path), ())
    try:
        return Crate(path, toml_table(snapshot.contents.get(path, b"")), own)
    except ManifestError:
        return Crate(path, {}, own)


def _sources(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Give the sources of every folder with some, looking at each path once."""
    found: dict[str, list[str]] = {}
    for path in sorted(snapshot.paths):
        match = _SOURCE.fullmatch(path)
        if match:
            found.setdefault(match[1] or "", []).append(match[2])
    return {folder: tuple(names) for folder, names in found.items()}
