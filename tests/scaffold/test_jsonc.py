from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devloop.scaffold.editors.jsonc import JsonError, merge

MERGED = [
    ("", {"a": 1}, '{\n  "a": 1\n}\n'),
    ("{}", {"a": 1}, '{\n  "a": 1\n}'),
    ('{"a": 2}', {"a": 1}, '{"a": 2}'),
    ('{\n\t"a": 2 // two\n}\n', {"b": [1]}, '{\n\t"a": 2, // two\n\t"b": [\n\t\t1\n\t]\n}\n'),
    ('{\n  "a": 2, // two\n  // end\n}', {"b": 1}, '{\n  "a": 2, // two\n  "b": 1\n  // end\n}'),
    ('{"a": {}}', {"a": {"b": 1}}, '{"a": {\n    "b": 1\n  }}'),
    ('{"a": 3}', {"a": {"b": 1}}, '{"a": 3}'),
    (
        '{\n  "t": [\n    {"label": "x", "c": 1}, /* mine */\n  ]\n}\n',
        {"t": [{"label": "x", "c": 2}, {"label": "y"}]},
        '{\n  "t": [\n    {"label": "x", "c": 1}, /* mine */\n'
        '    {\n      "label": "y"\n    }\n  ]\n}\n',
    ),
    ("", [{"label": "x"}], '[\n  {\n    "label": "x"\n  }\n]\n'),
    (
        '[\n  {"label": "x"} // mine\n]',
        [{"label": "x", "b": 1}, 3],
        '[\n  {"label": "x"}, // mine\n  3\n]',
    ),
    ('{"a": "http://x" /* , */ }', {"b": 1}, '{"a": "http://x",\n  "b": 1\n /* , */ }'),
]


@pytest.mark.parametrize(("text", "more", "expected"), MERGED)
def test_what_is_there_stays(text: str, more: Any, expected: str) -> None:
    assert merge(text, more) == expected
    assert merge(expected, more) == expected, "a second time adds nothing"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[]", (1, 1), "must hold an object"),
        ('{"a": }', (1, 7), "a value is missing"),
        ('{\n  "a": 1 "b": 2}', (2, 10), "a comma or } is missing"),
        ("{a: 1}", (1, 2), "a key in double quotes"),
        ('{"a" 1}', (1, 6), "a colon is missing"),
        ('{"a": nope}', (1, 7), "`nope` is no value"),
        ("{} x", (1, 4), "something stands after the end"),
        ('{"a": ' + "[" * 200, (1, 107), "the nesting is too deep"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    text: str, place: tuple[int, int], words: str
) -> None:
    with pytest.raises(JsonError, match=re.escape(words)) as caught:
        merge(text, {"x": 1})
    assert (caught.value.line, caught.value.column) == place


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=3), values, max_size=4)


def added(there: Any, more: Any) -> Any:
    """Merge plain data, slowly and plainly."""
    if isinstance(there, dict) and isinstance(more, dict):
        both = {key: added(one, more[key]) if key in more else one for key, one in there.items()}
        return {**both, **{key: one for key, one in more.items() if key not in there}}
    return there


@given(objects, st.dictionaries(st.text(max_size=3), st.integers() | objects, max_size=3))
def test_the_result_is_what_a_merge_of_data_gives(
    there: dict[str, Any], more: dict[str, Any]
) -> None:
    for indent in (None, 2, "\t"):
        text = json.dumps(there, indent=indent)
        assert json.loads(merge(text, more)) == added(there, more)


@given(st.text(alphabet='{}[],:"/*\\ \nab1', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(JsonError):
        merge(text, {"x": [{"name": "y"}]})
