"""The parts of docs/ that are made from the code: `make docs` writes them, a test compares them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from devloop.config import reference

DOCS = Path(__file__).parent.parent.parent / "docs"
PART = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def generated() -> Mapping[str, str]:
    """Give the files as they should be, by name."""
    tables = reference.tables()
    page = (DOCS / "devloop-yaml.md").read_text("utf-8")
    return {
        "devloop-yaml.md": PART.sub(lambda it: f"{it[1]}{tables[it[2]]}\n{it[3]}", page),
        "devloop.schema.json": json.dumps(reference.schema(), indent=1) + "\n",
    }


def write() -> None:
    """Write them."""
    for name, text in generated().items():
        (DOCS / name).write_text(text, "utf-8")
