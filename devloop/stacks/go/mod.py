"""What go.mod and go.work say: modules, what they require, what they replace by folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devloop.stacks import paths
from devloop.stacks.base import ManifestError, Snapshot
from devloop.stacks.parse import decode

MAX_MODULES = 5000
_COUNTED = ("go", "toolchain", "require", "replace", "exclude", "use", "godebug", "tool")
_COMMENT = re.compile(r"(?:^|\s)//.*$")
_QUOTED = re.compile(r'"([^"\s]+)"|`([^`\s]+)`')


def fields(content: bytes) -> Mapping[str, object]:
    """Give what counts, each directive as sorted entries; ``ManifestError`` if it is no text.

    Comments do not count, ``// indirect`` included, nor does the order or how entries are grouped.
    """
    found: dict[str, set[str]] = {}
    for verb, words in _directives(decode(content)):
        if verb in _COUNTED:
            found.setdefault(verb, set()).add(" ".join(words))
    return {verb: sorted(entries) for verb, entries in sorted(found.items())}


def modules(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the go.mod of the project, of members and of local replacements, sorted."""
    found: set[str] = set()
    waiting = ["go.mod", *_targets(snapshot, "go.work")]
    while waiting and len(found) < MAX_MODULES:
        path = waiting.pop()
        if path in snapshot.paths and path not in found:
            found.add(path)
            waiting += _targets(snapshot, path)
    return tuple(sorted(found))


def required(snapshot: Snapshot, path: str) -> Iterator[str]:
    """Give the names of the modules that a go.mod requires."""
    return (words[0] for verb, words in _read(snapshot, path) if verb == "require" and words)


def version(snapshot: Snapshot, path: str) -> str:
    """Give the version of Go that a file asks for, empty where it does not."""
    found = (words[0] for verb, words in _read(snapshot, path) if verb == "go" and words)
    return next((text for text in found if re.fullmatch(r"[\d.]{1,20}", text)), "")


def _targets(snapshot: Snapshot, path: str) -> Iterator[str]:
    """Give the go.mod of the folders that a go.work uses or a file replaces modules by."""
    for verb, words in _read(snapshot, path):
        named = words[-1:] if verb == "use" else ()
        if verb == "replace" and "=>" in words:
            named = words[words.index("=>") + 1 :][:1]
        for item in named:
            local = verb == "use" or item.startswith(("./", "../"))
            inside = paths.join(paths.folder(path), item) if local else None
            if inside:
                yield paths.join(inside, "go.mod") or ""


def _read(snapshot: Snapshot, path: str) -> list[tuple[str, tuple[str, ...]]]:
    try:
        return list(_directives(decode(snapshot.contents.get(path, b""))))
    except ManifestError:
        return []


def _directives(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give each directive's verb and words; those of a block one by one."""
    block = ""
    for raw in text.splitlines():
        line = _QUOTED.sub(lambda match: match[1] or match[2], _COMMENT.sub("", raw)).strip()
        words = tuple(line.split())
        if not words:
            continue
        if block and words == (")",):
            block = ""
        elif block:
            yield block, words
        elif words[-1] == "(":
            block = words[0]
        else:
            yield words[0], words[1:]
