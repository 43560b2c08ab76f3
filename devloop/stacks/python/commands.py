"""How a Python app is started: its framework, the module that holds it and its port."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devloop.model import Command
from devloop.stacks import paths
from devloop.stacks.base import Snapshot
from devloop.stacks.procfile import web

ANY = "0.0.0.0"  # noqa: S104 - inside the container, published on loopback only
MAX_ENTRIES = 12
MAX_PORT = 65535
_SPLITS = re.compile(r"[:$]")
_STEMS = (
    "main",
    "app",
    "server",
    "api",
    "application",
    "asgi",
    "wsgi",
    "run",
    "streamlit_app",
    "Home",
    "__init__",
    "__main__",
)
_PLAIN = (
    *(f"{stem}.py" for stem in ("main", "app", "server", "run", "api", "__main__")),
    *(f"src/{stem}.py" for stem in ("main", "app", "server", "run", "__main__")),
    *(f"app/{stem}.py" for stem in ("main", "app", "server", "run")),
)
_ASIDE = re.compile(r"(?:^|/)(?:tests?|docs?|examples?|migrations|scripts|node_modules|\.[^/]+)/")
_APP = re.compile(
    r"^(?P<name>[A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,80})?=[ \t]*(?:\w+\.)?"
    r"(?P<kind>FastAPI|Starlette|Flask)\(",
    re.MULTILINE,
)
_FACTORY = re.compile(r"^def (?P<name>create_app|make_app)\(", re.MULTILINE)
_PORTS = (
    re.compile(r"""\bPORT['"]\s*,\s*['"]?(\d{2,5})\b"""),
    re.compile(r"""\bport\s*=\s*(\d{2,5})\b""", re.IGNORECASE),
    re.compile(r"""\(\s*['"][\w.]*['"]\s*,\s*(\d{2,5})\s*\)"""),
)


@dataclass(frozen=True)
class PythonStart:
    """How the app is started; both commands are empty where nothing was found."""

    framework: str
    command: Command
    port: int | None
    reload: str = "restart"
    production: Command = ()
    env: tuple[tuple[str, str], ...] = ()


def entries(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the few files that may hold the app, the likeliest first."""
    found = (path for path in snapshot.paths if path.endswith(".py") and _near(path))
    return tuple(sorted(found, key=_likelihood)[:MAX_ENTRIES])


def django_project(snapshot: Snapshot) -> str:
    """Give the path of the one manage.py, empty if there is none or no telling which."""
    found = [
        path
        for path in snapshot.paths
        if paths.name(path) == "manage.py" and path.count("/") <= 1 and not _ASIDE.search(path)
    ]
    return "manage.py" if "manage.py" in found else found[0] if len(found) == 1 else ""


def find(snapshot: Snapshot, names: frozenset[str]) -> PythonStart:
    """Say how the app is started, given the normalised names of its dependencies."""
    for attempt in (_django, _streamlit, _gradio, _asgi, _flask, _plain):
        start = attempt(snapshot, names)
        if start is not None:
            return start
    return PythonStart("", web(snapshot), None)


def source_root(snapshot: Snapshot) -> str:
    """Give the folder that imports begin from besides the project: ``src``, or empty."""
    inside = any(path.startswith("src/") and path.endswith(".py") for path in snapshot.paths)
    return "src" if inside and "src/__init__.py" not in snapshot.paths else ""


def source_roots(snapshot: Snapshot, homes: tuple[str, ...]) -> list[str]:
    """Give the folders in the container that imports begin from, of members as of the project.

    The project itself is one anyway; folders whose name an environment cannot hold are left out.
    """
    own = source_root(snapshot)
    found = [f"/app/{own}"] if own else []
    packages = {
        path.partition("/src/")[0]
        for path in snapshot.paths
        if path.endswith(".py") and "/src/" in path
    }
    named = [home for home in homes if home and not _SPLITS.search(home)]
    return [*found, *(f"/app/{home}/src" if home in packages else f"/app/{home}" for home in named)]


def _near(path: str) -> bool:
    depth = path.removeprefix("src/").count("/")
    return paths.name(path).removesuffix(".py") in _STEMS and depth <= 1 and not _ASIDE.search(path)


def _likelihood(path: str) -> tuple[int, int, str]:
    stem = paths.name(path).removesuffix(".py")
    return (path.count("/"), _STEMS.index(stem), path)


def _django(snapshot: Snapshot, names: frozenset[str]) -> PythonStart | None:
    manage = django_project(snapshot)
    if not manage or ("django" not in names and "django" not in snapshot.text(manage)):
        return None
    command = ("python", manage, "runserver", f"{ANY}:8000", "--noreload")
    return PythonStart(
        "django", command, 8000, production=_django_production(snapshot, manage, names)
    )


def _django_production(snapshot: Snapshot, manage: str, names: frozenset[str]) -> Command:
    home = paths.folder(manage)
    prefix = f"{home}/" if home else ""
    found = sorted(
        path.removeprefix(prefix)
        for path in snapshot.paths
        if path.startswith(prefix) and path.endswith("/wsgi.py")
    )
    if not found or "gunicorn" not in names:
        return ()
    folder = ("--chdir", home) if home else ()
    return ("gunicorn", *folder, "--bind", f"{ANY}:8000", _dotted(found[0]))


def _streamlit(snapshot: Snapshot, names: frozenset[str]) -> PythonStart | None:
    file = _importing(snapshot, "streamlit") if "streamlit" in names else ""
    if not file:
        return None
    base = ("streamlit", "run", file, "--server.address", ANY, "--server.port", "8501")
    run = (*base, "--server.headless", "true")
    return PythonStart(
        "streamlit", (*run, "--server.runOnSave", "true"), 8501, "none", production=run
    )


def _gradio(snapshot: Snapshot, names: frozenset[str]) -> PythonStart | None:
    file = _importing(snapshot, "gradio") if "gradio" in names else ""
    env = (("GRADIO_SERVER_NAME", ANY), ("GRADIO_SERVER_PORT", "7860"))
    return PythonStart("gradio", ("python", file), 7860, env=env) if file else None


def _importing(snapshot: Snapshot, module: str) -> str:
    pattern = re.compile(rf"^(?:import|from) {module}\b", re.MULTILINE)
    return next((path for path in entries(snapshot) if pattern.search(snapshot.text(path))), "")


def _asgi(snapshot: Snapshot, names: frozenset[str]) -> PythonStart | None:
    for kind in ("fastapi", "starlette"):
        target, factory = _locate(snapshot, kind) if kind in names else ("", False)
        if target:
            command = _asgi_command(target, names, factory=factory)
            return PythonStart(kind, command, 8000)
    return None


def _asgi_command(target: str, names: frozenset[str], *, factory: bool) -> Command:
    if "hypercorn" in names and "uvicorn" not in names:
        return ("hypercorn", f"{target}()" if factory else target, "--bind", f"{ANY}:8000")
    flags = ("--factory",) if factory else ()
    return ("uvicorn", *flags, target, "--host", ANY, "--port", "8000")


def _flask(snapshot: Snapshot, names: frozenset[str]) -> PythonStart | None:
    target, factory = _locate(snapshot, "flask") if "flask" in names else ("", False)
    if not target:
        return None
    command = ("flask", "--app", target, "run", f"--host={ANY}", "--port", "5000")
    called = f"{target}()" if factory else target
    gunicorn = ("gunicorn", "--bind", f"{ANY}:5000", called) if "gunicorn" in names else ()
    return PythonStart("flask", command, 5000, production=gunicorn)


def _locate(snapshot: Snapshot, kind: str) -> tuple[str, bool]:
    """Find ``module:name`` of an app of this kind, and whether it must be called first."""
    for path in entries(snapshot):
        text = snapshot.text(path)
        for found in _APP.finditer(text):
            if found["kind"].lower() == kind:
                return f"{_module(snapshot, path)}:{found['name']}", False
    for path in entries(snapshot):
        factory = _FACTORY.search(snapshot.text(path))
        if factory and kind in snapshot.text(path).lower():
            return f"{_module(snapshot, path)}:{factory['name']}", True
    return "", False


def _module(snapshot: Snapshot, path: str) -> str:
    root = source_root(snapshot)
    return _dotted(path.removeprefix(f"{root}/") if root else path)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _plain(snapshot: Snapshot, _names: frozenset[str]) -> PythonStart | None:
    file = next(iter(snapshot.present(*_PLAIN)), "")
    package = next((path for path in entries(snapshot) if path.endswith("/__main__.py")), "")
    if not file and not package:
        return None
    port = _port(snapshot.text(file or package))
    if file:
        return PythonStart("", ("python", file), port)
    return PythonStart(
        "", ("python", "-m", _module(snapshot, package).removesuffix(".__main__")), port
    )


def _port(code: str) -> int | None:
    found = (pattern.search(code) for pattern in _PORTS)
    ports = (int(match[1]) for match in found if match)
    return next((port for port in ports if 0 < port <= MAX_PORT), None)
