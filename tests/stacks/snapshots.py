"""Projects in memory: a mapping of paths to text, bytes or JSON-able values."""

import json
from collections.abc import Mapping

from devloop.stacks import registry
from devloop.stacks.base import Detection, Snapshot


def tree(files: Mapping[str, object]) -> Snapshot:
    """Give a snapshot with exactly the contents that the registry asks for."""
    snapshot = Snapshot(frozenset(files))
    while wanted := registry.wanted(snapshot):
        assert wanted <= snapshot.paths - snapshot.contents.keys()
        read = {path: as_bytes(files[path]) for path in wanted}
        snapshot = Snapshot(snapshot.paths, {**snapshot.contents, **read})
    return snapshot


def detect(files: Mapping[str, object]) -> tuple[Detection, ...]:
    return registry.detect(tree(files))


def one(files: Mapping[str, object]) -> Detection:
    found = detect(files)
    assert len(found) == 1, found
    return found[0]


def as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")


def package(**keys: object) -> dict[str, object]:
    return {"name": "app", **keys}
