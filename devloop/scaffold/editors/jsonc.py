"""Adds to a JSON file with comments: what is there stays as it is written, to the last blank.

The law: nothing of the user's is changed or moved. A key that is there keeps its value, unless
both are objects or both are lists; an item of a list that bears the name of one to be added counts
as it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
ATOM = re.compile(r"[^\s,:\[\]{}\"/]+")
NAMES = ("label", "name")
DEEPEST = 100

Edit = tuple[int, int, str]
"""Where a text is put in, which comes first at one place, and the text."""


class JsonError(ValueError):
    """What a file is wrong with; ``line`` and ``column`` from 1."""

    def __init__(self, message: str, text: str, at: int) -> None:
        super().__init__(message)
        self.line = text.count("\n", 0, at) + 1
        self.column = at - text.rfind("\n", 0, at)


@dataclass
class Value:
    """A value and where it stands; ``inner`` is where each member or item ends."""

    start: int
    end: int = 0
    plain: object = None
    members: dict[str, Value] | None = None
    items: list[Value] | None = None
    inner: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Say where the last member ends, or the bracket opens."""
        return self.inner[-1] if self.inner else self.start + 1


def merge(text: str, more: Mapping[str, Any] | Sequence[Any]) -> str:
    """Add members to the object, or items to the list, in a text; raises ``JsonError``."""
    wants_object = isinstance(more, Mapping)
    if not text.strip():
        text = "{}\n" if wants_object else "[]\n"
    root = _JsoncParser(text).whole()
    if (root.members if wants_object else root.items) is None:
        kind = "an object" if wants_object else "a list"
        raise JsonError(f"the file must hold {kind}", text, root.start)
    edits = (
        _object(text, root, more, 1) if isinstance(more, Mapping) else _list(text, root, more, 1)
    )
    for at, _, added in sorted(edits, reverse=True):
        text = text[:at] + added + text[at:]
    return text


def _object(text: str, there: Value, more: Mapping[str, Any], depth: int) -> Iterator[Edit]:
    members = there.members or {}
    new = []
    for key, value in more.items():
        old = members.get(key)
        if old is None:
            new.append(f"{json.dumps(key)}: {_written(value, text, depth)}")
        elif old.members is not None and isinstance(value, Mapping):
            yield from _object(text, old, value, depth + 1)
        elif old.items is not None and isinstance(value, Sequence) and not isinstance(value, str):
            yield from _list(text, old, value, depth + 1)
    yield from _insert(text, there, new, depth)


def _list(text: str, there: Value, more: Sequence[Any], depth: int) -> Iterator[Edit]:
    names = {_name(one) for one in there.items or ()}
    new = [_written(one, text, depth) for one in more if _name_of(one) not in names]
    yield from _insert(text, there, new, depth)


def _insert(text: str, there: Value, new: list[str], depth: int) -> Iterator[Edit]:
    """Put members behind the last one, each on a line of its own."""
    if not new:
        return
    step = _step(text)
    line = "\n" + step * depth
    body = ("," + line).join(new)
    comma = "," if there.inner and not _comma_follows(text, there.last) else ""
    if comma:
        yield there.last, 0, comma
    at = _end_of_line(text, there)
    close = "" if "\n" in text[at : there.end - 1] else "\n" + step * (depth - 1)
    yield at, 1, line + body + close


def _end_of_line(text: str, there: Value) -> int:
    """Say where new members go: behind the last one, its comma and its comment."""
    at = there.last
    if there.inner and _comma_follows(text, at):
        at = text.index(",", _skip(text, at)) + 1
    rest = re.compile(r"[ \t]*(?://[^\n]*|/\*[^\n]*?\*/[ \t]*(?=\n))?").match(text, at)
    end = rest.end() if rest else at
    return end if end < there.end and text[end : end + 1] == "\n" else at


def _comma_follows(text: str, at: int) -> bool:
    return text[_skip(text, at) : _skip(text, at) + 1] == ","


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at


def _step(text: str) -> str:
    """Give one step of the file's indentation."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found[1] if found else "  "


def _written(value: object, text: str, depth: int) -> str:
    step = _step(text)
    body = json.dumps(value, indent=step, ensure_ascii=False)
    return body.replace("\n", "\n" + step * depth)


def _name(value: Value) -> object:
    for key in NAMES:
        if value.members and key in value.members:
            return value.members[key].plain
    return value.plain


def _name_of(value: object) -> object:
    if isinstance(value, Mapping):
        return next((value[key] for key in NAMES if key in value), None)
    return value


class _JsoncParser:
    """Reads where values stand: JSON, comments, and commas at the end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Value:
        found = self.value(0)
        self.space()
        if self.at < len(self.text):
            raise self.wrong("something stands after the end")
        return found

    def value(self, depth: int) -> Value:
        self.space()
        if depth > DEEPEST:
            raise self.wrong("the nesting is too deep")
        head = self.text[self.at : self.at + 1]
        if head == "{":
            return self.object(depth)
        if head == "[":
            return self.list(depth)
        found = Value(self.at)
        match = STRING.match(self.text, self.at) or ATOM.match(self.text, self.at)
        if not match:
            raise self.wrong("a value is missing")
        try:
            found.plain = json.loads(match[0])
        except ValueError:
            raise self.wrong(f"`{match[0][:40]}` is no value") from None
        self.at = found.end = match.end()
        return found

    def object(self, depth: int) -> Value:
        members: dict[str, Value] = {}
        found = Value(self.at, members=members)
        self.at += 1
        while not self.closes("}"):
            key = STRING.match(self.text, self.at)
            if not key:
                raise self.wrong("a key in double quotes is missing")
            self.at = key.end()
            self.space()
            if self.text[self.at : self.at + 1] != ":":
                raise self.wrong("a colon is missing")
            self.at += 1
            value = self.value(depth + 1)
            members[json.loads(key[0])] = value
            found.inner.append(value.end)
            self.comma("}")
        found.end = self.at
        return found

    def list(self, depth: int) -> Value:
        items: list[Value] = []
        found = Value(self.at, items=items)
        self.at += 1
        while not self.closes("]"):
            value = self.value(depth + 1)
            items.append(value)
            found.inner.append(value.end)
            self.comma("]")
        found.end = self.at
        return found

    def closes(self, bracket: str) -> bool:
        self.space()
        if self.text[self.at : self.at + 1] != bracket:
            return False
        self.at += 1
        return True

    def comma(self, bracket: str) -> None:
        self.space()
        mark = self.text[self.at : self.at + 1]
        if mark == ",":
            self.at += 1
        elif mark != bracket:
            raise self.wrong(f"a comma or {bracket} is missing")

    def space(self) -> None:
        self.at = _skip(self.text, self.at)

    def wrong(self, message: str) -> JsonError:
        return JsonError(message, self.text, self.at)
