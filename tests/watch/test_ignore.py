from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devloop.watch import tree
from devloop.watch.ignore import Ignores


def git(text: str, **more: str) -> Ignores:
    return Ignores(gitignores={"": text, **more})


@pytest.mark.parametrize(
    "path",
    [
        ".git",
        ".git/index",
        "sub/.git/HEAD",
        ".hg/store",
        ".svn/x",
        ".jj/x",
        ".bzr/x",
        "CVS/Root",
        ".devloop/state.json",
        "node_modules/a/index.js",
        "packages/a/node_modules/b.js",
        "__pycache__/a.pyc",
        "src/__pycache__/a.pyc",
        ".venv/bin/python",
        # editors
        "4913",
        "src/4913",
        "a.py~",
        "src/.a.py.swp",
        ".a.swo",
        ".a.swx",
        ".#a.py",
        "#a.py#",
        "a.py___jb_tmp___",
        "a.py___jb_old___",
        ".goutputstream-ABC",
        ".a.py.kate-swp",
    ],
)
def test_built_in_names_are_ignored(path: str) -> None:
    assert Ignores().ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        "a.py",
        ".env",
        "49130",
        "a~b",
        "a.swp",
        "#a",
        "git/x",
        "src/devloop",
        ".gitignore",
        ".github/x",
    ],
)
def test_like_names_are_not(path: str) -> None:
    assert not Ignores().ignored(path)


def test_folders_that_are_pruned() -> None:
    some = Ignores(keep=("vendor", "./build/", "packages/a/dist", "", ".", "../x"))
    pruned = [".git", "a/.hg", "node_modules", "a/b/node_modules", "vendor", "vendor/x", "build"]
    assert [folder for folder in pruned if not some.prunes(folder)] == []
    kept = ["src", "packages/a", "packages/b/dist", "a/vendor", "nodes", ".github", "x"]
    assert [folder for folder in kept if some.prunes(folder)] == []
    assert some.ignored("vendor/x.rb")
    assert some.ignored("packages/a/dist/x")
    assert not some.ignored("packages/a/x")


# .gitignore

SCOPES = [
    # text, ignored files, files that count, pruned folders, folders that are walked
    ("*.log\n!keep.log\n", ["a.log", "x/a.log"], ["keep.log", "a.txt"], [], ["x", "a"]),
    ("/dist\n", ["dist/x", "dist"], ["a/dist/x"], ["dist"], ["a/dist"]),
    ("out/\n", ["out/x", "a/out/x"], ["out"], ["out", "a/out"], ["a"]),
    ("a/b\n", ["a/b", "a/b/c"], ["x/a/b"], ["a/b"], ["a", "x/a/b"]),
    ("**/gen/**\n", ["a/gen/x"], ["a/gen"], ["a/gen/x"], ["a/gen", "a"]),
    # allow-lists
    ("*\n!src/**\n", ["a.py", "docs/x"], ["src/a.py", "src/b/c.py"], ["docs"], ["src", "src/b"]),
    ("/*\n!/src/\n", ["a.py"], ["src/a", "src/b/c"], ["docs"], ["src", "src/b"]),
    ("*\n!*/\n!*.py\n", ["a.txt", "b/a.txt"], ["a.py", "b/c/a.py"], [], ["b", "b/c"]),
    ("/*\n!/src\n/src/*\n!/src/app\n", ["src/x"], ["src/app/x"], ["src/lib"], ["src", "src/app"]),
    (
        "src/**\n!src/keep/\n!src/keep/**\n",
        ["src/a"],
        ["src/keep/a"],
        ["src/x"],
        ["src", "src/keep"],
    ),
    # a file below an excluded folder cannot be taken back, as in git
    ("build/\n!build/keep.txt\n", ["build/keep.txt"], [], ["build"], []),
    ("node\n!*.py\n", ["node/a.py"], ["a.py"], ["node"], []),
    ("build/\n!/src\n", ["src/build/x"], ["src/x"], ["src/build"], ["src"]),
    # reading
    ("# a\n\\#b\n\\!c\n\n/\n", ["#b", "!c"], ["# a", "b", "c"], [], []),
    ("\ufeff*.log\r\nx y\r\n", ["a.log", "x y"], ["a.log\r"], [], []),
    ("[z-a]\n!\n***x\n*.o\n", ["a.o"], ["b"], [], []),
]


@pytest.mark.parametrize(("text", "ignored", "counts", "pruned", "walked"), SCOPES)
def test_gitignore(
    text: str, ignored: list[str], counts: list[str], pruned: list[str], walked: list[str]
) -> None:
    some = git(text)
    assert [path for path in ignored if not some.ignored(path)] == []
    assert [path for path in counts if some.ignored(path)] == []
    assert [path for path in pruned if not some.prunes(path)] == []
    assert [path for path in walked if some.prunes(path)] == []


def test_the_deepest_gitignore_decides() -> None:
    some = Ignores(gitignores={"": "*.log\nb/\n", "a": "!x.log\n*.tmp\n", "a/b": "!*.tmp\n"})
    assert some.ignored("x.log")
    assert not some.ignored("a/x.log")
    assert some.ignored("a/y.log")
    assert not some.ignored("y.tmp")
    assert some.ignored("a/y.tmp")
    assert some.prunes("a/b")  # what lies in it is not even read
    assert some.ignored("a/b/y.tmp")


def test_a_gitignore_itself_counts_unless_its_folder_is_pruned() -> None:
    some = git("*\n")
    assert not some.ignored(".gitignore")
    assert some.ignored("a/.gitignore")
    assert some.ignored("node_modules/.gitignore")


def test_other_gitignores_change_nothing_else() -> None:
    before = Ignores(keep=("k",), always=("a",), gitignores={"": "x"})
    after = before.with_gitignores({"": "y"})
    assert (after.keep, after.always) == (("k",), ("a",))
    assert after.ignored("y")
    assert not after.ignored("x")
    assert before.ignored("x")


# always

ALWAYS = ("package.json", "prisma/schema.prisma", "conf", "*.toml", "a/*/x.json", "lib/**", ".")


def test_what_is_named_always_counts() -> None:
    some = Ignores(keep=("kept",), always=(*ALWAYS, "kept/one.txt"), gitignores={"": "*\n!/src/\n"})
    counts = [
        "package.json",
        "prisma/schema.prisma",
        "conf/a/b.yaml",
        "x.toml",
        "a/b/x.json",
        "lib/a/b/c",
        "kept/one.txt",
    ]
    assert [path for path in counts if some.ignored(path)] == []
    ignored = ["x.json", "prisma/x", "sub/x.toml", "a/b/y.json", "a/b/c/x.json", "kept/two.txt"]
    assert [path for path in ignored if not some.ignored(path)] == []
    walked = ["prisma", "conf", "conf/a", "a", "a/b", "lib", "lib/a/b", "kept"]
    assert [path for path in walked if some.prunes(path)] == []
    pruned = ["docs", "prisma/sub", "a/b/c", "kept/sub"]
    assert [path for path in pruned if not some.prunes(path)] == []
    assert some.names("x.toml")
    assert not some.names("conf/a")


def test_nothing_below_git_or_devloop_ever_counts() -> None:
    some = Ignores(always=(".git/config", ".devloop/x", "**", ".git"))
    assert some.ignored(".git/config")
    assert some.prunes(".git")
    assert some.ignored(".devloop/x")
    assert not some.ignored("x")


def test_a_wildcard_does_not_lead_into_folders_that_tools_fill() -> None:
    some = Ignores(always=("packages", "**/package.json", "*/*.json"), gitignores={"": "target/\n"})
    assert some.prunes("node_modules")
    assert some.prunes("packages/a/node_modules")
    assert some.ignored("packages/a/node_modules/b/package.json")
    assert some.ignored("node_modules/x.json")
    assert not some.ignored("packages/a/package.json")
    assert not some.prunes("target")
    assert some.prunes("target/deep")
    assert some.ignored("target/x.o")
    literal = Ignores(always=("node_modules/patched/index.js",))
    assert not literal.prunes("node_modules")
    assert not literal.prunes("node_modules/patched")
    assert literal.prunes("node_modules/other")
    assert not literal.ignored("node_modules/patched/index.js")
    assert literal.ignored("node_modules/patched/other.js")


@pytest.mark.parametrize(
    ("pattern", "match", "other"),
    [
        ("a?c", "abc", "ac"),
        ("[a-c].txt", "b.txt", "d.txt"),
        ("[!a].txt", "b.txt", "a.txt"),
        ("[^a].txt", "b.txt", "a.txt"),
        ("\\*.txt", "*.txt", "a.txt"),
        ("[b-a]", "[b-a]", "a"),
        ("[", "[", "a"),
        ("./x//y/", "x/y", "x"),
        ("/x", "x", "y"),
        ("x/**/y", "x/a/b/y", "x/a"),
        ("x/**/y", "x/y", "xy"),
        ("a.b", "a.b", "acb"),
    ],
)
def test_patterns_are_those_of_a_dockerfile(pattern: str, match: str, other: str) -> None:
    some = Ignores(always=(pattern,), gitignores={"": "*"})
    assert not some.ignored(match)
    assert some.ignored(other)


def test_answers_stay_right_when_very_many_folders_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devloop.watch.ignore.FOLDERS_KNOWN", 3)
    some = git("x/\n")
    for _ in range(2):
        assert [some.prunes(folder) for folder in "abcdex"] == [False] * 5 + [True]


# against git

NAMES = st.sampled_from(["a", "b", "src", "x.py", "y.log"])
PLAIN = ["a", "/a", "a/", "*.log", "src/*", "/*", "*", "**/b", "a/**", "b/**/x.py", "/src/a/"]
BACK = ["!a", "!a/", "!*.log", "!src/x.py", "!/src", "!*/", "!x.py"]
LINES = st.sampled_from([*PLAIN, *BACK])


def shown_by_git(root: Path) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-o", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return {name for name in listed.stdout.decode().split("\0") if name}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@settings(max_examples=60, deadline=None)
@given(
    files=st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8),
    texts=st.dictionaries(
        st.sampled_from(["", "a", "src"]), st.lists(LINES, max_size=4).map("\n".join), max_size=2
    ),
)
def test_what_git_shows_is_never_ignored(
    files: list[str], texts: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("git")
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    for path in files:
        target = root / path
        if not any(parent.is_file() for parent in target.parents) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("")
    for folder, text in texts.items():
        if (root / folder).is_dir():
            (root / folder / ".gitignore").write_text(text)
    some = tree.load_ignores(str(root))
    shown = shown_by_git(root)
    assert {path for path in shown if some.ignored(path)} == set()
    every = set(tree.walk(str(root), lambda folder: folder == ".git"))
    assert {path for path in every - shown if not some.ignored(path)} - GITIGNORES == set()


GITIGNORES = {".gitignore", "a/.gitignore", "src/.gitignore"}
"""They count even where git ignores them: an edit must be seen."""


# the walk that reads them


def test_gitignores_are_read_where_they_count(tmp_path: Path) -> None:
    for folder, text in {"": "b/\n", "a": "*.x\n", "b": "*.y\n", "node_modules/m": "z\n"}.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / ".gitignore").write_text(text)
    some = tree.load_ignores(str(tmp_path), ("k",), ("n",))
    assert dict(some.gitignores) == {"": "b/\n", "a": "*.x\n"}
    assert (some.keep, some.always) == (("k",), ("n",))


def test_a_gitignore_of_other_bytes_is_read(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9\n")
    assert tree.load_ignores(str(tmp_path)).ignored("caf\udce9")


def test_a_folder_in_the_place_of_a_gitignore_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").mkdir()
    assert tree.load_ignores(str(tmp_path)).gitignores == {}


def test_folders_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "node_modules" / "b").mkdir(parents=True)
    assert tree.count_folders(str(tmp_path), Ignores().prunes) == 3
