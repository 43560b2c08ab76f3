"""Values with expressions: nodes → texts, flags, numbers, each expression checked by its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from devloop.jobs.expressions import templates
from devloop.jobs.expressions.evaluate import STATUS, ExpressionError, check, uses
from devloop.jobs.workflow.model import Env, Flag
from devloop.yaml.nodes import YamlNode
from devloop.yaml.reader import Reader

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Values(Reader):
    """``secret``: something that was read names a secret."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.secret = False

    def env(self, node: YamlNode, contexts: tuple[str, ...]) -> Env:
        """Read a mapping of names to texts."""
        if not isinstance(node.value, Mapping):
            if node.value is not None:
                self.problem(
                    node, f"a mapping is needed here, not {node.kind}", "write NAME: value"
                )
            return ()
        return tuple((key, self.scalar(one, contexts)) for key, one in node.value.items())

    def scalar(self, node: YamlNode, contexts: tuple[str, ...]) -> str:
        """Read a text that may be empty or a number."""
        if isinstance(node.value, tuple | Mapping):
            self.problem(node, f"a text is needed here, not {node.kind}")
            return ""
        return self.expressions(node, contexts)

    def template(self, node: YamlNode, contexts: tuple[str, ...]) -> str:
        """Read a text, not empty."""
        self.text(node)
        return self.expressions(node, contexts)

    def flag(self, node: YamlNode, contexts: tuple[str, ...]) -> Flag:
        """Read true, false or an expression."""
        if isinstance(node.value, bool):
            return node.value
        if "${{" not in node.text:
            self.problem(node, f"true, false or an expression is needed here, not {node.kind}")
        return self.expressions(node, contexts)

    def minutes(self, node: YamlNode, contexts: tuple[str, ...]) -> float | str:
        """Read a number above 0 or an expression."""
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        if "${{" not in node.text:
            self.problem(node, "a number above 0 or an expression is needed here")
        return self.expressions(node, contexts)

    def condition(self, node: YamlNode, contexts: tuple[str, ...]) -> str:
        """Read an ``if``."""
        try:
            expression = templates.condition(node.text)
            self.expression(expression, contexts, (*STATUS, "hashFiles"))
        except ExpressionError as error:
            self.problem(node, f"the expression of if: {error.message}")
        return node.text

    def checked(self, node: YamlNode, contexts: tuple[str, ...]) -> None:
        """Check the expressions of all that a value holds."""
        inner = node.value.values() if isinstance(node.value, Mapping) else node.value
        if isinstance(node.value, tuple | Mapping):
            for one in inner:  # type: ignore[union-attr]
                self.checked(one, contexts)  # type: ignore[arg-type]
        else:
            self.expressions(node, contexts)

    def expressions(self, node: YamlNode, contexts: tuple[str, ...]) -> str:
        """Read a text and check its expressions."""
        try:
            for piece, inside in templates.pieces(node.text):
                if inside:
                    self.expression(piece, contexts, ("hashFiles",) if "steps" in contexts else ())
        except ExpressionError as error:
            self.problem(node, f"the expression: {error.message}")
        return node.text

    def expression(self, text: str, contexts: tuple[str, ...], functions: tuple[str, ...]) -> None:
        """Check one expression."""
        check(text, dict.fromkeys(contexts), dict.fromkeys(functions, len))
        self.secret = self.secret or uses(text, "secrets")


def data(node: YamlNode) -> Any:  # noqa: ANN401 - YAML as plain data
    """Give a node as plain data."""
    if isinstance(node.value, Mapping):
        return {key: data(one) for key, one in node.value.items()}
    if isinstance(node.value, tuple):
        return [data(one) for one in node.value]
    return node.value
