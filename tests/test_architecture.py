"""The import law of DESIGN §4, held by reading the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "devloop"
MODULES = {
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts): path
    for path in sorted(HOUSE.rglob("*.py"))
    if "hooks" not in path.parts  # run by the app's own Python
    if path.name != "__init__.py"
}

LEVELS: tuple[tuple[str, ...], ...] = (
    ("errors", "model", "events"),
    (
        "config.*",
        "compose.*",
        "stacks.*",
        "scaffold.plan",
        "scaffold.backings",
        "scaffold.compose",
        "scaffold.editors",
        "scaffold.editor_files",
        "scaffold.jsonc",
        "scaffold.quote",
        "scaffold.render",
        "image.dockerfile",
        "image.ignorefile",
        "image.inputs",
        "image.sources",
        "image.context",
        "image.progress",
        "check.*",
        "watch.ignore",
        "watch.debounce",
        "watch.named",
        "jobs.*",
        "report.view",
    ),
    (
        "loop.picture",
        "loop.classify",
        "loop.inputs",
        "loop.actions",
        "loop.state",
        "loop.closing",
        "loop.jobwork",
        "loop.moves",
        "loop.changed",
        "loop.step",
    ),
    ("process", "engine.client"),
    (
        "engine.*",
        "control.*",
        "image.engine_build",
        "image.buildx",
        "watch.*",
        "report.*",
        "scaffold.write",
        "loop.lock",
        "jobs.runner",
        "compose.command",
        "jobs.performer",
        "jobs.background",
        "jobs.endings",
    ),
    (
        "loop.look",
        "loop.head",
        "loop.signals",
        "loop.images",
        "loop.follow",
        "loop.serving",
        "loop.together",
        "loop.composed",
        "loop.shared",
        "loop.lookout",
        "loop.fleet",
        "loop.execute",
        "loop.jobs",
        "loop.desk",
        "loop.tagging",
        "loop.trial",
        "loop.run",
    ),
    ("cli.*",),
    ("__main__",),
)
PURE = 2
"""The last level whose modules know no clock, disk, thread or socket."""

DOORS = {
    "docker": {"devloop.engine.client"},
    "requests": {"devloop.engine.client"},
    "watchdog": {"devloop.watch.observer"},
    "typer": {"devloop.cli.app", "devloop.cli.living", "devloop.cli.options"},
    "yaml": {"devloop.config.nodes"},
    "jinja2": {"devloop.scaffold.render"},
    "subprocess": {"devloop.process"},
    "rich": {"devloop.report.tui"},
    "pathspec": {"devloop.watch.ignore"},
}
EFFECTS = {
    "asyncio",
    "io",
    "os",
    "pathlib",
    "queue",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}


def level(module: str) -> int:
    """Give the level of a module: an exact name counts before a folder's ``*``."""
    name = module.removeprefix("devloop.")
    for patterns in (name, name.split(".")[0] + ".*"):
        for number, names in enumerate(LEVELS):
            if patterns in names:
                return number
    raise AssertionError(f"{module} has no place in the law")


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
    return {name for name, _ in imports(path) if name in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downwards_only(module: str) -> None:
    for name in ours(MODULES[module]):
        assert level(name) <= level(module), f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_edges_do_not_import_each_others_packages(module: str) -> None:
    if level(module) != level("devloop.engine.containers"):
        return
    package = module.split(".")[1]
    for name in ours(MODULES[module]):
        if level(name) == level(module):
            assert name.split(".")[1] == package, f"{module} imports {name}"


def test_there_are_no_cycles() -> None:
    graph = {module: ours(path) for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " → ".join((*above, module))
        if module not in done:
            for name in sorted(graph[module]):
                visit(name, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_one_door(module: str) -> None:
    for name, line in imports(MODULES[module]):
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or module in doors, f"{module}:{line} imports {name}"


@pytest.mark.parametrize("module", [one for one in MODULES if level(one) <= PURE])
def test_pure_modules_have_no_effects(module: str) -> None:
    source = MODULES[module]
    for name, line in imports(source):
        assert name.split(".")[0] not in EFFECTS, f"{module}:{line} imports {name}"
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input"), f"{module}:{node.lineno}"


def test_every_module_that_the_documentation_names_exists() -> None:
    text = (HOUSE.parent / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`(devloop(?:\.\w+)+)`", text))
    assert named
    packages = {".".join(name.split(".")[:end]) for name in MODULES for end in (1, 2)}
    assert named <= set(MODULES) | packages, named - set(MODULES) - packages
