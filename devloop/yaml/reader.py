"""Reads nodes by tables of key → reader; collects problems instead of raising at the first."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from devloop.errors import Problem
from devloop.yaml.nodes import YamlNode

T = TypeVar("T")


class Reader:
    """One file's reader: what is wrong is in ``problems``, each with its place."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def table(
        self, node: YamlNode, where: str, readers: Mapping[str, Callable[[YamlNode], object]]
    ) -> dict[str, object]:
        """Read a mapping; unknown keys are errors that name the nearest known one."""
        if not isinstance(node.value, Mapping):
            if node.value is not None:
                self.problem(node, f"{where} must be a mapping, not {node.kind}")
            return {}
        found: dict[str, object] = {}
        for key, value in node.value.items():
            reader = readers.get(key)
            if reader is None:
                self.unknown(value, key, where, readers)
                continue
            before = len(self.problems)
            result = reader(value)
            if len(self.problems) == before:
                found[key.replace("-", "_")] = result
        return found

    def unknown(self, node: YamlNode, key: str, where: str, known: Mapping[str, object]) -> None:
        """Tell of an unknown key, and the nearest known one."""
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(known)}"
        place = replace(node, line=node.key[0], column=node.key[1])
        self.problem(place, f"unknown key `{key}` in {where}", hint)

    def problem(self, node: YamlNode, message: str, hint: str = "") -> None:
        """Tell what is wrong with a node."""
        where = f"{self.path}:{node.line}:{node.column}"
        self.problems.append(Problem(message, hint=hint, location=where))

    def text(self, node: YamlNode) -> str:
        """Read a text, not empty."""
        if isinstance(node.value, tuple | Mapping) or node.value is None or not node.text:
            kind = "an empty one" if node.value == "" else node.kind
            self.problem(node, f"a text is needed here, not {kind}")
            return ""
        if "\0" in node.text:
            self.problem(node, "a text cannot hold a NUL character")
        return node.text

    def items(self, node: YamlNode, read: Callable[[YamlNode], T]) -> tuple[T, ...]:
        """Read a list."""
        if not isinstance(node.value, tuple):
            self.problem(node, f"a list is needed here, not {node.kind}", "write it as [a, b]")
            return ()
        return tuple(read(item) for item in node.value)

    def texts(self, node: YamlNode) -> tuple[str, ...]:
        """Read a list of texts."""
        return self.items(node, self.text)
