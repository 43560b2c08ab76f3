"""Where in a compose file something is: Compose names keys, people look for lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from devloop.yaml.nodes import YamlNode

KEYS = re.compile(r"\b(services|volumes|networks|secrets|configs|include)((?:\.[\w-]+)*)")
NAMED = re.compile(r"service \"([^\"]+)\"")
EXTRA = re.compile(r"[Aa]dditional propert(?:y|ies) '?([\w.-]+)'? (?:is|are)? ?not allowed")


def find(root: YamlNode | None, message: str) -> tuple[int, int] | None:
    """Find the line and column of what a message of Compose names, None if it names nothing."""
    if root is None:
        return None
    named, extra = NAMED.search(message), EXTRA.search(message)
    paths = [(found[1], *found[2].split(".")[1:]) for found in KEYS.finditer(message)]
    if named:
        paths.append(("services", named[1]))
    for path in sorted(paths, key=len, reverse=True):
        steps = (*path, extra[1]) if extra else path
        node = _follow(root, steps)
        if node is not None and node is not root:
            return node.key if node.key != (1, 1) else (node.line, node.column)
    return None


def _follow(root: YamlNode, steps: Sequence[str]) -> YamlNode | None:
    """Walk as far as the steps lead."""
    node = root
    for step in steps:
        below = _step(node, step)
        if below is None:
            return node
        node = below
    return node


def _step(node: YamlNode, step: str) -> YamlNode | None:
    if isinstance(node.value, Mapping):
        return node.value.get(step)
    if isinstance(node.value, tuple) and step.isdigit() and int(step) < len(node.value):
        return node.value[int(step)]
    return None


def _below(node: YamlNode | None, step: str) -> YamlNode | None:
    return _step(node, step) if node is not None else None


def located(node: YamlNode, written: YamlNode | None, path: Sequence[str]) -> YamlNode:
    """Give a resolved node the places that it has in the file as it is written.

    A ``$$``, which is how Compose writes a dollar, becomes one.
    """
    own = written
    for step in path:
        own = _below(own, step)
    return _placed(node, own)


def _placed(node: YamlNode, own: YamlNode | None) -> YamlNode:
    value = node.value
    if isinstance(value, Mapping):
        value = {key: _placed(one, _below(own, key)) for key, one in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_placed(one, _below(own, str(at))) for at, one in enumerate(value))
    elif isinstance(value, str):
        value = value.replace("$$", "$")
    at = own or node
    text = node.text.replace("$$", "$")
    return replace(node, value=value, text=text, line=at.line, column=at.column, key=at.key)
