from __future__ import annotations

from pathlib import Path

from devloop.project.git import Head, head

ONE, TWO = "a" * 40, "b" * 40


def made(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_a_branch_is_found_loose_before_packed(tmp_path: Path) -> None:
    files = {
        ".git/HEAD": "ref: refs/heads/x/y\n",
        ".git/packed-refs": f"# p\n{ONE} refs/heads/x/y\n",
    }
    assert head(made(tmp_path, files)) == Head(ONE, "refs/heads/x/y")
    made(tmp_path, {".git/refs/heads/x/y": f"{TWO}\n"})
    assert head(str(tmp_path)) == Head(TWO, "refs/heads/x/y")


def test_a_worktree_shares_the_branches(tmp_path: Path) -> None:
    files = {
        "w/.git": f"gitdir: {tmp_path}/m/.git/worktrees/w\n",
        "m/.git/worktrees/w/HEAD": "ref: refs/heads/x\n",
        "m/.git/worktrees/w/commondir": "../..\n",
        "m/.git/refs/heads/x": ONE,
    }
    assert head(made(tmp_path, files) + "/w") == Head(ONE, "refs/heads/x")


def test_a_commit_no_commit_no_repository(tmp_path: Path) -> None:
    assert head(str(tmp_path)) == Head()
    assert head(made(tmp_path, {".git/HEAD": ONE})) == Head(ONE)
    assert head(made(tmp_path, {".git/HEAD": "ref: refs/heads/new"})) == Head("", "refs/heads/new")
    assert head(made(tmp_path, {".git/HEAD": "ref: refs/../../x"})) == Head()
