"""The watches themselves, without threads: what one read of the kernel's queue asks for."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devloop.watch import kernel as queue
from devloop.watch.debounce import Seen
from devloop.watch.ignore import Ignores
from devloop.watch.inotify import Inotify
from devloop.watch.kernel import ExhaustedError
from tests.watch.watching import put

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux")

DEPTH = 1200
"""More folders in each other than Python has frames."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "project/a.py", "project/src/deep/c.py", "project/lib/d.py", "outside/x.py")
    return tmp_path / "project"


@pytest.fixture
def unreadable() -> list[str]:
    return []


@pytest.fixture
def kernel(root: Path, unreadable: list[str]) -> Iterator[Inotify]:
    found = Inotify(str(root), Ignores(), unreadable.append)
    found.begin()
    yield found
    found.close()


def folders(kernel: Inotify) -> set[str]:
    return {node.path for node in kernel._watches._nodes.values()}  # noqa: SLF001


def wds(kernel: Inotify) -> dict[str, int]:
    return {node.path: wd for wd, node in kernel._watches._nodes.items()}  # noqa: SLF001


def read(kernel: Inotify) -> Seen:
    return kernel.read()


def test_every_folder_that_counts_is_watched(kernel: Inotify) -> None:
    assert folders(kernel) == {"", "src", "src/deep", "lib"}
    assert kernel.count() == 4
    assert read(kernel) == Seen()


def test_several_events_on_a_file_are_one(kernel: Inotify, root: Path) -> None:
    put(root, "a.py", text="x")
    with (root / "b.py").open("w") as stream:
        stream.write("open")
        stream.flush()
        assert read(kernel) == Seen(closed=("a.py",), open=("b.py",))
    assert read(kernel) == Seen(closed=("b.py",))


def test_links_are_whole_at_once(kernel: Inotify, root: Path) -> None:
    os.symlink("x", root / "soft")
    os.link(root / "a.py", root / "hard")
    os.mknod(root / "gone")
    (root / "gone").unlink()
    os.mknod(root / "empty")
    assert read(kernel) == Seen(closed=("soft", "hard", "gone"), open=("empty",))


def test_a_rename_keeps_the_watches(kernel: Inotify, root: Path) -> None:
    before = wds(kernel)
    os.rename(root / "src", root / "lib/src")
    found = read(kernel)
    assert set(found.folders) == {"src", "lib/src"}
    after = wds(kernel)
    assert after["lib/src/deep"] == before["src/deep"]
    put(root, "lib/src/deep/c.py", text="x")
    assert read(kernel) == Seen(closed=("lib/src/deep/c.py",))


def test_a_move_out_gives_the_watches_back(kernel: Inotify, root: Path) -> None:
    os.rename(root / "src", root.parent / "outside/src")
    assert read(kernel) == Seen(folders=("src",))
    assert folders(kernel) == {"", "lib"}
    put(root.parent, "outside/src/deep/c.py")
    assert read(kernel) == Seen()


def test_a_rename_to_an_ignored_name_is_a_move_out(kernel: Inotify, root: Path) -> None:
    os.rename(root / "src", root / "node_modules")
    assert read(kernel) == Seen(folders=("src",))
    assert folders(kernel) == {"", "lib"}
    os.rename(root / "node_modules", root / "src")
    assert read(kernel) == Seen(folders=("src",))
    assert folders(kernel) == {"", "src", "src/deep", "lib"}


def test_a_rename_over_an_empty_folder(kernel: Inotify, root: Path) -> None:
    (root / "empty").mkdir()
    read(kernel)
    os.rename(root / "src", root / "empty")
    read(kernel)
    assert folders(kernel) == {"", "lib", "empty", "empty/deep"}


def test_folders_made_deeper_and_deeper(kernel: Inotify, root: Path) -> None:
    put(root, "n/b/c/d/e.py")
    assert read(kernel).folders == ("n",)
    assert {"n", "n/b", "n/b/c", "n/b/c/d"} < folders(kernel)
    put(root, "n/b/c/d/e.py", text="x")
    assert read(kernel) == Seen(closed=("n/b/c/d/e.py",))


def test_a_folder_that_is_gone_when_its_event_is_read(kernel: Inotify, root: Path) -> None:
    put(root, "n/b/x")
    shutil.rmtree(root / "n")
    assert set(read(kernel).folders) == {"n"}
    assert folders(kernel) == {"", "src", "src/deep", "lib"}


def test_stale_names_come_right(kernel: Inotify, root: Path) -> None:
    """Several renames before the first is read: every event finds a tree that went on."""
    put(root, "n/x")
    read(kernel)
    for number in range(5):
        os.rename(root / "n", root / f"n{number}")
        (root / "n").mkdir()
        os.rename(root / f"n{number}", root / f"n/in{number}")
        os.rename(root / f"n/in{number}", root / "lib/t")
        (root / "n").rmdir()
        os.rename(root / "lib/t", root / "n")
    os.rename(root / "n", root / "lib/n")
    read(kernel)
    assert folders(kernel) == {"", "src", "src/deep", "lib", "lib/n"}
    put(root, "lib/n/x", text="edited")
    assert read(kernel) == Seen(closed=("lib/n/x",))


def test_a_folder_and_the_one_in_it_change_places(kernel: Inotify, root: Path) -> None:
    os.rename(root / "src/deep", root / "deep")
    os.rename(root / "src", root / "deep/src")
    read(kernel)
    assert folders(kernel) == {"", "lib", "deep", "deep/src"}
    os.rename(root / "deep/src", root / "src")
    os.rename(root / "deep", root / "src/deep")
    read(kernel)
    put(root, "src/deep/c.py", "src/y", text="x")
    assert set(read(kernel).closed) == {"src/deep/c.py", "src/y"}


def test_a_pair_of_moves_split_by_a_read(
    kernel: Inotify, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "BUFFER", 32)  # room for one event
    os.rename(root / "src", root / "moved")
    assert read(kernel) == Seen(folders=("src",))
    assert read(kernel) == Seen(folders=("moved",))
    monkeypatch.undo()
    put(root, "moved/deep/c.py", text="x")
    assert "moved/deep/c.py" in read(kernel).closed


def test_other_ignores_add_and_remove_watches(kernel: Inotify) -> None:
    before = wds(kernel)
    kernel.reload(Ignores(keep=("src",)))
    assert folders(kernel) == {"", "lib"}
    assert wds(kernel)["lib"] == before["lib"]
    kernel.reload(Ignores(keep=("lib",)))
    assert folders(kernel) == {"", "src", "src/deep"}
    kernel.close()
    kernel.reload(Ignores())  # too late: nothing happens
    kernel.wake()


def test_a_root_that_is_gone(kernel: Inotify, root: Path) -> None:
    os.rename(root, root.parent / "away")
    assert read(kernel).gone
    with pytest.raises(FileNotFoundError):
        Inotify(str(root), Ignores(), print).begin()


def test_a_queue_that_overflows_asks_for_a_look_at_everything(kernel: Inotify, root: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(limit // 4 + 1):
        put(root, "a.py", "lib/d.py")
    put(root, "new/x.py")
    reads = [read(kernel) for _ in range(limit)]  # what had room in the queue comes first
    assert reads.count(Seen(folders=("",))) == 1
    assert "new" in folders(kernel)
    assert read(kernel) == Seen()
    put(root, "new/x.py", text="x")
    assert read(kernel) == Seen(closed=("new/x.py",))


def test_a_replaced_root_is_noticed_in_an_overflow(
    kernel: Inotify, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(root)
    real = kernel._kernel.events  # noqa: SLF001
    lost = iter([[(-1, queue.OVERFLOW, 0, "")]])
    monkeypatch.setattr(
        kernel._kernel,  # noqa: SLF001
        "events",
        lambda: iter(next(lost, list(real()))),
    )
    assert read(kernel) == Seen(folders=("",), gone=True)


@pytest.mark.slow
def test_depth_is_no_matter(root: Path, unreadable: list[str]) -> None:
    deep = "/".join(["d"] * DEPTH)
    subprocess.run(["mkdir", "-p", deep], cwd=root, check=True)
    kernel = Inotify(str(root), Ignores(gitignores={"": "x"}), unreadable.append)
    kernel.begin()
    (root / deep / "x.py").write_text("x")
    assert read(kernel) == Seen(closed=(f"{deep}/x.py",))
    kernel.close()
    assert unreadable == []
    subprocess.run(["rm", "-rf", "d"], cwd=root, check=True)


def test_an_unreadable_folder_is_named_once(
    kernel: Inotify, root: Path, unreadable: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real_add, real_scan = kernel._kernel.add, os.scandir  # noqa: SLF001

    def add(full: str, mask: int) -> int:
        if full.endswith("secret"):
            raise PermissionError(errno.EACCES, "no")
        return real_add(full, mask)

    def scan(full: str) -> object:
        if full.endswith("hidden"):
            raise PermissionError(errno.EACCES, "no")
        return real_scan(full)

    monkeypatch.setattr(kernel._kernel, "add", add)  # noqa: SLF001
    monkeypatch.setattr(os, "scandir", scan)
    (root / "secret").mkdir()
    (root / "hidden").mkdir()
    read(kernel)
    kernel.reload(Ignores())
    assert sorted(unreadable) == ["hidden", "secret"]
    assert "secret" not in folders(kernel)
    assert "hidden" in folders(kernel)


def test_a_folder_found_by_a_scan_before_its_event_is_read(
    kernel: Inotify, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = kernel._kernel.add  # noqa: SLF001
    calls: list[str] = []

    def add(full: str, mask: int) -> int:
        calls.append(os.path.relpath(full, root))
        if calls.count("n/c") == 2:
            raise FileNotFoundError(errno.ENOENT, "gone for a moment")
        wd = real(full, mask)
        if calls == ["n"]:
            (root / "n/c").mkdir()
        return wd

    monkeypatch.setattr(kernel._kernel, "add", add)  # noqa: SLF001
    (root / "n").mkdir()
    read(kernel)
    before = wds(kernel)["n/c"]
    assert read(kernel).folders == ("n/c",)
    assert calls == ["n", "n/c", "n/c", "n/c"]
    assert wds(kernel)["n/c"] == before
    (root / "n/d").mkdir()
    put(root, "n/d/x")
    read(kernel)
    assert calls[4:] == ["n/d"]


def test_a_folder_that_goes_while_it_is_listed(
    kernel: Inotify, root: Path, unreadable: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scan(full: str) -> object:
        if full.endswith("/n"):
            raise FileNotFoundError(errno.ENOENT, "gone")
        return real(full)

    monkeypatch.setattr(os, "scandir", scan)
    (root / "n").mkdir()
    assert read(kernel).folders == ("n",)
    assert unreadable == []


def test_the_kernels_limits_have_an_error_of_their_own(
    kernel: Inotify, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([-1, -1, 7, -1])
    numbers = iter([errno.ENOSPC, errno.EINTR, errno.EACCES])
    monkeypatch.setattr(ctypes, "get_errno", lambda: next(numbers))

    def call() -> int:
        return kernel._kernel._call(lambda: next(answers))  # noqa: SLF001

    with pytest.raises(ExhaustedError) as caught:
        call()
    assert caught.value.number == errno.ENOSPC
    assert call() == 7  # after an interruption
    with pytest.raises(PermissionError):
        call()


def test_waiting_ends_by_an_event_or_by_a_wake(kernel: Inotify, root: Path) -> None:
    put(root, "a.py", text="x")
    assert kernel.wait()
    kernel.read()
    kernel.wake()
    assert not kernel.wait()
