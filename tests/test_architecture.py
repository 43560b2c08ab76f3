"""The import law (tests/architecture.py), held by reading the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

import pytest

from devloop.stacks.registry import LOCKS, LOOKED_FOR, STACKS, TOOL_FOLDERS
from tests.architecture import (
    CLOCKS,
    DOORS,
    EFFECTS,
    HOUSE,
    IMPURE_CALLS,
    LEVELS,
    MODULES,
    THREADS,
    imports,
    level,
    ours,
    package,
)

GRAPH: Mapping[str, set[str]] = {module: ours(path) for module, path in MODULES.items()}
EDGES = next(number for number, one in enumerate(LEVELS) if one.title == "Edges")
STARTS = {"Thread", "Timer"}
REQUESTS = {"get", "post", "delete", "request"}
API = (
    *("/containers", "/images", "/volumes", "/networks", "/exec", "/build"),
    *("/info", "/version", "/events", "/system", "/_ping"),
)
"""How the paths of the Engine API begin."""

PURE = [module for module in MODULES if LEVELS[level(module)].pure]


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downwards_only(module: str) -> None:
    for name in GRAPH[module]:
        assert level(name) <= level(module), f"{module} imports {name}"


@pytest.mark.parametrize("module", [one for one in MODULES if level(one) == EDGES])
def test_edges_do_not_import_each_others_packages(module: str) -> None:
    for name in GRAPH[module]:
        if level(name) == EDGES:
            assert package(name) == package(module), f"{module} imports {name}"


def cycle(graph: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Give a way that comes back to where it began, empty if there is none."""
    done: set[str] = set()

    def visit(one: str, above: tuple[str, ...]) -> tuple[str, ...]:
        if one in above:
            return (*above[above.index(one) :], one)
        if one in done:
            return ()
        found = next((way for to in sorted(graph[one]) if (way := visit(to, (*above, one)))), ())
        done.add(one)
        return found

    return next((way for one in sorted(graph) if (way := visit(one, ()))), ())


def test_there_is_no_cycle_of_modules() -> None:
    assert not cycle(GRAPH)


def test_there_is_no_cycle_of_packages() -> None:
    packages: dict[str, set[str]] = {package(module): set() for module in MODULES}
    for module, found in GRAPH.items():
        packages[package(module)] |= {package(one) for one in found} - {package(module)}
    assert not cycle(packages)


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ("b", "c", "b")


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_one_door(module: str) -> None:
    for name, line in imports(MODULES[module]):
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or module in doors, f"{module}:{line} imports {name}"


def api_paths(source: str) -> list[int]:
    """List the lines at which a request for a path of the Engine API is made."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in REQUESTS
        for argument in (*node.args, *(one.value for one in node.keywords))
        for part in (argument.values[:1] if isinstance(argument, ast.JoinedStr) else [argument])
        if isinstance(part, ast.Constant) and str(part.value).startswith(API)
    ]


@pytest.mark.parametrize("module", [one for one in MODULES if package(one) != "engine"])
def test_the_engine_api_is_spoken_in_its_package_only(module: str) -> None:
    assert api_paths(MODULES[module].read_text("utf-8")) == []


def test_a_path_of_the_engine_api_is_found() -> None:
    spoken = MODULES["devloop.engine.containers"].read_text("utf-8")
    assert api_paths(spoken)
    assert api_paths('x.request("POST", path=f"/exec/{one}")\nx.get("/else")\n') == [1]


def test_threads_have_one_door() -> None:
    starting = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in STARTS
    }
    assert starting == THREADS


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_have_no_effects(module: str) -> None:
    source = MODULES[module]
    for name, line in imports(source):
        parts = name.split(".")
        heads = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        assert not heads & EFFECTS, f"{module}:{line} imports {name}"
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "id", "")
            method = getattr(called, "attr", "")
            assert name not in IMPURE_CALLS, f"{module}:{node.lineno} calls {name}"
            assert method not in CLOCKS, f"{module}:{node.lineno} calls {method}"


NAMED_OTHERWISE = {
    "devloop.jobs.run.problem_matchers": {"go"},  # a matcher of what its compiler prints
    "devloop.jobs.run.shell": {"python"},  # a shell of GitHub's grammar
    "devloop.jobs.workflow.steps": {"python"},  # the same
    "devloop.scaffold.editors.files": {"node", "python"},  # editors' names of debug adapters
}
"""The few words of somebody else's that are a stack's name as well."""


@pytest.mark.parametrize("module", MODULES)
def test_only_stacks_know_stacks(module: str) -> None:
    known = {*STACKS, *LOOKED_FOR, *LOCKS, *TOOL_FOLDERS}
    words = {
        node.value
        for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    if package(module) != "stacks":
        assert words & known == NAMED_OTHERWISE.get(module, set())


def test_the_sources_name_no_document_but_the_projects_own() -> None:
    for module, path in MODULES.items():
        assert "DESIGN" not in path.read_text("utf-8"), module


def test_every_module_that_the_documentation_names_exists() -> None:
    text = (HOUSE.parent / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`(devloop(?:\.\w+)+)`", text))
    assert named
    packages = {
        ".".join(name.split(".")[:end]) for name in MODULES for end in range(1, name.count(".") + 1)
    }
    assert named <= set(MODULES) | packages, named - set(MODULES) - packages
