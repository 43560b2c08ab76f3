"""The console script; ``--version`` answers before anything else is imported."""

from __future__ import annotations

import io
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:] == ["--version"]:
        from devloop import __version__  # noqa: PLC0415 - start-up is a feature

        sys.stdout.write(f"devloop {__version__}\n")
        return 0
    if sys.platform == "win32":  # a pipe there has the system's own encoding, which lacks our marks
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8")
    from devloop.cli.app import run  # noqa: PLC0415 - the same

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
