"""Where a project's control socket is: outside the project, in a folder that is the user's alone.

A container that mounts the project must not be able to drive the loop.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Mapping

from devloop.errors import HostError

UCRED = struct.Struct("3i")  # pid, uid, gid
XUCRED = struct.Struct("2I")  # version, uid: how macOS tells it


def path(project: str, environ: Mapping[str, str] = os.environ) -> str:
    """Give the socket's path for a project's id; nothing is made."""
    return os.path.join(_folder(environ), f"{project}.sock")


def make_folder(environ: Mapping[str, str] = os.environ) -> None:
    """Make the folder, mode 700.

    Raises ``HostError`` if it cannot be made, or if other users own it or have access to it.
    """
    folder = _folder(environ)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as error:
        raise HostError(
            f"{folder} cannot be made: {error.strerror}", hint="is XDG_RUNTIME_DIR right?"
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != _user() or found.st_mode & 0o077:
        raise HostError(
            f"{folder} is not a folder of yours alone, so no control socket is put there",
            hint=f"remove it, or `chmod 700 {folder}` if it is yours",
        )


def same_user(link: socket.socket) -> bool:
    """Say whether the process at the other end is the same user's."""
    return _peer(link) == _user()


def _folder(environ: Mapping[str, str]) -> str:
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and os.path.isdir(runtime):
        return os.path.join(runtime, "devloop")
    return os.path.join(tempfile.gettempdir(), f"devloop-{_user()}")


def _user() -> int:
    if sys.platform == "win32":
        return 0  # nobody comes to ask there
    return os.getuid()


def _peer(link: socket.socket) -> int:
    if sys.platform == "win32":
        raise OSError("Windows does not tell whose a connection is")
    if sys.platform == "darwin":
        return int(XUCRED.unpack(link.getsockopt(0, 1, XUCRED.size))[1])  # LOCAL_PEERCRED
    found = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    return int(UCRED.unpack(found)[1])
