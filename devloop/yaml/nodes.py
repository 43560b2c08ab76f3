"""YAML bytes as located nodes, resolved by YAML 1.2's core schema.

PyYAML's own resolver turns ``on`` into True and ``12:30`` into a number and takes duplicate keys;
here only its parser is used, and every node keeps its line and column, from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import yaml

from devloop.errors import ConfigError, Problem

INTEGER = re.compile(r"[-+]?[0-9]+")
HEX = re.compile(r"0x[0-9a-fA-F]+")
OCTAL = re.compile(r"0o[0-7]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MAX_BYTES = 1 << 20
MAX_DEPTH = 100
TOO_MANY = "its aliases unfold to more than"
MAX_REPEATED = 100_000
"""So many values at most may come from aliases: a few lines can ask for billions of them."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class YamlNode:
    """One value of a YAML file; ``text`` is the scalar as it was written.

    ``key`` is the line and column of the key that it stands under, if it does.
    """

    value: Scalar | tuple[YamlNode, ...] | Mapping[str, YamlNode]
    line: int
    column: int
    text: str = ""
    key: tuple[int, int] = (1, 1)

    @property
    def kind(self) -> str:
        """The value's type, in the words of an error message."""
        match self.value:
            case None:
                return "nothing"
            case bool():
                return "true or false"
            case int() | float():
                return "a number"
            case str():
                return "a text"
            case tuple():
                return "a list"
            case _:
                return "a mapping"


def parse(content: bytes, path: str) -> YamlNode:
    """Parse one YAML document; raises ``ConfigError`` with every problem that was found."""
    if len(content) > MAX_BYTES:
        raise ConfigError((Problem("the file is larger than 1 MiB", location=path),))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(content, Loader=loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError((_from_yaml(error, path),)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError((_unreadable(error, content, path),)) from None
    except RecursionError:
        raise ConfigError((Problem("the nesting is too deep", location=path),)) from None
    if root is None:
        return YamlNode({}, 1, 1)
    builder = _Builder(path)
    node = builder.node(root, ())
    builder.check_size(root)
    if builder.problems:
        raise ConfigError(tuple(builder.problems))
    return node


def check_size(content: bytes, path: str) -> None:
    """Raise ``ConfigError`` if a document's aliases unfold to too much, for no other reason."""
    try:
        parse(content, path)
    except ConfigError as error:
        found = tuple(one for one in error.problems if one.message.startswith(TOO_MANY))
        if found:
            raise ConfigError(found) from None


def _unreadable(error: Exception, content: bytes, path: str) -> Problem:
    """Tell what is no text at all, and at which byte."""
    reason = str(getattr(error, "reason", error)).splitlines()[0]
    before = content[: getattr(error, "position", getattr(error, "start", 0)) or 0]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return Problem(f"not readable as YAML: {reason}", location=f"{path}:{line}:{column}")


def _from_yaml(error: yaml.MarkedYAMLError, path: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
    reason = error.problem or error.context or ""
    if "nesting" in reason:  # newer parsers have a limit of their own
        return Problem("the nesting is too deep", location=where)
    return Problem(f"not valid YAML: {reason}", location=where)


class _Builder:
    """Turns PyYAML's nodes into ours, once each, and collects what is wrong."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.done: dict[int, YamlNode] = {}
        self.sizes: dict[int, int] = {}

    def check_size(self, root: yaml.Node) -> None:
        """Refuse a file whose aliases unfold to more values than anything can be done with."""
        if self.sizes.get(id(root), 0) - len(self.done) > MAX_REPEATED:
            what = f"{TOO_MANY} {MAX_REPEATED:,} values"
            self.problem(root, what, "write out what is meant, or repeat less of it")

    def node(self, raw: yaml.Node, above: tuple[int, ...]) -> YamlNode:
        known = self.done.get(id(raw))
        if known is not None:
            return known
        line, column = raw.start_mark.line + 1, raw.start_mark.column + 1
        if id(raw) in above or len(above) > MAX_DEPTH:
            self.problem(raw, "the nesting is too deep or an alias contains itself")
            return YamlNode(None, line, column)
        inner = (*above, id(raw))
        if isinstance(raw, yaml.ScalarNode):
            made = YamlNode(_scalar(raw), line, column, raw.value)
        elif isinstance(raw, yaml.SequenceNode):
            made = YamlNode(tuple(self.node(item, inner) for item in raw.value), line, column)
        elif isinstance(raw, yaml.MappingNode):
            made = YamlNode(self.mapping(raw, inner), line, column)
        else:  # pragma: no cover - the parser knows three kinds of node
            raise TypeError(raw)
        self.done[id(raw)] = made
        self.sizes[id(raw)] = 1 + sum(self.sizes.get(one, 0) for one in _below(raw))
        return made

    def mapping(self, raw: yaml.MappingNode, above: tuple[int, ...]) -> dict[str, YamlNode]:
        found: dict[str, YamlNode] = {}
        for key, value in raw.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, "a key must be a text")
            elif key.value in found:
                self.problem(key, f"the key `{key.value}` stands here a second time")
            else:
                place = (key.start_mark.line + 1, key.start_mark.column + 1)
                found[key.value] = replace(self.node(value, above), key=place)
        return found

    def problem(self, raw: yaml.Node, message: str, hint: str = "") -> None:
        mark = raw.start_mark
        where = f"{self.path}:{mark.line + 1}:{mark.column + 1}"
        self.problems.append(Problem(message, hint=hint, location=where))


def _below(raw: yaml.Node) -> list[int]:
    """List the ids of the values that a node is made of."""
    if isinstance(raw, yaml.SequenceNode):
        return [id(one) for one in raw.value]
    if isinstance(raw, yaml.MappingNode):
        return [id(value) for _, value in raw.value]
    return []


def _scalar(raw: yaml.ScalarNode) -> Scalar:
    """Resolve a plain scalar; a quoted or block one is a text."""
    text: str = raw.value
    return text if raw.style else _plain(text)  # a plain scalar's style is None or empty


def _plain(text: str) -> Scalar:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if INTEGER.fullmatch(text):
        return int(text) if len(text) < 20 else float(text)  # noqa: PLR2004 - 64 bits
    if HEX.fullmatch(text) or OCTAL.fullmatch(text):
        return int(text, 0)
    if FLOAT.fullmatch(text):
        return float(text)
    return text
