"""What the docs quote and point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from devloop.cli.app import app
from tests.docs import picture
from tests.docs.generated import DOCS

HOUSE = DOCS.parent / "devloop"
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)\)")
QUOTED = re.compile(r"^## `([^`]+)`", re.MULTILINE)


def test_the_picture_shows_a_screen_as_it_is() -> None:
    found = picture.draw("\x1b[32mready\x1b[0m at localhost\n")
    assert ">ready<" in found
    assert found.startswith("<svg")
    assert "sample" in (DOCS / "live.svg").read_text("utf-8")


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


FENCED = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
CALL = re.compile(r"^(?:\$ )?devloop ([a-z]+)\b(.*)$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def calls() -> list[tuple[str, str, str]]:
    """List the calls of devloop in the blocks of the docs: (page, verb, the rest of the line)."""
    return [
        (page.stem, verb, rest)
        for page in PAGES
        for block in FENCED.findall(page.read_text("utf-8"))
        for verb, rest in CALL.findall(block)
    ]


@pytest.mark.parametrize(("page", "verb", "rest"), calls())
def test_the_verbs_and_options_that_are_shown_are_there(page: str, verb: str, rest: str) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert verb in commands, page
    known = {name for one in commands[verb].params for name in one.opts + one.secondary_opts}
    for option in OPTION.findall(rest):
        assert option in known, f"{page}: devloop {verb} {option}"
