from __future__ import annotations

import pytest

from devloop.jobs.run import shell
from devloop.jobs.run.commands import Stream, pairs, parse
from devloop.jobs.run.masks import Masks
from devloop.jobs.run.problem_matchers import Matchers, on_host
from devloop.jobs.schedule import matrix


def test_a_command_is_unescaped_percent_last() -> None:
    found = parse("  ::error file=a%2Cb.py,line=3,title=x%3Ay::one%0Atwo %250A")
    assert found is not None
    assert found.properties == {"file": "a,b.py", "line": "3", "title": "x:y"}
    assert found.text == "one\ntwo %0A"
    assert found.number("col", "line") == 3
    assert parse("x ::error::y") is None
    assert parse("::unknown::y") is None


def test_stopped_commands_are_said_until_the_token() -> None:
    stream = Stream()
    lines = ["::stop-commands::tok", "::error::a", "::tok::", "::error::b"]
    found = [stream.read(line) for line in lines]
    assert [one.name if one else "" for one in found] == ["stop-commands", "", "echo", "error"]


def test_files_of_pairs() -> None:
    assert pairs("a=1=2\nb<<E\nx\n\ny\nE\r\n\nc=") == {"a": "1=2", "b": "x\n\ny", "c": ""}
    for text in ("nothing", "a<<E\nx", "a<<\n"):
        with pytest.raises(ValueError, match=r"`|delimiter"):
            pairs(text)


def test_masks_hide_each_line_and_other_forms() -> None:
    masks = Masks(("one two\nthree",))
    assert masks.hide("one two | three | one%20two") == "*** | *** | ***"
    assert masks.within("three")
    masks.add("three")
    assert masks.longest >= len("one two")
    assert Masks().hide("x") == "x"


PROBLEMS = [
    ("tsc", ["src/a.ts(3,7): error TS2322: no"], ("error", "src/a.ts", 3, 7)),
    ("tsc", ["src/a.ts:3:7 - error TS2322: no"], ("error", "src/a.ts", 3, 7)),
    (
        "eslint",
        ["/app/a.js", "  1:10  warning  'x' is  no-unused"],
        ("warning", "/app/a.js", 1, 10),
    ),
    ("pytest", ["tests/test_a.py:2: AssertionError"], ("error", "tests/test_a.py", 2, None)),
    ("mypy", ["a.py:1: error: no  [x]"], ("error", "a.py", 1, None)),
    ("ruff", ["a.py:1:8: F401 unused"], ("error", "a.py", 1, 8)),
    ("ruff", ["F401 [*] unused", " --> a.py:1:8"], ("error", "a.py", 1, 8)),
    ("go", ["./main.go:4:2: undefined: x"], ("error", "main.go", 4, 2)),
    ("go", ["    a_test.go:9: bad"], ("error", "a_test.go", 9, None)),
    ("cargo", ["error[E0425]: no", "  --> src/main.rs:2:5"], ("error", "src/main.rs", 2, 5)),
]


@pytest.mark.parametrize(("tool", "lines", "expected"), PROBLEMS)
def test_problem_matchers(tool: str, lines: list[str], expected: tuple[object, ...]) -> None:
    matchers = Matchers()
    found = [one for line in lines if (one := matchers.read(line))]
    assert [(it.level, it.file, it.line, it.col) for it in found] == [expected], tool


def test_paths_of_the_container_are_mapped_back() -> None:
    assert on_host("/app/src/a.ts", "/app", "/app") == "src/a.ts"
    assert on_host("a.ts", "/app", "/app/web") == "web/a.ts"
    assert on_host("/usr/lib/x.py", "/app", "/app") == "/usr/lib/x.py"


def test_a_matrix_is_product_less_exclude_and_include() -> None:
    rows = matrix.rows(
        {
            "os": ["a", "b"],
            "n": [1, 2],
            "exclude": [{"os": "a", "n": 1}],
            "include": [{"os": "b", "extra": True}, {"os": "c"}],
        }
    )
    assert [matrix.label(row) for row in rows] == ["a, 2", "b, 1, true", "b, 2, true", "c"]
    with pytest.raises(ValueError, match="more than 256"):
        matrix.rows({"x": list(range(20)), "y": list(range(20))})


def test_shells() -> None:
    assert shell.argv("bash")[:3] == ("bash", "--noprofile", "--norc")
    assert shell.argv("perl -w {0}") == ("perl", "-w", "{0}")
    with pytest.raises(ValueError, match="needs "):
        shell.argv("zsh")
