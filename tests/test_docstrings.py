"""What the words of the sources must say: a function names the errors that it raises."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture import MODULES

OWN_FAULT = {"TypeError"}
"""What no caller can cause."""


def public(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the public functions of a module and the public methods of all its classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{owner}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from public(node.body, f"{node.name}.")


def raised(node: ast.AST) -> set[str]:
    """Give the names of the errors that a function raises itself, not in a function within it."""
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Raise) and child.exc is not None:
            error = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            name = ast.unparse(error).split(".")[-1]
            found |= {name} if name.endswith("Error") else set()
        found |= raised(child)
    return found


def silent(source: str) -> list[str]:
    return [
        f"{name}: {error}"
        for name, node in public(ast.parse(source).body)
        for error in sorted(raised(node) - OWN_FAULT)
        if f"``{error}``" not in (ast.get_docstring(node) or "")
    ]


@pytest.mark.parametrize("module", MODULES)
def test_a_function_names_what_it_raises(module: str) -> None:
    assert silent(MODULES[module].read_text("utf-8")) == []


def test_one_that_does_not_is_found() -> None:
    source = 'def f():\n    """Do it."""\n    raise UserError("no")\n'
    assert silent(source) == ["f: UserError"]
    assert silent(source.replace("it.", "it; raises ``UserError``.")) == []


def test_a_method_of_a_private_class_is_looked_at_too() -> None:
    source = "class _A:\n    def f(self):\n        raise UserError\n"
    assert silent(source) == ["_A.f: UserError"]
