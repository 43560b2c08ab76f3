"""Run by the managers' own Python: their hash of each project on standard input, as JSON."""

# ruff: noqa: PLC0415, SLF001 - of the managers only the one that is asked must be there

import json
import sys
import tempfile
import tomllib
from pathlib import Path


def poetry(text: str) -> str:
    from poetry.packages.locker import Locker

    return str(Locker(Path("poetry.lock"), tomllib.loads(text))._get_content_hash())


def pdm(text: str) -> str:
    from pdm.core import Core
    from pdm.project.project_file import PyProject

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pyproject.toml"
        path.write_text(text)
        return str(PyProject(path, ui=Core().ui).content_hash())


def pipenv(text: str) -> str:
    import io

    import plette

    return str(plette.Pipfile.load(io.StringIO(text)).get_hash().value)


if __name__ == "__main__":
    hashes = {"poetry": poetry, "pdm": pdm, "pipenv": pipenv}[sys.argv[1]]
    print(json.dumps([hashes(text) for text in json.load(sys.stdin)]))
