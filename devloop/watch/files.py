"""Files as the snapshot sees them: regular files and links, by stat and by content."""

from __future__ import annotations

import os
import stat
from hashlib import blake2b
from typing import TypeAlias

MAX_HASHED = 4 << 20
"""Bytes above which a file is not read: any event on it counts as a change."""
READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
READ |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link or a pipe that was put in a file's place must not lead astray or hold us up."""

Stamp: TypeAlias = tuple[int, int, int, int, int]
"""Type, mtime_ns, ctime_ns, size and inode."""


def listing(folder: str) -> tuple[dict[str, os.stat_result], list[str]]:
    """Stat a folder's files and links, and name its folders; other kinds do not count."""
    found: dict[str, os.stat_result] = {}
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    names.append(entry.name)
                elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                    found[entry.name] = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone meanwhile
    return found, names


def is_folder(path: str) -> bool:
    """Say whether a path is a folder itself, not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def look(path: str) -> os.stat_result | None:
    """Stat a file or link, None if there is no such."""
    try:
        info = os.lstat(path)
    except (OSError, ValueError):
        return None
    return info if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode) else None


def stamp(info: os.stat_result) -> Stamp:
    """Give what tells one state of a file from another without reading it."""
    kind = stat.S_IFMT(info.st_mode)
    return kind, info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino


def digest(path: str, info: os.stat_result) -> bytes | None:
    """Hash the content, or what a link says; None if it cannot be read or is too long."""
    if info.st_size > MAX_HASHED:
        return None
    try:
        if stat.S_ISLNK(info.st_mode):
            return blake2b(os.fsencode(os.readlink(path)), digest_size=16, person=b"link").digest()
        with open(os.open(path, READ), "rb") as stream:
            content = stream.read(MAX_HASHED + 1)
    except OSError:
        return None
    return blake2b(content, digest_size=16).digest() if len(content) <= MAX_HASHED else None
