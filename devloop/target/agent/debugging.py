"""Debugging an app: hooks that its runtime loads, so that no command need be rewritten.

The hooks lie in the container outside the mount and act in the app's processes alone: what is run
by exec does not have the variables that lead to them.
"""

from __future__ import annotations

import tarfile
from importlib import resources

from devloop.model import Debugger
from devloop.stacks import registry
from devloop.stacks.facts import HOOK_FOLDER


def wrapped(argv: list[str], debugger: Debugger) -> list[str]:
    """Give a command that lets its runtime load the stack's hook."""
    words = f"{registry.DEBUGGERS[debugger.stack].loaded} DEVLOOP_DEBUG_PORT={debugger.port}"
    return ["sh", "-c", f'export {words}; exec "$@"', "devloop", *argv]


def files(debugger: Debugger) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Give the hook as it is put into a container."""
    name = registry.DEBUGGERS[debugger.stack].file
    folder = tarfile.TarInfo(HOOK_FOLDER.lstrip("/"))
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    hook = tarfile.TarInfo(f"{HOOK_FOLDER}/{name}".lstrip("/"))
    hook.mode = 0o644
    content = resources.files(__package__).joinpath("hooks", name).read_bytes()
    return [(folder, b""), (hook, content)]
