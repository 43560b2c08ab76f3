from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devloop.jobs.expressions.evaluate import ExpressionError, evaluate, uses

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "expressions.json"
KINDS = {
    type(None): "Null",
    bool: "Boolean",
    int: "Number",
    float: "Number",
    str: "String",
    list: "Array",
    dict: "Object",
}


def kind_of(value: Any) -> str:
    return next(name for kind, name in KINDS.items() if isinstance(value, kind))


def same(value: Any, expected: Any) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return expected == "NaN"
    return bool(value == expected)


def test_every_shared_vector() -> None:
    if not VECTORS.exists():
        pytest.skip("shared/vectors/expressions.json is not beside the repository")
    cases = json.loads(VECTORS.read_text("utf-8"))["cases"]
    assert len(cases) > 600
    wrong = [text for case in cases if (text := complaint(case))]
    assert not wrong, "\n".join(wrong)


def complaint(case: dict[str, Any]) -> str:
    expected = case.get("err") or case["result"]
    try:
        value = evaluate(case["expr"], case.get("contexts", {}))
    except ExpressionError as error:
        fine = "err" in case and error.kind == expected["kind"]
        return "" if fine else f"{case['expr']} → {error.kind}: {error}, not {expected}"
    fine = (
        "err" not in case
        and kind_of(value) == expected["kind"]
        and same(value, expected.get("value"))
    )
    return "" if fine else f"{case['expr']} → {value!r}, not {expected}"


CONTEXTS = {"a": {"b": [1, {"c": "x"}], "Key": None}, "list": [[1, 2], [3]], "text": "ß"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.missing.deeper", None),
        ("A.KEY", None),
        ("a.b[1].C", "x"),
        ("list.*.*", [1, 2, 3]),
        ("list.*[0]", [1, 3]),
        ("'it''s'", "it's"),
        ("text == 'SS'", False),
        ("a == a && a.b == a.b", True),
        ("fromJSON('{}') == fromJSON('{}')", False),
        ("null >= null && null <= null && !(null < null)", True),
        ("'b' > 'A' && 'B' > 'a'", True),
        ("format('{0}{1}', 1e21, -0)", "1E+210"),
        ("fromJSON('123456789012345678901234567890') > 1", True),
        ("join(a)", ""),
        ("contains(fromJSON('[1, \"X\"]'), 'x')", True),
        ("contains(a, 'x')", False),
        ("case(false, nothing.here == 1, 2)", None),
    ],
)
def test_values(text: str, value: Any) -> None:
    if "nothing" in text:
        with pytest.raises(ExpressionError, match="there is no `nothing`"):
            evaluate(text, CONTEXTS)
        return
    assert evaluate(text, CONTEXTS) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('"x"', "lexing"),
        ("'x", "lexing"),
        ("1..2", "lexing"),
        ("a.", "parsing"),
        ("*", "parsing"),
        ("a.b c", "parsing"),
        ("'x'.y", "lexing"),
        ("nothing", "parsing"),
        ("success()", "parsing"),
        ("hashFiles('a')", "parsing"),
        ("(" * 5000, "parsing"),
        ("x" * 30_000, "parsing"),
        ("fromJSON(a)", "evaluation"),
        ("fromJSON('NaN')", "evaluation"),
        ("fromJSON('" + "[" * 9000 + "')", "evaluation"),
        ("join(fromJSON('[0,0]'), format('{0}{0}', text, text))", ""),
    ],
)
def test_errors_by_kind(text: str, kind: str) -> None:
    if not kind:
        evaluate(text, CONTEXTS)
        return
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, CONTEXTS)
    assert caught.value.kind == kind


def test_a_value_cannot_grow_without_bound() -> None:
    text = "'" + "x" * 100 + "'"
    for _ in range(12):
        text = f"format('{{0}}{{0}}{{0}}{{0}}{{0}}{{0}}{{0}}{{0}}', {text})"
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate(text, {})
    many = {"l": ["x" * 1000] * 2000}
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate("join(l)", many)
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate("toJSON(l)", many)


def test_what_a_deep_value_does() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ExpressionError, match="too deeply"):
        evaluate("toJSON(deep)", {"deep": deep})


def test_given_functions() -> None:
    given_here = {"success": lambda: True, "hashFiles": lambda *names: "+".join(names)}
    assert evaluate("success() && HASHFILES('a', 'b')", {}, given_here) == "a+b"


def test_what_an_expression_uses() -> None:
    assert uses("x.y == 1 && Always()", "always")
    assert uses("a[github.sha]", "github")
    assert not uses("'always()'", "always")


GRAMMAR = st.lists(
    st.sampled_from([*"()[].,!<>=&|*'\" 0x-+", "&&", "a", "format", "case", "'s'", "true", "1e9"]),
    max_size=25,
).map("".join)


@given(st.one_of(st.text(max_size=40), GRAMMAR))
def test_the_parser_raises_nothing_but_its_own_error(text: str) -> None:
    with suppress(ExpressionError):
        evaluate(text, {"a": {"a": [1, "s"]}})
