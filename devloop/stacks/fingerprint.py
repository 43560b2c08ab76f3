"""The fingerprint: what an image is made of, by meaning, as one hash that can be explained.

Every input is an ``Entry``: the dependency-relevant fields of a manifest, or the hash of its
bytes. Two fingerprints with the same digest need no build between them; ``differences`` says in
the user's words which field moved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SHOWN_DIFFERENCES = 3
SHOWN_VALUE = 60


@dataclass(frozen=True)
class Entry:
    """One input: ``fields`` of a manifest, or None and the ``digest`` of its content.

    ``warning`` is set where a manifest never parsed and therefore counts by content.
    """

    digest: str
    fields: Mapping[str, object] | None = None
    warning: str = ""


@dataclass(frozen=True)
class Fingerprint:
    """A digest (64 hexadecimal digits) and all that went into it."""

    digest: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """The 12 digits that name the image."""
        return self.digest[:12]


def by_fields(fields: Mapping[str, object]) -> Entry:
    """Make the entry of a manifest that parsed."""
    return Entry(_hash(fields), fields)


def by_content(content: bytes, *, executable: bool = False, warning: str = "") -> Entry:
    """Make the entry of a file that counts by its bytes and its executable bit."""
    digest = hashlib.sha256(content).hexdigest() + ("x" if executable else "")
    return Entry(digest, None, warning)


def combine(entries: Mapping[str, Entry], recipe: Mapping[str, object]) -> Fingerprint:
    """Hash the entries and the recipe (JSON-able: the Dockerfile, build arguments, …)."""
    parts = {path: entry.digest for path, entry in entries.items()}
    return Fingerprint(_hash({"inputs": parts, "recipe": recipe}), dict(entries), dict(recipe))


def differences(old: Fingerprint, new: Fingerprint) -> tuple[str, ...]:
    """Say what moved between two fingerprints, sorted by path, at most a few per file."""
    found: list[str] = []
    for path in sorted({*old.entries, *new.entries}):
        before, after = old.entries.get(path), new.entries.get(path)
        if before is None:
            found.append(f"{path}: new")
        elif after is None:
            found.append(f"{path}: gone")
        elif before.digest != after.digest:
            found += [f"{path}: {text}" for text in _moved(before, after)]
    return tuple(found) + tuple(_recipe_differences(old.recipe, new.recipe))


def _moved(before: Entry, after: Entry) -> list[str]:
    if before.fields is None or after.fields is None:
        return ["content"]
    old, new = dict(_flat(before.fields)), dict(_flat(after.fields))
    names = sorted({*old, *new})
    texts = [_change(name, old, new) for name in names if old.get(name) != new.get(name)]
    more = len(texts) - SHOWN_DIFFERENCES
    return texts[:SHOWN_DIFFERENCES] + ([f"and {more} more"] if more > 0 else [])


def _change(name: str, old: Mapping[str, object], new: Mapping[str, object]) -> str:
    if name.endswith("]"):  # a member of a list
        sign = "+" if name in new else "-"
        return f"{name.partition('[')[0]} {sign} {_show(new.get(name, old.get(name)))}"
    return f"{name} {_show(old.get(name))} → {_show(new.get(name))}"


def _recipe_differences(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    names = {
        "syntax": "the Dockerfile's syntax",
        "args": "the Dockerfile's arguments",
        "stages": "the Dockerfile's instructions",
        "ignore": "the ignore file",
        "build-args": "app.build-args",
        "platform": "the platform",
    }
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield names.get(key, key)


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield f"{prefix}[{_show(item)}]", item
    else:
        yield prefix, value


def _show(value: object) -> str:
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= SHOWN_VALUE else text[: SHOWN_VALUE - 1] + "…"


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
