"""The Dockerfile of every app of the corpus and of projects that reach the rest."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devloop.image import ignorefile
from devloop.scaffold import plan
from devloop.scaffold.write import read_templates
from tests.stacks.corpus import OURS, REASON, files
from tests.stacks.snapshots import detect

TEMPLATES = read_templates()
HADOLINT = shutil.which("hadolint") or str(Path(sys.executable).with_name("hadolint"))
FOUND = {name: found for name, app in OURS.items() if (found := detect(files(app)))}
pytestmark = pytest.mark.skipif(not OURS, reason=REASON)


def test_hadolint_has_nothing_to_say_of_any(tmp_path: Path) -> None:
    written = []
    for name, found in FOUND.items():
        path = tmp_path / f"{name}.Dockerfile"
        path.write_text(plan.dockerfile(found, TEMPLATES))
        written.append(str(path))
    lint = subprocess.run(
        [HADOLINT, *written], capture_output=True, text=True, timeout=120, check=False
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")
    assert len(written) > 100


@pytest.mark.parametrize("name", FOUND)
def test_no_manifest_and_no_program_of_the_project_is_ignored(name: str) -> None:
    ignore = ignorefile.parse(plan.dockerignore(FOUND[name], TEMPLATES))
    secrets = {path for item in FOUND[name] for path in item.secrets}
    needed = {path for item in FOUND[name] for path in item.manifests} - secrets
    needed |= {path for path in OURS[name]["files"] if path.startswith(("bin/", "src/", "lib/"))}
    assert {path for path in needed if ignore.matches(path)} == set()
