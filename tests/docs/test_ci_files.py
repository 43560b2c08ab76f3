"""action.yml, the workflow and the examples of docs/, by the schemas of those who read them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from devloop.jobs.workflow import action_file, grammar
from tests.docs.generated import DOCS

ROOT = DOCS.parent
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (DOCS / "ci.md").read_text("utf-8"), re.DOTALL)


def valid(schema: str, path: Path) -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action() -> None:
    valid("vendor.github-actions", ROOT / "action.yml")
    found = action_file.load((ROOT / "action.yml").read_bytes(), "action.yml")
    assert set(found.inputs) == {"path", "jobs", "tag", "push", "cache"}
    assert dict(found.outputs).keys() == {"image", "fingerprint", "cached"}


def test_the_workflow() -> None:
    path = ROOT / ".github" / "workflows" / "ci.yml"
    valid("vendor.github-workflows", path)
    assert [job.id for job in grammar.load(path.read_bytes(), "ci.yml").jobs] == [
        "test",
        "elsewhere",
        "sample",
    ]


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split(":", 1)[0])
def test_the_examples(text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.yml"
    github = text.startswith("jobs:")
    path.write_text(("on: push\n" if github else "") + text)
    valid("vendor.github-workflows" if github else "vendor.gitlab-ci", path)
