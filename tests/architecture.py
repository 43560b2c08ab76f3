"""The import law as tables; docs/architecture.md shows them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parent.parent / "devloop"
MODULES: Mapping[str, Path] = {
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts): path
    for path in sorted(HOUSE.rglob("*.py"))
    if "hooks" not in path.parts  # run by the app's own Python
    if path.name != "__init__.py"
}


@dataclass(frozen=True)
class Level:
    """Modules that may import each other and everything above them in the list.

    ``places`` are modules, or folders as ``folder.*``; the longest place that fits a module is its.
    """

    title: str
    what: str
    places: tuple[str, ...]
    pure: bool = False


LEVELS = (
    Level(
        "Values",
        "shared by everyone",
        ("errors", "model", "events", "container_settings"),
        pure=True,
    ),
    Level(
        "Domains",
        "what the files of a project mean; each knows one thing",
        (
            "yaml.*",
            "config.*",
            "compose.*",
            "stacks.*",
            "scaffold.*",
            "image.*",
            "check.*",
            "jobs.*",
            "watch.ignore",
            "watch.debounce",
            "watch.named",
            "report.status",
        ),
        pure=True,
    ),
    Level(
        "The project",
        "what a folder is at one moment, and what a batch of changes means",
        ("project.state", "project.classify"),
        pure=True,
    ),
    Level("Deciding", "`step(state, input) → (state, plan)`", ("loop.decide.*",), pure=True),
    Level(
        "Doors",
        "the Docker SDK, other programs, terminals, threads",
        ("process", "terminal", "threads", "engine.client"),
    ),
    Level(
        "Edges",
        "each deals with one thing outside; none imports another one's package",
        (
            "engine.*",
            "watch.*",
            "serve.*",
            "report.*",
            "image.engine_build",
            "image.buildx",
            "compose.files",
            "compose.command",
            "scaffold.write",
            "project.lock",
            "jobs.run.job",
            "jobs.run.pool",
            "jobs.run.steps",
            "jobs.run.background",
            "jobs.run.termination",
        ),
    ),
    Level("Inspection", "reads a project from the disk", ("project.inspect", "project.git")),
    Level("Targets", "what can run an app", ("target.*",)),
    Level("The loop", "one queue, its owner and the threads", ("loop.*",)),
    Level("Command line", "a file a verb; errors become exit codes in `cli.app`", ("cli.*",)),
    Level("Start", "", ("__main__",)),
)

DOORS = {
    "docker": {"devloop.engine.client"},
    "requests": {"devloop.engine.client"},
    "urllib3": {"devloop.engine.client"},
    "watchdog": {"devloop.watch.observer"},
    "typer": {"devloop.cli.app", "devloop.cli.loop_verbs", "devloop.cli.options"},
    "yaml": {"devloop.yaml.nodes"},
    "jinja2": {"devloop.scaffold.sandbox"},
    "subprocess": {"devloop.process"},
    "termios": {"devloop.terminal"},
    "tty": {"devloop.terminal"},
    "fcntl": {"devloop.project.lock"},
    "msvcrt": {"devloop.project.lock"},
    "rich": {"devloop.report.tui"},
    "pathspec": {"devloop.watch.ignore"},
}
THREADS = {"devloop.threads"}
"""Who calls ``threading.Thread`` or ``threading.Timer``."""

EFFECTS = {
    "asyncio", "builtins", "fcntl", "getpass", "glob", "http", "importlib", "io", "locale",
    "logging", "multiprocessing", "os", "pathlib", "platform", "queue", "random", "secrets",
    "select", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib.request", "uuid", "webbrowser",
}  # fmt: skip
"""Modules of the standard library by which a function sees or changes more than its arguments."""

IMPURE_CALLS = {"open", "print", "input", "breakpoint", "exec", "eval"}
CLOCKS = {"now", "today", "utcnow"}
"""Methods of ``datetime`` and ``date`` that look at a clock."""


def level(module: str) -> int:
    """Give the number of a module's level; raises ``AssertionError`` if it has no place."""
    name = module.removeprefix("devloop.")
    parts = name.split(".")
    for place in (name, *(".".join(parts[:end]) + ".*" for end in range(len(parts) - 1, 0, -1))):
        for number, one in enumerate(LEVELS):
            if place in one.places:
                return number
    raise AssertionError(f"{module} has no place in the law")


def package(module: str) -> str:
    """Give the package that a module counts for: the decisions of the loop are one of their own."""
    parts = module.split(".")
    return "loop.decide" if parts[1:3] == ["loop", "decide"] else parts[1]


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every import of a module, inside functions too, as (module or module.name, line)."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in MODULES else node.module), node.lineno


def ours(path: Path) -> set[str]:
    """List the modules of devloop that a file imports."""
    return {name for name, _ in imports(path) if name in MODULES}


def page() -> str:
    """Give the list of levels and modules for docs/architecture.md."""
    found = []
    for number, one in enumerate(LEVELS):
        modules = [name for name in MODULES if level(name) == number]
        kind = " (pure)" if one.pure else ""
        found.append(f"{number + 1}. **{one.title}**{kind}{f': {one.what}' if one.what else ''}.")
        folders: dict[str, list[str]] = {}
        for name in modules:
            folder, _, last = name.rpartition(".")
            folders.setdefault(folder, []).append(last)
        found += [
            f"   - `{folder}`: {', '.join(f'`{last}`' for last in names)}"
            for folder, names in folders.items()
        ]
    return "\n".join(found)
