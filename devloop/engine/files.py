"""Files of a container, running or not, read and put as tar archives."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable

from devloop.engine.client import Engine
from devloop.errors import RefusedError


def has_file(engine: Engine, container: str, path: str) -> bool:
    """Say whether a path exists in a container, running or not."""
    try:
        engine.request("HEAD", f"/containers/{container}/archive", params={"path": path})
    except RefusedError:
        return False
    return True


def read_file(engine: Engine, container: str, path: str) -> bytes:
    """Read a file of a container, empty if there is none."""
    try:
        answer = engine.request("GET", f"/containers/{container}/archive", params={"path": path})
    except RefusedError:
        return b""
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                return stream.read()
    return b""


def put(
    engine: Engine, container: str, path: str, files: Iterable[tuple[tarfile.TarInfo, bytes]]
) -> None:
    """Put files and folders below a path of a container."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info, content in files:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    engine.request(
        "PUT",
        f"/containers/{container}/archive",
        params={"path": path},
        data=buffer.getvalue(),
        headers={"Content-Type": "application/x-tar"},
    )
