"""Which of the kernel's limits on watching is reached, and what to do about it."""

from __future__ import annotations

import errno

PROC = "/proc/sys/"
WATCHES = ("fs.inotify.max_user_watches", "user.max_inotify_watches")
INSTANCES = ("fs.inotify.max_user_instances", "user.max_inotify_instances")
SPARE = 524_288
"""A number of watches that several large projects and an editor do with."""


def why(number: int, needed: int, proc: str = PROC) -> str:
    """Say which limit is in the way; ``number`` is the errno, ``needed`` the watches wanted."""
    names, unit = (WATCHES, "watches") if number == errno.ENOSPC else (INSTANCES, "instances")
    found = [(limit, name) for name in names if (limit := _read(proc, name)) is not None]
    if number not in (errno.ENOSPC, errno.EMFILE) or not found:
        return f"the kernel gives no more inotify {unit} (errno {number})"
    limit, name = min(found)
    wanted = max(SPARE, 2 * (limit + needed)) if number == errno.ENOSPC else 2 * limit + 128
    asked = f"{needed} folders are to be watched, and all" if number == errno.ENOSPC else "all"
    return (
        f"{asked} programs of this user together may have {limit} inotify {unit}"
        f" (`sudo sysctl {name}={wanted}` raises that)"
    )


def watches(proc: str = PROC) -> int | None:
    """Give how many folders all programs of this user together may watch; None: no such limit."""
    found = [limit for name in WATCHES if (limit := _read(proc, name)) is not None]
    return min(found, default=None)


def _read(proc: str, name: str) -> int | None:
    try:
        with open(proc + name.replace(".", "/"), "rb") as stream:
            return int(stream.read())
    except (OSError, ValueError):
        return None
