"""Lets a debugger attach to the app: loaded by every Python process of it, by way of PYTHONPATH.

The first process that is no installer or manager listens; debugpy itself follows its children. An
image without debugpy gets it once, below the temporary folder.
"""

import importlib
import os
import subprocess
import sys

MANAGERS = {"pip", "pip3", "poetry", "pipenv", "pdm", "uv", "hatch", "virtualenv", "venv"}
SITE = "/tmp/devloop-debugpy"  # noqa: S108 - in the container, where anybody may write


def _is_manager() -> bool:
    words = [word for word in sys.orig_argv[1:3] if word != "-m"]
    return bool(MANAGERS & {os.path.basename(word) for word in words})


def _listen(port: int) -> None:
    sys.path.append(SITE)
    try:
        import debugpy
    except ImportError:
        install = [sys.executable, "-m", "pip", "install", "-q", "--target", SITE, "debugpy"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - constant
        importlib.invalidate_caches()  # when the path was looked at, there was no such folder
        import debugpy
    debugpy.listen(("0.0.0.0", port))  # noqa: S104 - published on 127.0.0.1 alone


if os.environ.get("DEVLOOP_DEBUG_PORT") and not _is_manager():
    try:
        _listen(int(os.environ.pop("DEVLOOP_DEBUG_PORT")))
    except Exception as error:  # noqa: BLE001 - the app runs all the same
        sys.stderr.write(f"devloop: no debugger: {error} (add debugpy to the dev dependencies)\n")
