"""The tables of moby's pattern matcher, as (pattern, path, matches)."""

from __future__ import annotations

import pytest

from devloop.image import ignorefile

TABLE = [
    ("**", "file", True),
    ("**", "file/", True),
    ("**/", "file", True),
    ("**/**", "dir/file", True),
    ("dir/**", "dir/file", True),
    ("dir/**", "dir/dir2/file", True),
    ("**/dir", "dir", True),
    ("**/dir", "dir/file", True),
    ("**/dir2/*", "dir/dir2/file", True),
    ("**/dir2/*", "dir/dir2/dir2/file", True),
    ("**file", "file", True),
    ("**file", "dir/file", True),
    ("**/file", "dir/dir/file", True),
    ("**/file*", "dir/dir/file.txt", True),
    ("**/file*txt", "dir/dir/file.txt", True),
    ("**/file*.txt", "dir/dir/file.txt", True),
    ("**/**/*.txt", "dir/dir/file.txt", True),
    ("**/**/*.txt2", "dir/dir/file.txt", False),
    ("**/*.txt", "file.txt", True),
    ("a**/*.txt", "a/file.txt", True),
    ("a**/*.txt", "a/dir/dir/file.txt", True),
    ("a/*.txt", "a/dir/file.txt", False),
    ("a/*.txt", "a/file.txt", True),
    ("a[b-d]e", "ae", False),
    ("a[b-d]e", "ace", True),
    ("abc.def", "abcdef", False),
    ("abc.def", "abc.def", True),
    ("abc?def", "abcZdef", True),
    ("abc?def", "abcdef", False),
    ("a\\\\", "a\\", True),
    ("**/foo/bar", "foo/bar", True),
    ("**/foo/bar", "dir/foo/bar", True),
    ("abc/**", "abc", False),
    ("abc/**", "abc/def/ghi", True),
    ("**/.foo", ".foo", True),
    ("**/.foo", "bar.foo", False),
    ("a(b)c/def", "a(b)c/def", True),
    ("a(b)c/def", "a(b)c/xyz", False),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
    ("/dir", "dir/x", True),
    ("dir/../file", "file", True),
    ("[", "x", False),
    ("a[[]b", "a[b", True),
    ("[!a]x", "bx", True),
    ("[^a]x", "ax", False),
    ("[z-a]", "b", False),
]


@pytest.mark.parametrize(("pattern", "path", "matches"), TABLE)
def test_moby_table(pattern: str, path: str, matches: bool) -> None:
    assert ignorefile.parse(pattern).matches(path.rstrip("/")) is matches


@pytest.mark.parametrize(
    ("text", "ignored", "kept"),
    [
        ("*\n!src\n", ["a", "b/c"], ["src", "src/x"]),
        ("**/node_modules\n", ["node_modules/x", "a/node_modules/y"], ["nodes"]),
        ("docs\n!docs/README.md\n", ["docs/a"], ["docs/README.md"]),
        ("!a\na\n", ["a"], []),
        ("# c\n\n  *.log  \n!\n", ["x.log"], ["# c", "y"]),
        ("\ufeff*.tmp\n", ["a.tmp"], ["a"]),
    ],
)
def test_order_exceptions_and_comments(text: str, ignored: list[str], kept: list[str]) -> None:
    found = ignorefile.parse(text)
    assert [path for path in ignored if not found.matches(path)] == []
    assert [path for path in kept if found.matches(path)] == []


@pytest.mark.parametrize(
    ("text", "folder", "prunes"),
    [
        ("docs\n", "docs", True),
        ("docs\n!docs/a\n", "docs", False),
        ("docs\n!other\n", "docs", True),
        ("*\n!**/keep\n", "docs", False),
        ("*\n!d*s/x\n", "docs", False),
        ("a\n", "b", False),
    ],
)
def test_what_a_walk_may_skip(text: str, folder: str, prunes: bool) -> None:
    assert ignorefile.parse(text).prunes(folder) is prunes
