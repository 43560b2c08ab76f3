"""Python: pip, uv, Poetry, PDM and Pipenv, installing into an environment outside the mount."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devloop.stacks import paths, versions
from devloop.stacks.base import Detection, Env, ManifestError, Production, Snapshot
from devloop.stacks.parse import reach, string, toml_table
from devloop.stacks.python import commands as python_commands
from devloop.stacks.python import facts as python_facts
from devloop.stacks.python import install as python_install
from devloop.stacks.python import project as python_project
from devloop.stacks.python import requirements as pip
from devloop.stacks.python.commands import PythonStart
from devloop.stacks.python.install import CACHES, VENV, VERSION_FILES, InstallFacts
from devloop.stacks.python.project import PIPFILE, PYPROJECT, PythonProject

NAME = "python"
FACTS = python_facts.FACTS
MANAGERS = frozenset(CACHES)
SUFFIXES = frozenset(
    {
        ".py",
        ".html",
        ".htm",
        ".jinja",
        ".jinja2",
        ".j2",
        ".css",
        ".js",
        ".graphql",
        ".sql",
        ".yaml",
        ".yml",
    }
)
IGNORE = (
    "**/__pycache__",
    "**/*.py[co]",
    "**/.venv",
    "**/venv",
    "**/.pytest_cache",
    "**/.mypy_cache",
    "**/.ruff_cache",
    "**/.tox",
    "**/*.egg-info",
    "**/.coverage",
)
_NAMES = frozenset(
    {
        PYPROJECT,
        "uv.lock",
        "uv.toml",
        "poetry.lock",
        "poetry.toml",
        "pdm.lock",
        "pdm.toml",
        "Pipfile",
        "Pipfile.lock",
        "setup.py",
        "setup.cfg",
        *VERSION_FILES,
    }
)
_TOOL_VERSION = re.compile(r"^python[ \t]+(\S+)", re.MULTILINE)


def wanted(snapshot: Snapshot) -> frozenset[str]:
    """Name the manifests, then what they reach, then the few files that may hold the app."""
    project = python_project.read(snapshot)
    files = pip.reached(snapshot, pip.development(snapshot))
    members = python_project.members(snapshot, project)
    first = snapshot.present(PYPROJECT, PIPFILE, *VERSION_FILES, "Procfile", *files, *members)
    if python_install.gather(snapshot).manager not in MANAGERS:
        return frozenset(first)
    manage = snapshot.present(python_commands.django_project(snapshot))
    return frozenset({*first, *manage, *python_commands.entries(snapshot)})


def detect(snapshot: Snapshot) -> Detection | None:
    """Say how a Python project is installed and run."""
    found = python_install.gather(snapshot)
    if found.manager not in MANAGERS:
        return None
    version = versions.choose(versions.PYTHON, _version_specs(snapshot, found.project))
    start = python_commands.find(snapshot, found.names)
    install, production = python_install.install(snapshot, found, version)
    return Detection(
        name=NAME,
        manager=found.manager,
        framework=start.framework,
        version=version,
        image=f"python:{version}" if found.needs_compiler else f"python:{version}-slim",
        manifests=python_install.manifests(snapshot, found),
        install=install,
        cache=CACHES[found.manager],
        run=start.command,
        port=start.port,
        reload=start.reload,
        suffixes=SUFFIXES,
        keep_foreign=(".venv",),
        setup=python_install.setup(found.manager, version),
        env=_env(snapshot, found, version, start),
        # a .pyc is valid for a second and a size: two quick saves of one length are one to it
        dev_env=(Env("PYTHONDONTWRITEBYTECODE", "1"),),
        ignore=IGNORE,
        needs_source=found.needs_source,
        production=Production(
            install=production,
            run=start.production or start.command,
            port=start.port,
        ),
    )


def is_manifest(path: str) -> bool:
    """Say by its name whether a file can be a manifest of a Python project."""
    return paths.name(path) in _NAMES or pip.is_requirements(path)


def fields(path: str, content: bytes, manager: str) -> Mapping[str, object] | None:
    """Give what counts in a pyproject.toml, Pipfile or requirements file; None for all else."""
    if paths.name(path) == PIPFILE:
        return python_project.pipfile_fields(content)
    if paths.name(path) == PYPROJECT:
        return python_project.fields(content, manager)
    if pip.is_requirements(path):
        return {"lines": list(pip.lines(content))}
    return None


def _env(
    snapshot: Snapshot, found: InstallFacts, version: str, start: PythonStart
) -> tuple[Env, ...]:
    """Give the environment; UV_PYTHON outranks a patch release that .python-version pins."""
    homes = ("", *(paths.folder(path) for path in found.members))
    roots = python_commands.source_roots(snapshot, homes)
    own = {
        "uv": (
            Env("UV_LINK_MODE", "copy"),
            Env("UV_PROJECT_ENVIRONMENT", VENV),
            Env("UV_PYTHON", version),
            Env("UV_PYTHON_DOWNLOADS", "never"),
        ),
        "poetry": (Env("VIRTUAL_ENV", VENV),),
        "pdm": (Env("VIRTUAL_ENV", VENV), Env("PDM_CHECK_UPDATE", "false")),
        "pipenv": (Env("VIRTUAL_ENV", VENV), Env("PIPENV_VERBOSITY", "-1")),
    }
    return (
        Env("PATH", f"{VENV}/bin:$PATH"),
        Env("PYTHONUNBUFFERED", "1"),
        *own.get(found.manager, ()),
        *((Env("PYTHONPATH", ":".join(roots)),) if roots else ()),
        *(Env(name, value) for name, value in start.env),
    )


def _version_specs(snapshot: Snapshot, project: PythonProject) -> list[str]:
    """Give what the project says of Python's version, the most binding first."""
    pinned = snapshot.text(".python-version").split()[:1]
    tools = _TOOL_VERSION.search(snapshot.text(".tool-versions"))
    specs = [
        *(item.removeprefix("cpython-") for item in pinned),
        snapshot.text("runtime.txt").strip().removeprefix("python-"),
        tools[1] if tools else "",
        _mise(snapshot),
        project.text("project", "requires-python"),
        project.text("tool", "poetry", "dependencies", "python"),
        python_project.pipfile_python(snapshot),
    ]
    return [spec for spec in specs if spec]


def _mise(snapshot: Snapshot) -> str:
    try:
        return string(reach(toml_table(snapshot.contents.get("mise.toml", b"")), "tools", "python"))
    except ManifestError:
        return ""
