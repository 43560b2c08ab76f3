"""What `init --editor` writes; what is there already is merged into, never overwritten; pure."""

from __future__ import annotations

from collections.abc import Mapping

from devloop.errors import UserError
from devloop.scaffold.editors.files import FILES, LUA_BEGIN, LUA_END, SCHEMA, Content, EditorSubject
from devloop.scaffold.editors.jsonc import JsonError, merge
from devloop.scaffold.plan import FilePlan


def plan(
    editors: tuple[str, ...], it: EditorSubject, existing: Mapping[str, bytes]
) -> list[FilePlan]:
    """Say what is written; raises ``UserError`` where a file cannot be merged into."""
    found: dict[str, Content] = {}
    for editor in dict.fromkeys(editors):
        found |= FILES[editor](it)
    return [_planned(path, one, existing.get(path)) for path, one in found.items()]


def paths(editors: tuple[str, ...], it: EditorSubject) -> tuple[str, ...]:
    """Name the files of these editors."""
    return tuple(path for editor in editors for path in FILES[editor](it))


def _planned(path: str, content: Content, current: bytes | None) -> FilePlan:
    if current is None and path == SCHEMA:
        return FilePlan(path, "create", str(content))
    text = "" if current is None else _decoded(path, current)
    after = _merged(path, content, text)
    if current is None:
        return FilePlan(path, "create", after)
    if after == text:
        return FilePlan(path, "same", text)
    mergeable = not isinstance(content, str) or path.endswith(".lua")
    return FilePlan(path, "merge" if mergeable or path == SCHEMA else "keep", after)


def _decoded(path: str, current: bytes) -> str:
    try:
        return current.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("the file is no text", location=path) from None


def _merged(path: str, content: Content, text: str) -> str:
    if isinstance(content, str):
        return _block(content, text) if path.endswith(".lua") else content
    try:
        return merge(text, content)
    except JsonError as error:
        where = f"{path}:{error.line}:{error.column}"
        raise UserError(str(error), location=where, hint="mend it and run init again") from None


def _block(block: str, text: str) -> str:
    """Put a block where the last one of ours is, else at the end."""
    begin, end = text.find(LUA_BEGIN), text.find(LUA_END)
    if 0 <= begin < end:
        return text[:begin] + block + text[end + len(LUA_END) + 1 :]
    return f"{text.rstrip()}\n\n{block}" if text.strip() else block
