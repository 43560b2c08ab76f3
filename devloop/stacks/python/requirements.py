"""Requirements files of pip: their logical lines and all the files that they reach."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from devloop.stacks import paths
from devloop.stacks.base import ManifestError, Snapshot
from devloop.stacks.parse import decode

_NAME = re.compile(
    r"(?:.*/)?(?:[^/]*(?:requirements|constraints)[^/]*\.(?:txt|in)|requirements/[^/]+\.(?:txt|in))"
)
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(\S.*)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+)(\S+)")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SEPARATORS = re.compile(r"[-_.]+")
_BASE = (
    "requirements.txt",
    "requirements/base.txt",
    "requirements/common.txt",
    "requirements/requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements.in",
)
_DEVELOPMENT = re.compile(
    r"requirements[-_.](?:dev|develop|development|local|tests?)\.txt"
    r"|(?:dev|test|tests)[-_]requirements\.txt"
    r"|requirements/(?:dev|develop|development|local|tests?)\.txt"
)


def is_requirements(path: str) -> bool:
    """Say by its name whether a file is one of requirements or constraints."""
    return _NAME.fullmatch(path) is not None


def lines(content: bytes) -> tuple[str, ...]:
    """Give the lines less comments and blank ones, continuation lines joined.

    Raises ``ManifestError`` if it is no text.
    """
    text = decode(content).replace("\r\n", "\n").replace("\\\n", " ")
    bare = (_COMMENT.sub("", line).strip() for line in text.split("\n"))
    return tuple(" ".join(line.split()) for line in bare if line)


def base(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the file that production installs, as a tuple of at most one."""
    return snapshot.present(*_BASE)[:1]


def development(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the files that development installs, the one of production first."""
    extra = (path for path in snapshot.paths if _DEVELOPMENT.fullmatch(path))
    return (*base(snapshot), *sorted(extra))


def reached(snapshot: Snapshot, starts: Iterable[str]) -> tuple[str, ...]:
    """Give these files and all that ``-r`` and ``-c`` reach from them, sorted."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path in snapshot.paths and path not in found:
            found.add(path)
            waiting += _includes(path, _read(snapshot, path))
    return tuple(sorted(found))


def requirements(snapshot: Snapshot, files: Iterable[str]) -> tuple[str, ...]:
    """Give all lines of these files."""
    return tuple(line for path in files for line in _read(snapshot, path))


def project_name(requirement: str) -> str:
    """Give the normalised name of the project that a requirement names, empty for an option."""
    found = _PROJECT.match(requirement)
    return normalised(found[0]) if found else ""


def normalised(name: str) -> str:
    """Write a name as the index has it: lower case, hyphens."""
    return _SEPARATORS.sub("-", name).lower()


def local_folders(snapshot: Snapshot, found: Iterable[str]) -> tuple[str, ...]:
    """Give the folders of the project that requirements install, ``.`` for itself, sorted."""
    targets = (_EDITABLE.match(line) for line in found)
    named = {target[1] for target in targets if target}
    named |= {line.split()[0] for line in found if line.startswith((".", "file:"))}
    inside = (paths.join("", item.removeprefix("file:").split("[")[0]) for item in named)
    return tuple(sorted(path for path in set(inside) if path and _is_folder(snapshot, path)))


def _is_folder(snapshot: Snapshot, path: str) -> bool:
    return path == "." or any(item.startswith(f"{path}/") for item in snapshot.paths)


def _read(snapshot: Snapshot, path: str) -> tuple[str, ...]:
    try:
        return lines(snapshot.contents.get(path, b""))
    except ManifestError:
        return ()


def _includes(path: str, found: Iterable[str]) -> list[str]:
    targets = (_INCLUDE.fullmatch(line) for line in found)
    joined = (paths.join(paths.folder(path), _unquoted(target[1])) for target in targets if target)
    return [target for target in joined if target]


def _unquoted(text: str) -> str:
    """Read a path as pip does: by the rules of a shell, where quotes keep blanks together."""
    try:
        return (shlex.split(text) or [""])[0]
    except ValueError:  # an open quote
        return text
