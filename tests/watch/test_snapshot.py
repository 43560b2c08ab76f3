from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from devloop.model import Change
from devloop.watch import files, snapshot
from devloop.watch.files import MAX_HASHED
from devloop.watch.ignore import Ignores
from devloop.watch.snapshot import LATER, TreeSnapshot
from tests.watch.watching import put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "a.py", "src/b.py", "src/deep/c.py", "node_modules/x.js")
    return tmp_path


def taken(root: Path, ahead: int = 10**18, ignores: Ignores | None = None) -> TreeSnapshot:
    """Take a tree as it is; with that clock all files are old enough to be read."""
    found = TreeSnapshot(str(root), ignores or Ignores(), lambda: os.stat(root).st_ctime_ns + ahead)
    found.begin()
    return found


def filled(root: Path, ignores: Ignores | None = None) -> TreeSnapshot:
    found = taken(root, ignores=ignores)
    while found.fill() is not None:
        pass
    return found


def texts(changes: tuple[Change, ...]) -> list[str]:
    return [f"{change.kind.value} {change.path}" for change in changes]


def test_pruned_folders_are_not_known(root: Path) -> None:
    assert taken(root).count() == 3


def test_looks_give_differences_once(root: Path) -> None:
    some = taken(root)
    put(root, "a.py", "new.py", text="other")
    (root / "src/b.py").unlink()
    paths = ["a.py", "new.py", "src/b.py", "none"]
    changes, same = some.look(paths)
    assert texts(changes) == ["modified a.py", "created new.py", "deleted src/b.py"]
    assert same == ()
    assert some.look(paths) == ((), ("a.py", "new.py"))


def test_an_unread_file_counts_as_changed(root: Path) -> None:
    assert texts(taken(root).look(["a.py"])[0]) == ["modified a.py"]
    assert filled(root).look(["a.py"]) == ((), ("a.py",))


def test_files_are_read_small_ones_first(root: Path) -> None:
    put(root, "a.py", text="x" * 1000)
    some = taken(root)
    assert some.fill() == 0.0
    assert some.look(["src/b.py"])[0] == ()
    assert some.fill() == 0.0
    assert texts(some.look(["a.py"])[0]) == ["modified a.py"]
    assert some.fill() is None  # the look has read it


def test_a_young_file_is_read_later(root: Path) -> None:
    some = taken(root, ahead=-10)
    assert some.fill() == LATER
    some._clock = lambda: os.stat(root).st_ctime_ns + 10**18  # noqa: SLF001
    assert some.fill() == 0.0
    while some.fill() is not None:
        pass
    assert some.look(["a.py", "src/b.py"]) == ((), ("a.py", "src/b.py"))


def test_a_file_from_the_future_is_not_tried_for_ever(root: Path) -> None:
    assert taken(root, ahead=-(10**12)).fill() is None


def test_a_file_that_changed_before_it_was_read_stays_unread(root: Path) -> None:
    some = taken(root)
    put(root, "a.py", text="an event is on its way")
    (root / "src/b.py").unlink()
    shutil.rmtree(root / "src/deep")
    some._look_through("src/deep")  # noqa: SLF001 - what a filled list still names is gone
    while some.fill() is not None:
        pass
    assert texts(some.look(["a.py", "src/b.py"])[0])[:1] == ["modified a.py"]


def test_a_file_that_changes_while_it_is_read_stays_unread(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = taken(root)
    real = files.digest

    def meanwhile(path: str, info: os.stat_result) -> bytes | None:
        found = real(path, info)
        Path(path).write_text("written meanwhile, and longer")
        return found

    monkeypatch.setattr(files, "digest", meanwhile)
    while some.fill() is not None:
        pass
    monkeypatch.undo()
    assert texts(some.look(["a.py"])[0]) == ["modified a.py"]


def test_a_list_of_unread_files_may_be_outdated(root: Path) -> None:
    some = taken(root)
    assert some.fill() == 0.0
    os.rename(root / "src", root.parent / f"{root.name}-away")
    some.look([], ["src"])
    (root / "a.py").unlink()
    some.look(["a.py"])
    assert some.fill() is None


def test_large_files_are_not_read(root: Path) -> None:
    (root / "large").write_bytes(b"x" * (MAX_HASHED + 1))
    (root / "just").write_bytes(b"x" * MAX_HASHED)
    some = filled(root)
    changes, same = some.look(["large", "just"])
    assert texts(changes) == ["modified large"]
    assert same == ("just",)


def test_a_file_that_grows_while_it_is_read_counts(root: Path) -> None:
    (root / "large").write_bytes(b"x" * (MAX_HASHED + 1))
    info = os.lstat(root / "a.py")
    assert files.digest(str(root / "large"), info) is None
    assert files.digest(str(root / "none"), info) is None
    assert files.digest(str(root / "a.py"), info) is not None
    os.symlink("a.py", root / "link")
    assert files.digest(str(root / "link"), info) is None  # not followed


def test_very_many_new_files_are_read_in_the_background(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "AT_ONCE", 2)
    some = filled(root)
    put(root, "n/1", "n/2", "n/3", "n/4")
    assert len(some.look([], ["n"])[0]) == 4
    while some.fill() is not None:
        pass
    put(root, "n/1", "n/2", "n/3", "n/4")
    assert some.look(["n/1", "n/2", "n/3", "n/4"]) == ((), ("n/1", "n/2", "n/3", "n/4"))


def test_a_look_through_a_folder_gives_all_that_differs(root: Path) -> None:
    some = filled(root)
    put(root, "src/b.py", text="other")
    put(root, "src/new/d.py", "src/node_modules/e.js")
    shutil.rmtree(root / "src/deep")
    os.utime(root / "a.py")
    changes, same = some.look([], ["", "src", "src/new"])
    assert texts(changes) == ["modified src/b.py", "deleted src/deep/c.py", "created src/new/d.py"]
    assert same == ()


def test_a_racy_file_is_read_again_by_a_look_through(root: Path) -> None:
    some = taken(root, ahead=0)
    some.look(["a.py"])
    info = os.stat(root / "a.py")
    with (root / "a.py").open("r+b") as stream:
        stream.write(b"A")
    entry = some._top.files["a.py"]  # noqa: SLF001 - as if the clock had not gone on
    stamp = files.stamp(os.stat(root / "a.py"))
    some._top.files["a.py"] = snapshot.TreeEntry(stamp, entry.digest, entry.racy)  # noqa: SLF001
    assert info.st_size == stamp[3]
    assert texts(some.look([], [""])[0]) == ["modified a.py"]


def test_files_below_an_unknown_folder_are_found_from_its_top(root: Path) -> None:
    some = filled(root)
    put(root, "x/y/z/deep.py", "x/other.py")
    assert texts(some.look(["x/y/z/deep.py"])[0]) == ["created x/other.py", "created x/y/z/deep.py"]
    put(root, "p/q/r.py")
    assert texts(some.look([], ["p/q"])[0]) == ["created p/q/r.py"]
    assert some.look([], ["none/of/these", "none"]) == ((), ())


def test_a_root_that_is_gone_has_no_files(root: Path) -> None:
    some = filled(root)
    shutil.rmtree(root)
    assert texts(some.look([], [""])[0]) == [
        "deleted a.py",
        "deleted src/b.py",
        "deleted src/deep/c.py",
    ]


def test_an_unreadable_folder_stays_as_it_was_known(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = filled(root)
    real = files.listing

    def refuse(folder: str) -> object:
        if folder.endswith("src"):
            raise PermissionError
        return real(folder)

    monkeypatch.setattr(files, "listing", refuse)
    assert some.look([], [""]) == ((), ())
    assert some.count() == 3


def test_other_ignores_let_in_what_is_there(root: Path) -> None:
    some = filled(root, Ignores(gitignores={"": "src\n*.log\n"}))
    put(root, "x.log", text="ignored")
    put(root, "a.py", text="edited meanwhile")
    assert texts(some.reload(Ignores(gitignores={"": "a.txt\n"}))) == ["modified a.py"]
    assert some.count() == 4
    put(root, "src/b.py", text="edited")
    assert texts(some.look(["src/b.py"])[0]) == ["modified src/b.py"]
    assert some.reload(Ignores(keep=("src",))) == ()
    assert some.count() == 2


def test_ignored_files_are_neither_read_nor_told(root: Path) -> None:
    put(root, "x.log")
    some = filled(root, Ignores(gitignores={"": "*.log\n"}))
    put(root, "x.log", text="longer than before")
    assert some.look([], [""]) == ((), ())
    (root / "x.log").unlink()
    assert some.look(["x.log"]) == ((), ())


def test_a_name_with_a_zero_byte_is_nothing(root: Path) -> None:
    assert taken(root).look(["a\0b"]) == ((), ())
