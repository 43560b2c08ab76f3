"""What a pyproject.toml says, as typed values, and what in it an install depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devloop.stacks import paths
from devloop.stacks.base import ManifestError, Snapshot
from devloop.stacks.parse import pick, reach, string, strings, table, toml_table
from devloop.stacks.python.requirements import normalised, project_name

PYPROJECT = "pyproject.toml"
PIPFILE = "Pipfile"
_PIPFILE_ASIDE = {"scripts", "pipenv"}
_STANDARD = frozenset(
    {
        "project.requires-python",
        "project.dependencies",
        "project.optional-dependencies",
        "build-system",
    }
)
_UV = _STANDARD | {
    "project.name",
    "project.version",  # a version bump makes `--locked` fail
    "project.dynamic",
    "dependency-groups",
    "tool.uv",
}
_POETRY = _STANDARD | {
    "dependency-groups",
    "tool.poetry.dependencies",
    "tool.poetry.source",
    "tool.poetry.extras",
    "tool.poetry.dev-dependencies",
    "tool.poetry.group",
}
_PDM = _STANDARD | {
    "project.name",
    "project.dynamic",
    "dependency-groups",
    "tool.pdm.source",
    "tool.pdm.dev-dependencies",
    "tool.pdm.resolution",
}
_PIP = _STANDARD | {"project.dynamic", "dependency-groups"}
_KEYS = {"uv": _UV, "poetry": _POETRY, "pip": _PIP, "pdm": _PDM}
_ALL = _UV | _POETRY | _PIP | _PDM


@dataclass(frozen=True)
class PythonProject:
    """One pyproject.toml; ``data`` is empty where it is absent or does not parse."""

    data: Mapping[str, object]

    def has(self, *keys: str) -> bool:
        """Say whether a table or value stands at this place."""
        return reach(self.data, *keys) is not None

    def text(self, *keys: str) -> str:
        """Give the string at this place, empty if it is none."""
        return string(reach(self.data, *keys))

    @property
    def requirements(self) -> tuple[str, ...]:
        """All requirements in PEP 508's form, those of extras and groups too."""
        lists = [
            reach(self.data, "project", "dependencies"),
            *table(reach(self.data, "project", "optional-dependencies")).values(),
            *table(reach(self.data, "dependency-groups")).values(),
            reach(self.data, "tool", "uv", "dev-dependencies"),
            *self._pdm,
        ]
        return tuple(item for value in lists for item in strings(value))

    @property
    def names(self) -> frozenset[str]:
        """Normalised names of all dependencies."""
        listed = {project_name(item) for item in self.requirements}
        tables = {normalised(name) for name, _ in self._poetry()}
        return frozenset(listed | tables)

    @property
    def local_paths(self) -> tuple[str, ...]:
        """Paths of dependencies that lie inside the project, sorted."""
        sources = table(reach(self.data, "tool", "uv", "sources")).values()
        tables = [*sources, *(value for _, value in self._poetry())]
        inside = {paths.join("", string(table(item).get("path"))) for item in tables}
        return tuple(sorted(path for path in inside if path and path != "."))

    @property
    def _pdm(self) -> Iterator[object]:
        yield from table(reach(self.data, "tool", "pdm", "dev-dependencies")).values()

    def _poetry(self) -> Iterator[tuple[str, object]]:
        poetry = reach(self.data, "tool", "poetry")
        groups = table(reach(poetry, "group")).values()
        for place in (poetry, *groups):
            yield from table(reach(place, "dependencies")).items()
        yield from table(reach(poetry, "dev-dependencies")).items()


def read(snapshot: Snapshot, path: str = PYPROJECT) -> PythonProject:
    """Read a pyproject.toml of the snapshot; a broken one reads as empty."""
    try:
        return PythonProject(toml_table(snapshot.contents.get(path, b"")))
    except ManifestError:
        return PythonProject({})


def members(snapshot: Snapshot, project: PythonProject) -> tuple[str, ...]:
    """Give the pyproject.toml of every member of uv's workspace but the root, sorted."""
    workspace = reach(project.data, "tool", "uv", "workspace")
    excluded = (f"!{pattern}" for pattern in strings(reach(workspace, "exclude")))
    patterns = (*strings(reach(workspace, "members")), *excluded)
    suffix = f"/{PYPROJECT}"
    folders = [path.removesuffix(suffix) for path in snapshot.paths if path.endswith(suffix)]
    return tuple(folder + suffix for folder in paths.matching(patterns, folders))


def fields(content: bytes, manager: str) -> Mapping[str, object]:
    """Give what counts for this manager; for an unknown one what counts for any.

    Raises ``ManifestError`` if it does not parse.
    """
    return pick(toml_table(content), _KEYS.get(manager, _ALL))


def pipfile_fields(content: bytes) -> Mapping[str, object]:
    """Give what counts in a Pipfile: sources, requires and every category of packages."""
    data = toml_table(content)
    return pick(data, {key for key in data if key not in _PIPFILE_ASIDE and "." not in key})


def pipfile_names(snapshot: Snapshot) -> frozenset[str]:
    """Give the normalised names of all packages of the Pipfile."""
    categories = (table(value) for value in _pipfile(snapshot).values())
    return frozenset(normalised(name) for names in categories for name in names)


def pipfile_python(snapshot: Snapshot) -> str:
    """Give the version of Python that the Pipfile asks for, empty if none."""
    required = table(_pipfile(snapshot).get("requires"))
    return string(required.get("python_version")) or string(required.get("python_full_version"))


def _pipfile(snapshot: Snapshot) -> Mapping[str, object]:
    try:
        return toml_table(snapshot.contents.get(PIPFILE, b""))
    except ManifestError:
        return {}
