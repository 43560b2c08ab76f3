import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devloop.scaffold import quote


@given(text=st.text())
def test_a_yaml_string_is_read_back(text: str) -> None:
    written = quote.yaml_string(text)
    assert written.isascii()
    assert "\n" not in written
    assert yaml.safe_load(written) == text


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert yaml.safe_load(quote.yaml_string("a\ud800b")) == "a\ufffdb"


@given(items=st.lists(st.text()))
def test_a_yaml_list_is_read_back(items: list[str]) -> None:
    assert yaml.safe_load(quote.yaml_list(items)) == items


@pytest.mark.parametrize(
    ("command", "argv"),
    [(("node", "a b.js"), ["node", "a b.js"]), ("a && b $X", ["sh", "-c", "a && b $X"])],
)
def test_the_exec_form(command: str | tuple[str, ...], argv: list[str]) -> None:
    assert json.loads(quote.exec_form(command)) == argv


@given(argv=st.lists(st.text(), min_size=1))
def test_the_exec_form_is_one_line_of_ascii(argv: list[str]) -> None:
    written = quote.exec_form(tuple(argv))
    assert written.isascii()
    assert "\n" not in written
    assert json.loads(written) == argv


@pytest.mark.parametrize(
    ("names", "target", "words"),
    [
        (["a.txt", "b-1.txt"], "./", "a.txt b-1.txt ./"),
        (["--from=x"], "./", '["--from=x", "./"]'),
        (["a b.txt"], "a b/", '["a b.txt", "a b/"]'),
        (["a[1]*?.txt"], "x[/", r'["a[[]1][*][?].txt", "x[/"]'),
        (["$HOME`x`'\""], "$X/", r"""["\\$HOME`x`\\'\\\"", "\\$X/"]"""),
        (["ü.txt"], "./", r'["\u00fc.txt", "./"]'),
        (["<<EOF"], "./", '["<<EOF", "./"]'),
    ],
)
def test_what_is_copied(names: list[str], target: str, words: str) -> None:
    assert quote.copied(names, target) == words


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("/opt/venv/bin:$PATH", "A=/opt/venv/bin:$PATH"),
        ('a "b"\\c', 'A="a \\"b\\"\\\\c"'),
        ("", 'A=""'),
    ],
)
def test_env(value: str, line: str) -> None:
    assert quote.env("A", value) == line
