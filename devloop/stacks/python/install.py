"""How a Python project is installed: its manager, the manifests and the shell lines."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from devloop.stacks import paths
from devloop.stacks.base import Snapshot
from devloop.stacks.parse import reach, strings, table
from devloop.stacks.python import project as python_project
from devloop.stacks.python import requirements as pip
from devloop.stacks.python.project import PYPROJECT, PythonProject

VENV = "/opt/venv"
# As of November 2026: the newest, and for Python 3.9 the last that ran on it.
UV = "0.13.9"
POETRY = "2.5.1"
POETRY_OF = {"3.9": "2.2.1"}
PDM = "2.29.4"
PDM_OF = {"3.9": "2.26.2"}
PIPENV = "2026.10.3"
PIPENV_OF = {"3.9": "2025.0.4"}
CACHES = {
    "pip": "/root/.cache/pip",
    "uv": "/root/.cache/uv",
    "poetry": "/root/.cache/pypoetry",
    "pdm": "/root/.cache/pdm",
    "pipenv": "/root/.cache/pipenv",
}
VERSION_FILES = (".python-version", "runtime.txt", ".tool-versions", "mise.toml")
_OF_MANAGER: dict[str, tuple[str, ...]] = {
    "pip": (),
    "uv": (PYPROJECT, "uv.lock", "uv.toml"),
    "poetry": (PYPROJECT, "poetry.lock", "poetry.toml"),
    "pdm": (PYPROJECT, "pdm.lock", "pdm.toml"),
    "pipenv": ("Pipfile", "Pipfile.lock"),
}
_LOCKS = (("uv", "uv.lock"), ("poetry", "poetry.lock"), ("pdm", "pdm.lock"), ("pipenv", "Pipfile"))
_BUILD_FILES = (PYPROJECT, "setup.py", "setup.cfg")
_STARTS = ("setup.py", "manage.py", "main.py", "app.py", "server.py")
_EXTRAS = ("dev", "test", "tests")
# These are published as source alone and need a compiler, which slim images lack.
_COMPILED = frozenset({"psycopg2", "mysqlclient", "pycairo", "python-ldap", "pygraphviz"})
_COMPILED_EXTRA = re.compile(r"psycopg\[[^\]]*\bc\b")


@dataclass(frozen=True)
class InstallFacts:
    """What the files of a project say before anything is decided.

    ``files`` are requirements files with all that they reach and ``lines`` what stands in them,
    ``local`` the folders that the install builds, ``.`` for the project itself.
    """

    manager: str
    project: PythonProject
    files: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    locked: bool = False
    pipfile: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Normalised names of all dependencies."""
        return self.project.names | self.pipfile | {pip.project_name(line) for line in self.lines}

    @property
    def needs_source(self) -> bool:
        """Whether the install builds something of the project."""
        return bool(self.local)

    @property
    def needs_compiler(self) -> bool:
        """Whether a dependency is built from source or fetched with git."""
        requirements = (*self.lines, *self.project.requirements)
        return bool(self.names & _COMPILED) or any(
            _COMPILED_EXTRA.match(line) or "git+" in line for line in requirements
        )


def gather(snapshot: Snapshot) -> InstallFacts:
    """Read the manifests; the manager is empty if this is no Python project."""
    project = python_project.read(snapshot)
    manager = _manager(snapshot, project)
    files = pip.reached(snapshot, pip.development(snapshot)) if manager == "pip" else ()
    lines = pip.requirements(snapshot, files)
    local = (*project.local_paths, *pip.local_folders(snapshot, lines))
    package = "setup.py" in snapshot.paths or project.has("build-system")
    if manager == "pip" and package and not files:
        local = (*local, ".")  # there is nothing else to install from
    members = python_project.members(snapshot, project) if manager == "uv" else ()
    locked = "uv.lock" in snapshot.paths
    names = python_project.pipfile_names(snapshot) if manager == "pipenv" else frozenset()
    return InstallFacts(manager, project, files, lines, members, local, locked, names)


def manifests(snapshot: Snapshot, found: InstallFacts) -> tuple[str, ...]:
    """Give every file that the install reads, sorted, only those that exist."""
    local = (paths.join(home, name) for home in found.local for name in _BUILD_FILES)
    listed = (PYPROJECT,) if _listed(found) else ()
    named = {*VERSION_FILES, *_OF_MANAGER[found.manager], *found.files, *found.members, *listed}
    return tuple(sorted(snapshot.present(*named, *(path for path in local if path))))


def install(snapshot: Snapshot, found: InstallFacts, version: str) -> tuple[str, str]:
    """Give the shell lines that install for development and for production."""
    poetry, pdm = "poetry install --no-root --no-interaction", "pdm install --no-self"
    fixed = {
        "uv": _uv(found),
        "poetry": (poetry, f"{poetry} --only main"),
        "pdm": (pdm, f"{pdm} --prod"),
        "pipenv": _pipenv(snapshot),
    }
    return fixed.get(found.manager) or _pip(snapshot, found, version)


def _pip(snapshot: Snapshot, found: InstallFacts, version: str) -> tuple[str, str]:
    if _listed(found):
        return _install_listed(version, groups=True), _install_listed(version, groups=False)
    if "." in found.local and not found.files:
        extras = table(reach(found.project.data, "project", "optional-dependencies"))
        names = ",".join(name for name in _EXTRAS if name in extras)
        return f"pip install -e '.[{names}]'" if names else "pip install -e .", "pip install ."
    development = pip.development(snapshot)
    return _install_files(development), _install_files(pip.base(snapshot) or development)


def setup(manager: str, version: str) -> str:
    """Give the shell line that makes the virtual environment and gets the manager."""
    if manager == "uv":
        return f"pip install uv=={UV}"
    venv = f"python -m venv {VENV}"
    if manager == "pip":
        return venv
    known = {"pdm": PDM_OF.get(version, PDM), "pipenv": PIPENV_OF.get(version, PIPENV)}
    release = known.get(manager, POETRY_OF.get(version, POETRY))
    # hishel 2 lacks what PDM imports of it
    more = " 'hishel<2'" if manager == "pdm" else ""
    return f"pip install {manager}=={release}{more} && {venv}"


def _manager(snapshot: Snapshot, project: PythonProject) -> str:
    """Say what installs: what a lock is of, then what a table of pyproject.toml names."""
    for name, lock in _LOCKS:
        if lock in snapshot.paths:
            return name
    for name in ("uv", "poetry", "pdm"):
        if project.has("tool", name) and (name == "poetry" or project.has("project")):
            return name
    plain = snapshot.present(*_STARTS) or pip.development(snapshot)
    return "pip" if plain or project.has("project") else ""


def _listed(found: InstallFacts) -> bool:
    """Say whether pip must read the dependencies out of a pyproject.toml that builds nothing."""
    bare = found.manager == "pip" and not found.files and "." not in found.local
    return bare and found.project.has("project")


def _uv(found: InstallFacts) -> tuple[str, str]:
    dynamic = "dependencies" in strings(reach(found.project.data, "project", "dynamic"))
    frozen = "--frozen " if found.members or dynamic else "--locked "
    lock = frozen if found.locked else ""
    # The project's own code and its members' are found through the mount.
    members = "--all-packages --no-install-workspace"
    scope = members if found.members else "--no-install-project"
    return f"uv sync {lock}{scope}", f"uv sync {lock}--no-dev {scope}"


def _pipenv(snapshot: Snapshot) -> tuple[str, str]:
    locked = "Pipfile.lock" in snapshot.paths
    line = f"PIPENV_CACHE_DIR={CACHES['pipenv']} pipenv install"
    line += " --deploy" if locked else " --skip-lock"
    return f"{line} --dev", line


def _install_listed(version: str, *, groups: bool) -> str:
    """Print the dependencies of a pyproject.toml that is no package, then install them."""
    old = version in {"3.9", "3.10"}
    tomllib = "from pip._vendor import tomli as t" if old else "import tomllib as t"
    group = "p.get('dependency-groups', {}).get('dev', [])"
    more = f", *(r for r in {group} if isinstance(r, str))" if groups else ""
    code = (
        f"{tomllib}; p = t.load(open('{PYPROJECT}', 'rb')); "
        f"print(*p['project'].get('dependencies', []){more}, sep=chr(10))"
    )
    return f'python -c "{code}" > /tmp/requirements.txt && pip install -r /tmp/requirements.txt'


def _install_files(files: tuple[str, ...]) -> str:
    named = " ".join(f"-r {shlex.quote(path)}" for path in files)
    return f"pip install {named}" if named else ""
