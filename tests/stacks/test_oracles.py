"""The managers' own hashes: what moves one of theirs moves our fields.

They are installed into an environment of their own, since they pin much between them.
"""

import json
import subprocess
import venv
from pathlib import Path

import pytest

from devloop.stacks import registry
from tests.stacks.snapshots import as_bytes, detect

pytestmark = pytest.mark.slow

STANDARD = """
[project]
name = "x"
version = "1"
description = "d"
requires-python = ">=3.12"
dependencies = ["a>=1"]
[project.optional-dependencies]
more = ["b"]
[dependency-groups]
dev = ["c"]
[build-system]
requires = ["hatchling"]
"""
POETRY = """
[tool.poetry]
name = "x"
version = "1"
[tool.poetry.dependencies]
python = "^3.12"
a = "^1"
[tool.poetry.group.dev.dependencies]
c = "^1"
[tool.poetry.extras]
more = ["b"]
[tool.poetry.scripts]
run = "x:main"
[[tool.poetry.source]]
name = "own"
url = "https://own.example/simple"
"""
PDM = (
    STANDARD
    + """
[tool.pdm.dev-dependencies]
test = ["d"]
[tool.pdm.resolution.overrides]
e = "1"
[tool.pdm.scripts]
run = "x"
[[tool.pdm.source]]
name = "own"
url = "https://own.example/simple"
"""
)
PIPFILE = """
[[source]]
name = "own"
url = "https://own.example/simple"
verify_ssl = true
[packages]
a = "*"
[dev-packages]
b = "*"
[docs]
c = "*"
[requires]
python_version = "3.12"
[scripts]
run = "x"
"""
EDITS = (
    ("^1", "^2"),
    (">=1", ">=2"),
    ('"b"', '"bb"'),
    ('"c"', '"cc"'),
    ('"d"]', '"dd"]'),
    ('e = "1"', 'e = "2"'),
    ('c = "*"', 'c = "1"'),
    ('a = "*"', 'a = "1"'),
    ("3.12", "3.13"),
    ("own.example", "other.example"),
    ('version = "1"', 'version = "2"'),
    ('description = "d"', 'description = "e"'),
    ('run = "x', 'run = "y'),
    ("hatchling", "setuptools"),
    ("\n[", "\n# a remark\n["),
)
CASES = {
    "poetry": ("pyproject.toml", POETRY, {"poetry.lock": ""}),
    "poetry with [project]": ("pyproject.toml", STANDARD, {"poetry.lock": ""}),
    "pdm": ("pyproject.toml", PDM, {"pdm.lock": ""}),
    "pipenv": ("Pipfile", PIPFILE, {}),
}
# What the table counts and their hashes leave out: it changes what is installed, not the lock.
MORE = {"poetry with [project]": {"hatchling"}, "pdm": {"hatchling"}}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("managers")
    venv.create(home, with_pip=True)
    found = home / "bin" / "python"
    line = [found, "-m", "pip", "install", "-q", "poetry", "pdm", "plette"]
    subprocess.run(line, check=True, timeout=300)
    return found


def hashes(python: Path, manager: str, texts: list[str]) -> list[str]:
    program = [python, Path(__file__).with_name("oracle.py"), manager]
    done = subprocess.run(
        program, input=json.dumps(texts), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("case", CASES)
def test_our_fields_move_with_the_managers_own_hash(case: str, python: Path) -> None:
    path, base, files = CASES[case]
    found = detect({path: base, **files})
    assert found[0].manager == case.partition(" ")[0]
    edits = [edit for edit in EDITS if edit[0] in base]
    texts = [base, *(base.replace(*edit) for edit in edits)]
    theirs = hashes(python, found[0].manager, texts)
    ours = [registry.fields(path, as_bytes(text), found) for text in texts]
    moved = [(one != theirs[0], other != ours[0]) for one, other in zip(theirs, ours, strict=True)]
    differ = {edit[0] for edit, (one, other) in zip(edits, moved[1:], strict=True) if one != other}
    assert differ == MORE.get(case, set())
    assert any(one for one, _ in moved)
