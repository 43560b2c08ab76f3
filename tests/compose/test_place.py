"""Where in a compose file a message of Compose points."""

from __future__ import annotations

import pytest

from devloop.compose import locate as place
from devloop.yaml import nodes

TEXT = b"""services:
  web:
    image: a
    prots: []
    develop:
      watch:
        - action: bogus
          path: .
  db:
    depends_on: [gone]
    image: b
"""
ROOT = nodes.parse(TEXT, "compose.yaml")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("validating /x/compose.yaml: services.web Additional property prots is not allowed", 4),
        ("services.web additional properties 'prots' not allowed", 4),
        ("services.web.develop.watch.0.action must be one of the following", 7),
        ('service "db" depends on undefined service "gone": invalid compose project', 9),
        ("error while interpolating services.web.image: required variable X is missing", 3),
    ],
)
def test_a_message_is_given_its_line(message: str, expected: int) -> None:
    found = place.find(ROOT, message)
    assert found is not None
    assert found[0] == expected


def test_what_names_nothing_has_no_line() -> None:
    assert place.find(ROOT, "no such thing") is None
    assert place.find(None, "services.web") is None


def test_a_resolved_value_gets_the_place_where_it_is_written() -> None:
    written = nodes.parse(b"a:\n  b:\n    - x\n    - y: 1\n", "compose.yaml")
    resolved = nodes.parse(b"b: [x, {y: 1}, z]", "resolved")
    found = place.located(resolved, written, ("a",))
    assert (found.line, found.key) == (2, (1, 1))
    assert place.located(resolved, written, ("c",)) == resolved


def test_a_dollar_is_one_again() -> None:
    found = place.located(nodes.parse(b"a: 5$$", "resolved"), None, ())
    assert isinstance(found.value, dict)
    assert (found.value["a"].value, found.value["a"].text) == ("5$", "5$")
