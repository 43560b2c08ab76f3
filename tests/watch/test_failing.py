"""When watching itself fails: queues that overflow, limits that are reached, threads that die."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devloop.config.settings import Watch
from devloop.watch import limits, observer, tree, watcher
from devloop.watch.batches import Batcher, Stopped, Wiring
from devloop.watch.debounce import Seen
from devloop.watch.ignore import Ignores
from devloop.watch.inotify import Inotify
from devloop.watch.kernel import ExhaustedError, Kernel
from tests.watch.watching import NOW, put, watching

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux")


@dataclass(frozen=True)
class Gate(Ignores):
    """Holds up the thread that asks about a folder ``gate`` until it is opened."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def prunes(self, folder: str) -> bool:
        if folder == "gate" and threading.current_thread().name.startswith("Thread"):
            self.reached.set()
            assert self.opened.wait(60)
        return super().prunes(folder)


def queue_limit() -> int:
    return int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


def overflow(root: Path, folders: int, files: int) -> None:
    """Write files while nobody reads the queue, then edit them all."""
    names = [f"d{number % folders}/f{number}.py" for number in range(files)]
    old = names[: len(names) // 2]
    for number in range(0, folders, 2):
        (root / f"d{number}").mkdir()
    put(root, *(path for path in old if (root / path).parent.is_dir()), text="before")
    gate = Gate()
    with watching(root, Watch(quiet=0.01), gate) as eye:
        (root / "gate").mkdir()
        assert gate.reached.wait(30)
        put(root, *names, text="during the overflow")
        (root / "zz").mkdir()
        assert files * 2 > queue_limit()
        gate.opened.set()
        eye.seen()
        assert {path for path in names if eye.contents.get(path) != b"during the overflow"} == set()
        for number, path in enumerate(names):
            (root / path).write_text(f"later {number}")
        eye.seen()
        later = {path: f"later {number}".encode() for number, path in enumerate(names)}
        assert {path for path in names if eye.contents.get(path) != later[path]} == set()


def test_nothing_is_lost_when_the_queue_overflows(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    overflow(root, 500, queue_limit() // 2 + 100)


@pytest.mark.slow
@pytest.mark.parametrize("folders", [500, 8000])
def test_nothing_of_20_000_files_is_lost_when_the_queue_overflows(
    tmp_path: Path, folders: int
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    overflow(root, folders, 20_000)


def test_an_overflow_drops_no_watch_and_notes_deletions(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a/x", "b/c/y", "gone/z")
    gate = Gate()
    with watching(root, ignores=gate) as eye:
        (root / "gate").mkdir()
        assert gate.reached.wait(30)
        for number in range(queue_limit() // 2 + 10):
            (root / "a/x").rename(root / "a/t")
            (root / "a/t").rename(root / "a/x")
            if number == 5:
                (root / "gone/z").unlink()
                (root / "gone").rmdir()
                (root / "b").rename(root / "moved")
        gate.opened.set()
        found = eye.seen()
        assert {
            "gone/z": "deleted",
            "b/c/y": "deleted",
            "moved/c/y": "created",
        }.items() <= found.items()
        put(root, "moved/c/y", "a/x", text="edited")
        assert eye.seen() == {"moved/c/y": "modified", "a/x": "modified"}


def child(code: str, *, limit: str = "") -> str:
    """Run a script with the tests' own modules; ``limit`` is a command of a user namespace."""
    command = [sys.executable, "-c", code]
    if limit:
        command = ["unshare", "-Ur", "sh", "-c", f'{limit} && exec "$@"', "sh", *command]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
import os
from pathlib import Path
from tests.watch.watching import Eye, put, watching
root = Path({root!r})
with watching(root) as eye:
    print(eye.trouble()) if {at_start} else None
    put(root, "d3/new.py", "a.py", text="edited")
    print(sorted(eye.seen()))
    {then}
"""


def namespaces() -> bool:
    try:
        done = subprocess.run(
            ["unshare", "-Ur", "sh", "-c", "echo 5 > /proc/sys/user/max_inotify_watches"],
            check=False,
            capture_output=True,
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


needs_namespaces = pytest.mark.skipif(
    not namespaces(), reason="no user namespaces here, so no limit of our own"
)


@needs_namespaces
def test_too_few_watches_at_the_start_polls_and_says_what_to_do(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py", *(f"d{number}/x.py" for number in range(20)))
    code = SCRIPT.format(root=str(root), at_start=True, then="")
    said = child(code, limit="echo 10 > /proc/sys/user/max_inotify_watches")
    assert (
        "21 folders are to be watched, and all programs of this user together may have 10" in said
    )
    assert "sudo sysctl user.max_inotify_watches=524288" in said
    assert "looking every 500 ms instead" in said
    assert "['a.py', 'd3/new.py']" in said


@needs_namespaces
def test_too_few_watches_later_on_polls_too(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py", "d3/x.py")
    then = (
        'put(root, *(f"n{number}/x.py" for number in range(30)));'
        "print(eye.trouble());"
        "eye.seen();"
        'put(root, "n29/x.py", text="edited");'
        'print(sorted(eye.seen()), len([one for one in eye.known if one.startswith("n")]))'
    )
    code = SCRIPT.format(root=str(root), at_start=False, then=then)
    said = child(code, limit="echo 10 > /proc/sys/user/max_inotify_watches")
    assert "may have 10 inotify watches" in said
    assert "['n29/x.py'] 30" in said


@needs_namespaces
def test_no_instance_left_polls_too(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py")
    code = SCRIPT.format(root=str(root), at_start=True, then="")
    said = child(code, limit="echo 0 > /proc/sys/user/max_inotify_instances")
    assert "together may have 0 inotify instances" in said
    assert "user.max_inotify_instances=128" in said
    assert "['a.py', 'd3/new.py']" in said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_unreadable_folder_is_named_once_and_passed_over() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        put(root, "a.py", "d3/x.py", "secret/y.py")
        for path in (Path(folder), root, root / "d3", root / "a.py"):
            path.chmod(0o777)
        (root / "secret").chmod(0o700)
        then = 'put(root, "d4/x"); print(sorted(eye.seen()), eye.troubles.qsize())'
        code = SCRIPT.format(root=str(root), at_start=True, then=then)
        said = child(code.replace("root = ", "os.setgid(65534); os.setuid(65534); root = "))
    assert "secret cannot be read, so nothing in it is watched" in said
    assert "['a.py', 'd3/new.py']" in said
    assert "['d4/x'] 0" in said


def test_a_reader_that_dies_is_started_again_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    put(root, "a.py", "b.py")
    died = threading.Event()
    read = Inotify.read

    def once(self: Inotify) -> object:
        if not died.is_set():
            died.set()
            raise OSError(errno.EIO, "a fault")
        return read(self)

    with watching(root) as eye:
        monkeypatch.setattr(Inotify, "read", once)
        put(root, "a.py", text="lost with the reader")
        assert died.wait(30)
        put(root, "b.py", text="while nobody reads")
        assert eye.seen() == {"a.py": "modified", "b.py": "modified"}
        assert eye.troubles.empty()


def test_a_reader_that_dies_again_and_again_gives_way_to_polls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    put(root, "a.py")

    def fail(_: Inotify) -> object:
        raise OSError(errno.EIO, "a fault")

    monkeypatch.setattr(watcher, "POLL", 0.01)
    with watching(root) as eye:
        monkeypatch.setattr(Inotify, "read", fail)
        for number in range(watcher.RESTARTS + 1):
            put(root, f"{number}.py", text="x" * (number + 1))
            eye.seen()
        text, fatal = eye.trouble()
        assert not fatal
        assert f"the watcher failed {watcher.RESTARTS} times" in text
        put(root, "a.py", text="found by a poll")
        assert eye.seen() == {"a.py": "modified"}


def test_a_file_system_without_events_is_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    put(root, "a.py")
    monkeypatch.setattr(Kernel, "probe", lambda *_: False)
    monkeypatch.setattr(watcher, "POLL", 0.01)
    with watching(root) as eye:
        assert eye.trouble() == (
            "this file system raises no events; looking every 10 ms instead",
            False,
        )
        put(root, "a.py", "x/y.py", text="edited")
        assert eye.seen() == {"a.py": "modified", "x/y.py": "created"}
    with watching(root, Watch(quiet=0.0, poll=0)) as eye:  # without the self-test
        assert eye.troubles.empty()


def test_the_probe_hears_and_leaves_nothing_behind(tmp_path: Path) -> None:
    put(tmp_path, ".devloop/x")
    kernel = Inotify(str(tmp_path), Ignores(), lambda _: None)
    assert kernel.probe(str(tmp_path / ".devloop"))
    assert sorted(os.listdir(tmp_path / ".devloop")) == ["x"]
    assert kernel.probe(str(tmp_path / "none"))  # nothing can be found out
    kernel.close()
    kernel.close()


def test_the_probe_is_deaf_where_no_event_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devloop.watch.kernel.PROBE_WAIT_MS", 10)
    kernel = Kernel()
    monkeypatch.setattr(kernel, "events", lambda: iter([(99, 0, 0, "x")]))  # not its own
    waits = iter([True, False])
    monkeypatch.setattr(
        "select.poll",
        type("Poll", (), {"register": print, "poll": lambda *_: next(waits)}),
    )
    assert not kernel.probe(str(tmp_path))
    kernel.close()


def test_the_state_folder_is_ignored_by_git(tmp_path: Path) -> None:
    put(tmp_path, "a.py")
    with watching(tmp_path):
        assert (tmp_path / ".devloop/.gitignore").read_text() == "*\n"
        assert os.listdir(tmp_path / ".devloop") == [".gitignore"]


# polling on request, and the observer of other systems


def test_polling_on_request(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py", "src/b.py", "node_modules/m/x.js")
    with watching(root, Watch(quiet=0.0, poll=0.01)) as eye:
        put(root, "a.py", "src/new/c.py", "node_modules/m/x.js", text="edited")
        (root / "src/b.py").unlink()
        assert eye.seen() == {"a.py": "modified", "src/new/c.py": "created", "src/b.py": "deleted"}
        eye.watcher.reconfigure(Ignores(), NOW)
        eye.seen()
        put(root, "a.py", text="seen without a poll")
        assert eye.seen() == {"a.py": "modified"}
        assert eye.troubles.empty()


def test_polls_faster_than_the_quiet_do_not_hold_a_batch_up(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py")
    with watching(root, Watch(quiet=0.05, max_wait=60, poll=0.005)) as eye:
        put(root, "a.py", text="edited")
        assert eye.seen() == {"a.py": "modified"}


def test_polling_notices_that_the_root_is_gone(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py")
    with watching(root, Watch(quiet=0.0, poll=0.01)) as eye:
        (root / "a.py").unlink()
        root.rename(tmp_path / "away")
        _, fatal = eye.trouble()
        assert fatal


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher.sys, "platform", "other")


@pytest.mark.usefixtures("elsewhere")
def test_the_stock_observer_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py", "src/b.py", "gone.py")
    with watching(root) as eye:
        put(root, "a.py", "new.py", "node_modules/x.js", text="edited")
        (root / "gone.py").unlink()
        assert eye.seen() == {"a.py": "modified", "new.py": "created", "gone.py": "deleted"}
        os.rename(root / "src", root / "lib")
        assert eye.seen() == {"src/b.py": "deleted", "lib/b.py": "created"}
        put(root, ".gitignore", text="new.py\n")
        eye.seen()
        put(root, "new.py", "a.py", text="again")
        assert eye.seen() == {"a.py": "modified"}


@pytest.mark.usefixtures("elsewhere")
def test_a_thread_of_the_stock_observer_that_ends_is_replaced(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py")
    with watching(root) as eye:
        source = eye.watcher._source  # noqa: SLF001
        assert isinstance(source, observer._Stock)  # noqa: SLF001
        for emitter in list(source._observer.emitters):  # noqa: SLF001
            emitter.stop()
            emitter.join()
        while eye.watcher._source in (source, None):  # noqa: SLF001
            put(root, "a.py", text="edited")
        assert "a.py" in eye.seen() or "a.py" in eye.contents


# the sentences


@pytest.mark.parametrize(
    ("number", "files", "words"),
    [
        (
            errno.ENOSPC,
            {"fs/inotify/max_user_watches": "8192\n", "user/max_inotify_watches": "9000"},
            "8192 inotify watches (`sudo sysctl fs.inotify.max_user_watches=524288` raises that)",
        ),
        (
            errno.ENOSPC,
            {"fs/inotify/max_user_watches": "524288"},
            "`sudo sysctl fs.inotify.max_user_watches=1050376`",
        ),
        (
            errno.EMFILE,
            {"fs/inotify/max_user_instances": "128", "user/max_inotify_instances": "x"},
            "128 inotify instances (`sudo sysctl fs.inotify.max_user_instances=384` raises that)",
        ),
        (errno.ENOSPC, {}, f"the kernel gives no more inotify watches (errno {errno.ENOSPC})"),
        (errno.ENOMEM, {}, f"the kernel gives no more inotify instances (errno {errno.ENOMEM})"),
    ],
)
def test_which_limit_it_is(number: int, files: dict[str, str], words: str, tmp_path: Path) -> None:
    for path, text in files.items():
        put(tmp_path, path, text=text)
    assert words in limits.why(number, 900, f"{tmp_path}/")


class Few:
    """A kernel that gives so many watches and no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, watches: int) -> None:
        self.left = watches
        real = Kernel.add

        def add(kernel: Kernel, folder: str, mask: int) -> int:
            if self.left <= 0:
                raise ExhaustedError(errno.ENOSPC)
            self.left -= 1
            return real(kernel, folder, mask)

        monkeypatch.setattr(Kernel, "add", add)
        monkeypatch.setattr(watcher, "POLL", 0.01)


def test_watches_that_run_out_at_any_time_give_way_to_polls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    put(root, "a.py", "d/x.py", ".gitignore", text="d\n")
    few = Few(monkeypatch, 1)
    with watching(root) as eye:  # the probe takes the only one
        assert "looking every 10 ms" in eye.trouble()[0]
        put(root, "a.py", text="at the start")
        assert eye.seen() == {"a.py": "modified"}
    few.left = 2
    with watching(root) as eye:
        put(root, ".gitignore", text="# nothing any more\n")
        assert "looking every 10 ms" in eye.trouble()[0]
        put(root, "d/x.py", text="where no watch could be had")
        assert eye.seen()["d/x.py"] == "modified"


def test_a_change_of_settings_finds_that_the_root_is_gone(tmp_path: Path) -> None:
    root = tmp_path / "project"
    put(root, "a.py")
    with watching(root, Watch(quiet=0.0, poll=3600)) as eye:
        root.rename(tmp_path / "away")
        eye.watcher.reconfigure(Ignores(), NOW)
        text, fatal = eye.trouble()
        assert fatal
        assert f"{root} is gone" in text


def test_the_end_is_told_once_however_often_the_kernel_tells_it(tmp_path: Path) -> None:
    told: list[tuple[str, bool]] = []
    wiring = Wiring(
        batch=lambda *_: None,
        trouble=lambda text, fatal: told.append((text, fatal)),
        reload=lambda _: None,
        broken=lambda _: False,
        resettle=lambda _: None,
    )
    batcher = Batcher(str(tmp_path), tree.load_ignores(str(tmp_path)), Watch(), wiring)
    batcher.begin()
    for item in (Seen(gone=True), Seen(gone=True), Stopped()):
        batcher.inbox.put(item)
    batcher.run()
    assert [fatal for _, fatal in told] == [True]
