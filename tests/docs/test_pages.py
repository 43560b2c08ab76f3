"""What the docs quote and point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.generated import DOCS

HOUSE = DOCS.parent / "devloop"
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)\)")
QUOTED = re.compile(r"^## `([^`]+)`", re.MULTILINE)


def source() -> str:
    """Give all that the program can say, texts that are broken over lines made whole."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(HOUSE.rglob("*.py")))
    return re.sub(r"\"\s*\n\s*f?\"", "", text)


def test_the_errors_that_are_explained_are_told_like_that() -> None:
    said = source()
    for quoted in QUOTED.findall((DOCS / "troubleshooting.md").read_text("utf-8")):
        for part in re.split(r" *(?:…|\b\d+\b) *", quoted):
            assert part in said, part


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
