from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from devloop.config import reference
from devloop.config.load import load
from devloop.errors import ConfigError
from tests.config.test_malformed import MALFORMED
from tests.docs.generated import DOCS, generated

SCHEMA = Draft202012Validator(reference.schema())
README = DOCS.parent / "README.md"
FOR_THE_READER_ALONE = (
    "!a", "${{", "'a' ==", "needs: [b]", "paths-ignore", "1k", "stands here", "[.]", "\\0", "? [a",
)  # fmt: skip
"""What no schema can tell: expressions, names of jobs, sizes, the same key twice."""


@pytest.mark.parametrize("name", sorted(generated()))
def test_what_is_generated_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == generated()[name], "run `make docs`"


def blocks(path: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def examples() -> list[str]:
    """List the blocks in the docs that are a whole devloop.yaml."""
    pages = [README, *sorted(DOCS.glob("*.md"))]
    found = [text for page in pages for text in blocks(page)]
    keys = {"app", "jobs", "watch", "workflows", "name"}
    return [
        text
        for text in found
        if isinstance(data := yaml.load(text, yaml.BaseLoader), dict)  # noqa: S506 - texts alone
        and keys & set(data)
        and "services" not in data
    ]


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_docs_are_valid(text: str) -> None:
    load(text.encode())
    data = yaml.safe_load(re.sub(r"(?m)^on:", '"on":', text))
    assert list(SCHEMA.iter_errors(data)) == []


SEEN = [
    text
    for text, errors in MALFORMED
    if not any(one in f"{text}{errors}" for one in FOR_THE_READER_ALONE)
    and not any("not valid YAML" in one or "nesting" in one for one in errors)
]


@pytest.mark.parametrize("text", SEEN)
def test_an_editor_sees_what_is_wrong(text: str) -> None:
    data = yaml.safe_load(text)
    assert list(SCHEMA.iter_errors(data)), "the schema lets it pass"


def test_the_schema_names_every_key_that_is_read() -> None:
    schema = reference.schema()["properties"]
    for part in ("app", "watch"):
        with pytest.raises(ConfigError) as caught:
            load(f"{part}: {{zzzzzzzz: 1}}".encode())
        known = caught.value.problems[0].hint.removeprefix("known keys: ").split(", ")
        assert set(known) == set(schema[part]["properties"])
    with pytest.raises(ConfigError) as caught:
        load(b"zzzzzzzz: 1")
    assert set(caught.value.problems[0].hint.removeprefix("known keys: ").split(", ")) == set(
        schema
    )
