from __future__ import annotations

import pytest

from devloop.jobs.expressions import templates
from devloop.jobs.expressions.evaluate import ExpressionError

SEEN = {"matrix": {"n": 2, "flags": ["a"]}, "env": {"A": "it's"}}
STATUS = {"success": lambda: True, "failure": lambda: False}


def test_a_text_that_is_one_expression_keeps_its_kind() -> None:
    assert templates.value(" ${{ matrix.n }} ", SEEN) == 2
    assert templates.value("${{ matrix.flags }}", SEEN) == ["a"]
    assert templates.value("n is ${{ matrix.n }}", SEEN) == "n is 2"
    assert templates.value(3, SEEN) == 3


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("matrix.n == 2", True),
        ("${{ matrix.n == 3 }}", False),
        ("failure()", False),
        ("${{ env.A }} and ${{ 'more' }}", True),
        ("it's ${{ matrix.n }}", True),
        ("${{ 'a}}b' }}", True),
    ],
)
def test_an_if(text: str, holds: bool) -> None:
    assert templates.holds(text, SEEN, STATUS) is holds


def test_an_if_without_a_status_function_asks_for_success() -> None:
    failed = {"success": lambda: False, "failure": lambda: True}
    assert not templates.holds("matrix.n == 2", SEEN, failed)
    assert templates.holds("failure() && matrix.n == 2", SEEN, failed)


def test_an_expression_must_end() -> None:
    with pytest.raises(ExpressionError, match="without"):
        templates.fill("${{ 'a' ", SEEN)
