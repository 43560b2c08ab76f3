"""What a watcher tells and what it does not, on whatever this system watches with."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devloop.config.settings import Watch
from devloop.watch.ignore import Ignores
from tests.watch.watching import NOW, Eye, content, put, watching

DEFAULT = Watch()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    put(folder, "a.py", "src/b.py", "src/deep/c.py")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def known(eye: Eye) -> None:
    """Have the content of all files read, as it is after a quiet second."""
    for path in sorted(eye.known):
        full = eye.root / path
        if full.is_file() and not full.is_symlink():
            full.write_bytes(full.read_bytes())
    eye.seen()
    eye.unchanged.clear()


# what happens to files


def test_created_modified_and_deleted(root: Path) -> None:
    with watching(root) as eye:
        put(root, "new/x.py")
        assert eye.seen() == {"new/x.py": "created"}
        (root / "a.py").write_text("other")
        assert eye.seen() == {"a.py": "modified"}
        (root / "src/b.py").unlink()
        assert eye.seen() == {"src/b.py": "deleted"}


def test_nothing_is_told_of_reading_and_idling(root: Path) -> None:
    with watching(root) as eye:
        for _ in range(3):
            list(root.rglob("*"))
            (root / "src/b.py").read_text()
            os.utime(root / "src/b.py")
            subprocess.run(
                ["cat", "a.py", "src/deep/c.py"], cwd=root, check=True, capture_output=True
            )
        assert eye.seen() == {}
        assert eye.batches.empty()


def test_a_save_with_the_same_content_is_no_change(root: Path) -> None:
    with watching(root) as eye:
        known(eye)
        (root / "a.py").write_text("a.py")
        subprocess.run(["touch", "src/b.py"], cwd=root, check=True)
        assert eye.seen() == {}
        assert eye.unchanged == {"a.py", "src/b.py"}


def test_a_save_of_a_file_that_was_never_read_counts(root: Path) -> None:
    with watching(root) as eye:
        text = (root / "a.py").read_text()
        (root / "a.py").write_text(text)
        assert eye.seen() == {"a.py": "modified"}


def test_contents_are_read_in_the_background(root: Path) -> None:
    for path in ("a.py", "src/b.py"):
        os.utime(root / path, (1, 1))
    with watching(root) as eye:
        last = threading.Event()
        reader = eye.watcher._batcher._snapshot  # noqa: SLF001 - the only way to await it
        fill, reader.fill = reader.fill, lambda: fill() or last.set()  # type: ignore[method-assign]
        eye.seen()
        assert last.wait(30)
        (root / "a.py").write_text("a.py")
        (root / "src/b.py").write_text("else")
        assert eye.seen() == {"src/b.py": "modified"}
        assert eye.unchanged == {"a.py"}


def test_there_and_back_within_a_batch_is_no_change(root: Path) -> None:
    with watching(root, DEFAULT) as eye:
        known(eye)
        (root / "a.py").write_text("x")
        (root / "a.py").write_text("a.py")
        (root / "t").write_text("x")
        (root / "t").unlink()
        os.rename(root / "src", root / "lib")
        os.rename(root / "lib", root / "src")
        assert eye.seen() == {}


def test_a_write_without_a_close_counts_too(root: Path) -> None:
    with watching(root) as eye, (root / "a.py").open("r+") as stream:
        stream.write("longer than before")
        stream.flush()
        assert [change.path for change in eye.next()] == ["a.py"]
        stream.truncate(3)
        assert [change.path for change in eye.next()] == ["a.py"]


def test_a_mapped_file_counts_when_it_is_closed(root: Path) -> None:
    with watching(root) as eye:
        with (root / "a.py").open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as memory:
            memory[0:1] = b"X"
        assert eye.seen() == {"a.py": "modified"}


def test_a_hard_link_is_told_at_once(root: Path) -> None:
    with watching(root) as eye:
        os.link(root / "a.py", root / "hard.py")
        assert eye.seen() == {"hard.py": "created"}


# folders


def test_folders_moved_in_inside_and_out(root: Path, outside: Path) -> None:
    put(outside, "pkg/x.py", "pkg/sub/y.py")
    with watching(root) as eye:
        os.rename(outside / "pkg", root / "pkg")
        assert eye.seen() == {"pkg/x.py": "created", "pkg/sub/y.py": "created"}
        os.rename(root / "pkg", root / "src/pkg")
        assert eye.seen() == {
            "pkg/x.py": "deleted",
            "pkg/sub/y.py": "deleted",
            "src/pkg/x.py": "created",
            "src/pkg/sub/y.py": "created",
        }
        put(root, "src/pkg/sub/y.py", text="edited")
        assert eye.seen() == {"src/pkg/sub/y.py": "modified"}
        os.rename(root / "src/pkg", outside / "pkg")
        assert eye.seen() == {"src/pkg/x.py": "deleted", "src/pkg/sub/y.py": "deleted"}
        put(outside, "pkg/x.py", text="no longer ours")
        assert eye.seen() == {}


def test_an_edit_right_after_a_move_out_is_not_held_up(root: Path, outside: Path) -> None:
    with watching(root) as eye:
        for number in range(10):
            put(root, f"out{number}.txt")
            eye.seen()
            os.rename(root / f"out{number}.txt", outside / f"{number}")
            put(root, "a.py", text=f"edit {number}")
            assert eye.seen() == {f"out{number}.txt": "deleted", "a.py": "modified"}


def test_a_folder_and_its_name_swapped_with_another(root: Path) -> None:
    put(root, "one/x", "two/x", "two/y")
    with watching(root) as eye:
        known(eye)
        os.rename(root / "one", root / "tmp")
        os.rename(root / "two", root / "one")
        os.rename(root / "tmp", root / "two")
        found = eye.seen()
        assert found["one/y"] == "created"
        assert found["two/y"] == "deleted"
        put(root, "one/y", "two/x", text="edited")
        assert eye.seen() == {"one/y": "modified", "two/x": "modified"}


def test_a_file_becomes_a_folder_and_a_file_again(root: Path) -> None:
    with watching(root) as eye:
        (root / "a.py").unlink()
        put(root, "a.py/inner.py")
        assert eye.seen() == {"a.py": "deleted", "a.py/inner.py": "created"}
        put(root, "a.py/inner.py", text="edited")
        assert eye.seen() == {"a.py/inner.py": "modified"}
        shutil.rmtree(root / "a.py")
        put(root, "a.py")
        assert eye.seen() == {"a.py": "created", "a.py/inner.py": "deleted"}


def test_a_folder_becomes_a_link_to_a_folder(root: Path, outside: Path) -> None:
    put(outside, "b.py", "deep/c.py")
    with watching(root) as eye:
        shutil.rmtree(root / "src")
        os.symlink(outside, root / "src")
        assert eye.seen() == {"src": "created", "src/b.py": "deleted", "src/deep/c.py": "deleted"}
        put(outside, "b.py", text="not followed")
        assert eye.seen() == {}


# links and names


def test_links_that_are_broken_circular_and_swapped(root: Path) -> None:
    with watching(root) as eye:
        os.symlink("nowhere", root / "broken")
        os.symlink("circle", root / "circle")
        os.symlink("..", root / "src/up")
        os.symlink("a.py", root / "current")
        names = ["broken", "circle", "current", "src/up"]
        assert eye.seen() == dict.fromkeys(names, "created")
        os.symlink("src/b.py", root / "next")
        os.rename(root / "next", root / "current")
        assert eye.seen().get("current") == "modified"
        os.symlink("src/b.py", root / "next")
        os.rename(root / "next", root / "current")
        assert "current" not in eye.seen()
        for name in names:
            (root / name).unlink()
        assert eye.seen() == dict.fromkeys(names, "deleted")


def test_names_of_all_kinds(root: Path) -> None:
    names = [
        "ünï çödé.py",
        "new\nline",
        "[a-z]*.py",
        "-rf",
        "a b",
        "'\"\\",
        "\udcff\udcfe.bin",
        "x" * 255,
    ]
    with watching(root) as eye:
        for name in names:
            put(root, name, f"folder {name[:200]}/{name}", text="1")
        paths = [*names, *(f"folder {name[:200]}/{name}" for name in names)]
        assert eye.seen() == dict.fromkeys(paths, "created")
        put(root, *paths, text="2")
        assert eye.seen() == dict.fromkeys(paths, "modified")


def test_pipes_and_sockets_do_not_hold_anything_up(root: Path) -> None:
    with watching(root) as eye:
        os.mkfifo(root / "pipe")
        (root / "a.py").unlink()
        os.mkfifo(root / "a.py")
        assert eye.seen() == {"a.py": "deleted"}


# what is of no interest


def test_temporary_and_ignored_names_are_not_told(root: Path) -> None:
    put(root, ".gitignore", text="*.log\n/out/\n")
    put(root, "out/x")
    with watching(root, ignores=None) as eye:
        put(root, ".a.py.swp", "4913", "src/b.py~", ".#a.py", "#a.py#", "x.log", "out/y", "out/z/a")
        put(root, "node_modules/m/index.js", ".git/HEAD", ".venv/bin/x", ".devloop/state")
        put(root, "src/real.py")
        assert eye.seen() == {"src/real.py": "created"}


def test_an_ignore_file_edited_while_running(root: Path) -> None:
    put(root, "gen/x.py", "gen/deep/y.py", "a.log")
    with watching(root) as eye:
        put(root, ".gitignore", text="gen/\n")
        assert eye.seen() == {".gitignore": "created"}
        put(root, "gen/x.py", "gen/new.py", "gen/deep/y.py", text="ignored")
        assert eye.seen() == {}
        put(root, ".gitignore", text="*.log\n")
        assert eye.seen() == {".gitignore": "modified"}
        put(root, "gen/deep/y.py", "a.log", text="counts again, but for the log")
        assert eye.seen() == {"gen/deep/y.py": "modified"}
        eye.known.add("gen/new.py")
        put(root, "gen/new.py", text="was taken as it is")
        assert eye.seen() == {"gen/new.py": "modified"}
        (root / ".gitignore").unlink()
        assert eye.seen() == {".gitignore": "deleted"}
        put(root, "a.log", text="counts")
        assert eye.seen() == {"a.log": "modified"}


def test_a_folder_that_brings_its_own_ignore_file(root: Path, outside: Path) -> None:
    put(outside, "pkg/x.py", "pkg/out/y.py")
    put(outside, "pkg/.gitignore", text="out\n")
    with watching(root) as eye:
        os.rename(outside / "pkg", root / "pkg")
        assert eye.seen() == {"pkg/.gitignore": "created", "pkg/x.py": "created"}
        put(root, "pkg/out/y.py", text="ignored")
        assert eye.seen() == {}


def test_an_edit_in_the_same_batch_as_an_ignore_file_is_told(root: Path) -> None:
    with watching(root, DEFAULT) as eye:
        put(root, ".gitignore", text="*.log\n")
        put(root, "src/b.py", "src/new.py", "x.log", text="edited")
        assert eye.seen() == {
            ".gitignore": "created",
            "src/b.py": "modified",
            "src/new.py": "created",
        }


def test_what_is_always_watched_counts_in_an_ignored_folder(root: Path) -> None:
    put(root, "conf/env", "conf/other")
    ignores = Ignores(always=("conf/env", "later/x"), gitignores={"": "conf\nlater\n"})
    with watching(root, ignores=ignores) as eye:
        put(root, "conf/env", "conf/other", "later/x", "later/y", text="edited")
        assert eye.seen() == {"conf/env": "modified", "later/x": "created"}


def watches() -> int:
    """Count this process's inotify watches."""
    found = 0
    for name in os.listdir("/proc/self/fdinfo"):
        text = content(Path("/proc/self/fdinfo") / name) or b""
        found += text.count(b"inotify wd:")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="counts inotify watches")
def test_an_install_beside_the_watcher_adds_no_watch(root: Path) -> None:
    with watching(root) as eye:
        before = watches()
        assert before == 3
        for number in range(300):
            put(root, f"node_modules/p{number}/lib/index.js", f".git/objects/{number}/x")
        assert eye.seen() == {}
        assert watches() == before
        put(root, "src/x/y/z.py")
        assert eye.seen() == {"src/x/y/z.py": "created"}
        assert watches() == before + 2
        shutil.rmtree(root / "src")
        eye.seen()
        assert watches() == 1


@pytest.mark.skipif(sys.platform != "linux", reason="counts inotify watches")
def test_ignores_that_shut_folders_out_give_their_watches_back(root: Path) -> None:
    with watching(root) as eye:
        assert watches() == 3
        put(root, ".gitignore", text="src\n")
        eye.seen()
        assert watches() == 1


# batches


def test_a_burst_is_one_batch(root: Path) -> None:
    with watching(root, DEFAULT) as eye:
        put(root, *(f"src/gen/{number}.py" for number in range(300)))
        assert len(eye.next()) == 300


def test_a_branch_switch_is_one_batch(root: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    put(root, *(f"src/pkg{number}/x.py" for number in range(400)))
    (root / "a.py").unlink()
    git("add", "-A")
    git("commit", "-qm", "two")
    with watching(root, Watch(max_wait=60)) as eye:
        git("checkout", "-q", "main")
        first = eye.next()
        assert len(first) == 401
        assert eye.seen() == {}
        git("checkout", "-q", "other")
        assert len(eye.next()) == 401


def test_the_lock_of_gits_index_holds_a_batch_back(root: Path) -> None:
    lock = root / ".git/index.lock"
    put(root, ".git/index.lock")
    with watching(root, Watch(quiet=0.001, max_wait=60)) as eye:
        asked = threading.Event()
        real = os.path.lexists

        def lexists(path: str) -> bool:
            asked.set()
            return real(path)

        eye.watcher._batcher._exists = lexists  # noqa: SLF001
        put(root, "a.py", text="one")
        assert asked.wait(30)
        assert eye.batches.empty()
        put(root, "src/b.py", text="two")
        lock.unlink()
        assert eye.seen() == {"a.py": "modified", "src/b.py": "modified"}


def test_the_lock_of_a_work_tree_of_its_own(root: Path, outside: Path) -> None:
    put(root, ".git", text=f"gitdir: {outside}\n")
    put(outside, "index.lock")
    with watching(root, Watch(quiet=0.0, max_wait=0.05)) as eye:
        put(root, "a.py", text="one")
        assert [change.path for change in eye.next()] == ["a.py"]  # at the latest by max-wait


def test_saves_while_a_batch_is_worked_on_are_neither_lost_nor_doubled(root: Path) -> None:
    with watching(root) as eye:
        known(eye)
        entered, go = threading.Event(), threading.Event()
        keep = eye.watcher._batcher._wiring.batch  # noqa: SLF001

        def slow(*arguments: object) -> None:
            entered.set()
            assert go.wait(30)
            keep(*arguments)  # type: ignore[arg-type]

        object.__setattr__(eye.watcher._batcher._wiring, "batch", slow)  # noqa: SLF001
        put(root, "a.py", text="one")
        assert entered.wait(30)
        put(root, "a.py", text="two")
        put(root, "src/b.py", text="two")
        go.set()
        assert [change.path for change in eye.next()] == ["a.py"]
        assert eye.contents["a.py"] == b"two"
        assert eye.seen() == {"a.py": "modified", "src/b.py": "modified"}
        assert eye.batches.empty()


# editors


def vim(root: Path, name: str, text: str, copy: str) -> None:
    """Save as vim does with each value of backupcopy, by the calls that it makes."""
    swap = root / f".{name}.swp"
    swap.write_text("swap")
    if copy == "no":
        (root / "4913").write_text("")
        (root / "4913").unlink()
        os.rename(root / name, root / f"{name}~")
    else:
        shutil.copy2(root / name, root / f"{name}~")
    (root / name).write_text(text)
    (root / f"{name}~").unlink()
    swap.unlink()


def jetbrains(root: Path, name: str, text: str) -> None:
    (root / f"{name}___jb_tmp___").write_text(text)
    os.rename(root / name, root / f"{name}___jb_old___")
    os.rename(root / f"{name}___jb_tmp___", root / name)
    (root / f"{name}___jb_old___").unlink()


def sublime(root: Path, name: str, text: str) -> None:
    (root / ".sublAB12.tmp").write_text(text)
    os.rename(root / ".sublAB12.tmp", root / name)


def emacs(root: Path, name: str, text: str) -> None:
    os.symlink("user@host.1:2", root / f".#{name}")
    (root / f"#{name}#").write_text(text)
    os.rename(root / name, root / f"{name}~")
    (root / name).write_text(text)
    (root / f"#{name}#").unlink()
    (root / f".#{name}").unlink()


def in_place(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)


EDITORS = {
    "vim backupcopy=yes": lambda root, name, text: vim(root, name, text, "yes"),
    "vim backupcopy=no": lambda root, name, text: vim(root, name, text, "no"),
    "jetbrains safe write": jetbrains,
    "sublime atomic save": sublime,
    "emacs": emacs,
    "in place": in_place,
}


@pytest.mark.parametrize("editor", EDITORS)
def test_a_save_by_an_editor_is_one_batch_of_one_file(root: Path, editor: str) -> None:
    with watching(root, DEFAULT) as eye:
        for number in range(3):
            EDITORS[editor](root, "a.py", f"save {number}")
            assert [(change.path, change.kind.value) for change in eye.next()] == [
                ("a.py", "modified")
            ]
        assert eye.seen() == {}


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
@pytest.mark.parametrize("copy", ["yes", "no", "auto"])
def test_a_save_by_vim_itself(root: Path, copy: str) -> None:
    with watching(root, DEFAULT) as eye:
        command = ["vim", "-u", "NONE", "-es", f"+set backupcopy={copy} backup writebackup"]
        subprocess.run([*command, "+normal Ox", "+wq", "a.py"], cwd=root, check=True, timeout=30)
        assert [(change.path, change.kind.value) for change in eye.next()] == [("a.py", "modified")]
        assert eye.seen() == {}


# start, stop and settings


def test_a_save_right_after_the_start_and_before_the_stop(root: Path) -> None:
    for number in range(20):
        with watching(root) as eye:
            put(root, "src/deep/c.py", text=f"save {number}")
            assert [change.path for change in eye.next()] == ["src/deep/c.py"]


def test_no_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Eye(tmp_path / "none").watcher.start()


def test_the_root_deleted_ends_it_with_a_sentence(root: Path) -> None:
    with watching(root) as eye:
        shutil.rmtree(root)
        text, fatal = eye.trouble()
        assert fatal
        assert str(root) in text
        while eye.known:
            assert {change.kind.value for change in eye.next()} == {"deleted"}


def test_the_root_replaced_goes_on(root: Path, outside: Path) -> None:
    put(outside, "new/a.py", "new/other/x.py")
    with watching(root) as eye:
        os.rename(root, outside / "old")
        os.rename(outside / "new", root)
        while "other/x.py" not in eye.known or "src/b.py" in eye.known:
            eye.next()
        put(root, "other/x.py", text="edited")
        assert eye.seen() == {"other/x.py": "modified"}


def test_other_ignores_and_settings_while_running(root: Path) -> None:
    with watching(root) as eye:
        eye.watcher.reconfigure(Ignores(keep=("src",)), Watch(quiet=0.001))
        eye.seen()
        put(root, "src/b.py", "src/n.py", text="kept by the container")
        assert eye.seen() == {}
        eye.watcher.reconfigure(Ignores(), NOW)
        eye.seen()
        eye.known.add("src/n.py")
        put(root, "src/n.py", text="counts again")
        assert eye.seen() == {"src/n.py": "modified"}


def test_a_callback_that_fails_ends_it_with_a_sentence(root: Path) -> None:
    with watching(root) as eye:
        object.__setattr__(eye.watcher._batcher._wiring, "batch", None)  # noqa: SLF001
        put(root, "a.py", text="edited")
        text, fatal = eye.trouble()
        assert fatal
        assert "fault of devloop" in text
