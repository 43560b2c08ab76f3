"""The parts of docs/ that are made from the code: `make docs` writes them, a test compares them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from devloop.config import reference
from tests import architecture
from tests.docs import transitions

DOCS = Path(__file__).parent.parent.parent / "docs"
PART = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def generated() -> Mapping[str, str]:
    """Give the files as they should be, by name."""
    return {
        "devloop-yaml.md": _filled("devloop-yaml.md", reference.tables()),
        "architecture.md": _filled("architecture.md", {"modules": architecture.page()}),
        "loop.md": _filled("loop.md", {"transitions": transitions.table()}),
        "devloop.schema.json": json.dumps(reference.schema(), indent=1) + "\n",
    }


def _filled(page: str, parts: Mapping[str, str]) -> str:
    """Give a page with its generated parts, by the names in its comments."""
    text = (DOCS / page).read_text("utf-8")
    return PART.sub(lambda it: f"{it[1]}{parts[it[2]]}\n{it[3]}", text)


def write() -> None:
    """Write them."""
    for name, text in generated().items():
        (DOCS / name).write_text(text, "utf-8")
