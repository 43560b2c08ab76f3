from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devloop.jobs.workflow.filters import PathFilter, problems, runs

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "path_filters.json"

ROWS = [
    # what the cheat sheet shows
    (["*"], ["README.md", ".env"], ["docs/README.md"]),
    (["*.jsx?"], ["page.js", "page.jsx"], ["page.jsxx", "src/page.js"]),
    (["**"], ["all/the/files.md", "README.md"], []),
    (["**.js"], ["index.js", "src/js/app.js"], ["app.jsx"]),
    (["docs/*"], ["docs/a"], ["docs", "docs/b/a", "a/docs/x"]),
    (["docs/**"], ["docs/a", "docs/b/a"], ["docs", "docs2/x"]),
    (["docs/**/*.md"], ["docs/a.md", "docs/b/c/a.md"], ["docs/a.txt", "a.md"]),
    (["a/**/b"], ["a/b", "a/x/y/b"], ["ab", "a/xb"]),
    (["**/README.md"], ["README.md", "js/README.md"], ["MYREADME.md"]),
    (["[CB]at", "v[0-9]+"], ["Cat", "v10"], ["Rat", "v", "vx"]),
    # order
    (["*.md", "!README.md"], ["a.md"], ["README.md"]),
    (["*.md", "!README.md", "README*"], ["a.md", "README.md"], []),
    (["!README.md", "*.md"], ["README.md"], ["README.doc"]),
    (["!a"], [], ["a", "b"]),
    ([], [], ["a", ""]),
    # characters
    (["\\*\\?\\+"], ["*?+"], ["a?+", "*+"]),
    (["a!b", "(x|y)", "{a,b}", "$^"], ["a!b", "(x|y)", "{a,b}", "$^"], ["x", "a", "b"]),
    (["[a^]", "[&&]", "[\\]", "[a-]"], ["a", "^", "&", "\\", "-"], ["b"]),
    (["[!a]"], ["!", "a"], ["b"]),
    (["*.py"], ["a\nb.py", "\udcff.py"], ["a.pyc"]),
    (["***/x"], ["x", "a/b/x"], ["ax"]),
    (["a**b/c"], ["ab/c", "a/x/b/c"], ["a/c"]),
    (["./src/**", "/src/**", "docs/"], [], ["src/a.py", "docs/a"]),
    # what cannot be read matches nothing, and harms no other pattern
    (["["], [], ["[", ""]),
    (["*+", "??", "+a", "[", "[]", "[b-a]", "", "a?+", "ok"], ["ok"], ["", "a", "aa", "[", "b"]),
]


@pytest.mark.parametrize(("patterns", "match", "no_match"), ROWS)
def test_patterns(patterns: list[str], match: list[str], no_match: list[str]) -> None:
    wanted = PathFilter(patterns)
    assert [path for path in match if not wanted.matches(path)] == []
    assert [path for path in no_match if wanted.matches(path)] == []


def test_the_shared_vectors() -> None:
    if not VECTORS.exists():
        pytest.skip("shared/vectors/path_filters.json is not beside the repository")
    rows = json.loads(VECTORS.read_text("utf-8"))["rows"]
    assert len(rows) > 20
    for row in rows:
        test_patterns(row["patterns"], row["match"], row["no_match"])


@pytest.mark.parametrize(
    ("files", "paths", "paths_ignore", "expected"),
    [
        ([], None, None, True),
        (["a"], None, None, True),
        ([], ["**"], None, False),
        (["a.md", "b.py"], ["*.py"], None, True),
        (["a.md"], ["*.py"], None, False),
        (["a.md"], None, ["*.md"], False),
        (["a.md", "b.py"], None, ["*.md"], True),
        (["a.py"], [], None, False),
        (["a.py"], None, [], True),
        (["a.py", "b.py"], ["*.py"], ["a.py"], True),
        (["a.py"], ["*.py"], ["a.py"], False),
    ],
)
def test_what_runs(
    files: list[str], paths: list[str] | None, paths_ignore: list[str] | None, expected: bool
) -> None:
    assert runs(files, paths, paths_ignore) is expected


@pytest.mark.parametrize(
    ("paths", "paths_ignore", "words"),
    [
        (["a"], ["b"], "exclude each other"),
        (["!a", "!b"], None, "only patterns with !"),
        (None, ["!a"], "takes no patterns with !"),
        (["*+"], None, "'*+' has + without a character"),
        (["a?+"], None, "'a?+' has + without a character"),
        (["?a"], None, "'?a' has ? without a character"),
        (["**/?"], None, "has ? without a character"),
        (["a", "[x"], None, "'[x' has [ without"),
        (["[z-a]"], None, "range z-a backwards"),
        (["a\\"], None, "ends in a backslash"),
        (["a", "!"], None, "'!' is empty"),
    ],
)
def test_problems(paths: list[str] | None, paths_ignore: list[str] | None, words: str) -> None:
    found = problems(paths, paths_ignore)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize("paths", [None, [], ["a/+", "a", "!b", "[0-9]?", "\\*?", "**.js"]])
def test_no_problems(paths: list[str] | None) -> None:
    assert problems(paths) == ()
    assert problems(None, [one for one in paths or [] if one[0] != "!"]) == ()


def reference(pattern: str, path: str) -> bool:  # noqa: PLR0911 - a rule a line
    """Match by trying every way, as slowly as the rules are plain."""
    if not pattern:
        return not path
    if pattern.startswith("**/"):
        rest = pattern[3:]
        return any(
            reference(rest, path[at:]) for at in range(len(path) + 1) if path[:at][-1:] in ("", "/")
        )
    if pattern.startswith("**"):
        return any(reference(pattern[2:], path[at:]) for at in range(len(path) + 1))
    if pattern[0] == "*":
        longest = len(path.split("/", maxsplit=1)[0])
        return any(reference(pattern[1:], path[at:]) for at in range(longest + 1))
    if pattern[1:2] == "?":
        rest = pattern[2:]
        return reference(rest, path) or (path[:1] == pattern[0] and reference(rest, path[1:]))
    if pattern[1:2] == "+":
        if path[:1] != pattern[0]:
            return False
        return reference(pattern, path[1:]) or reference(pattern[2:], path[1:])
    return path[:1] == pattern[0] and reference(pattern[1:], path[1:])


PIECES = st.lists(st.sampled_from(["a", "b", ".", "a?", "b+", "*", "**/", "/"]), max_size=6)
PATTERNS = PIECES.map("".join).filter(lambda text: "***" not in text and "/**/*" not in text)


@given(
    st.lists(st.tuples(st.booleans(), PATTERNS.filter(bool)), max_size=4),
    st.text("ab./", max_size=7),
)
def test_a_filter_agrees_with_a_slow_reference(signed: list[tuple[bool, str]], path: str) -> None:
    fit = [(yes, text) for yes, text in signed if at_folder(text) and not problems([text])]
    expected = False
    for yes, text in fit:
        if reference(text, path):
            expected = yes
    assert PathFilter([("" if yes else "!") + text for yes, text in fit]).matches(path) is expected


def at_folder(pattern: str) -> bool:
    """Leave out ``**/`` in the middle of a name: the cheat sheet does not say what it means."""
    return all(
        at == 0 or pattern[at - 1] == "/"
        for at in range(len(pattern))
        if pattern[at : at + 3] == "**/"
    )
