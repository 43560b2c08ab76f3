"""The control socket without a loop: who may talk, what is answered, what is heard."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from devloop import events
from devloop.errors import HostError, UserError
from devloop.serve import address as place
from devloop.serve import history as histories
from devloop.serve.client import Connection, NoLoopError
from devloop.serve.history import History
from devloop.serve.server import ControlServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX: its own sockets")

STRANGER = 12345


def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request.get("ask") != "status":
        raise UserError("cannot be asked", hint="ask for status")
    return {"status": "fine"}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@contextmanager
def serving(history: History | None = None) -> Iterator[None]:
    with ControlServer("id", history or History(), answer):
        yield


def raw(path: Path, sent: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.connect(str(path))
        link.sendall(sent)
        link.shutdown(socket.SHUT_WR)
        return link.recv(4096)


def test_the_socket_is_its_users_alone_and_goes_with_the_loop(runtime: Path) -> None:
    where = runtime / "devloop" / "id.sock"
    with serving():
        assert stat.S_IMODE(where.stat().st_mode) == 0o600
        assert stat.S_IMODE(where.parent.stat().st_mode) == 0o700
    assert not where.exists()


def test_without_a_runtime_folder_it_is_below_the_temporary_one(tmp_path: Path) -> None:
    expected = f"/devloop-{os.getuid()}/id.sock"
    for value in ({}, {"XDG_RUNTIME_DIR": str(tmp_path / "none")}, {"XDG_RUNTIME_DIR": "relative"}):
        assert place.path("id", value).endswith(expected)


def test_a_folder_that_may_be_somebody_elses_is_not_used(runtime: Path) -> None:
    (runtime / "devloop").mkdir(mode=0o755)
    with pytest.raises(HostError, match="not a folder of yours alone"), serving():
        pass
    (runtime / "devloop").rmdir()
    (runtime / "devloop").symlink_to("/tmp")
    with pytest.raises(HostError, match="not a folder of yours alone"), serving():
        pass


def test_a_place_that_is_too_long_for_a_socket_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with pytest.raises(HostError, match="no control socket can be made"), serving():
        pass


def test_what_a_killed_loop_left_is_replaced(runtime: Path) -> None:
    place.make_folder()
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(runtime / "devloop" / "id.sock"))
    left.close()
    with pytest.raises(NoLoopError):
        Connection("id", "status")
    with serving(), Connection("id", "status") as talk:
        assert talk.answer == {"ok": True, "status": "fine"}


@pytest.mark.usefixtures("runtime")
def test_a_refusal_is_the_loops_own_words() -> None:
    with serving(), pytest.raises(UserError, match="cannot be asked") as caught:
        Connection("id", "dance")
    assert caught.value.hint == "ask for status"


@pytest.mark.parametrize("sent", [b"", b"{", b"[1]\n", b"\xff\n", b"[" * 200_000, b"1" * 100_000])
def test_nonsense_is_refused_and_the_next_one_is_answered(runtime: Path, sent: bytes) -> None:
    with serving():
        try:
            assert b'"ok": false' in raw(runtime / "devloop" / "id.sock", sent)
        except (BrokenPipeError, ConnectionResetError):
            assert len(sent) > 1 << 16
        with Connection("id", "status") as talk:
            assert talk.answer["ok"]


def test_another_user_is_not_answered(runtime: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    where = runtime / "devloop" / "id.sock"
    code = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
    code += 's.sendall(b\'{"ask":"status"}\\n\'); print(s.recv(99))'
    with serving():
        for folder in (runtime, *runtime.parents, where.parent):
            if folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)  # let them come as far as the socket
        where.chmod(0o666)
        asked = subprocess.run(
            [
                sys.executable
                if Path(sys.executable).is_relative_to("/usr")
                else "/usr/bin/python3",
                "-c",
                code,
                str(where),
            ],
            capture_output=True,
            text=True,
            user=STRANGER,
            group=STRANGER,
            cwd="/",
            check=False,
        )
    assert asked.stdout.strip() in ("b''", ""), asked
    assert "Permission" not in asked.stderr


@pytest.mark.usefixtures("runtime")
def test_who_follows_hears_what_was_and_what_comes_in_order() -> None:
    history = History(clock=lambda: 1.0)
    history(events.Notice("before"))
    for number in range(histories.KEPT_LOGS + 10):
        history(events.Log("app", "stdout", str(number)))
    with serving(history), Connection("id", "status", follow=True, recent=True) as talk:
        history(events.Notice("after"))
        history(events.End(0))
        history.close()
        found = list(talk.events())
    assert found[0] == {"v": 1, "ts": 1.0, "event": "notice", "message": "before"}
    assert next(one["text"] for one in found if one["event"] == "log") == "10"
    assert [one["event"] for one in found[-2:]] == ["notice", "end"]


@pytest.mark.usefixtures("runtime")
def test_who_follows_without_the_past_hears_what_comes() -> None:
    history = History()
    history(events.Notice("before"))
    with serving(history), Connection("id", "status", follow=True) as talk:
        history(events.Notice("after"))
        history.close()
        assert [one["message"] for one in talk.events()] == ["after"]


@pytest.mark.usefixtures("runtime")
def test_one_who_does_not_read_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "MOST_BEHIND", 1000)
    monkeypatch.setattr(histories, "FAREWELL", 0.1)
    history = History()
    with serving(history), Connection("id", "status", follow=True):
        for _ in range(20_000):
            history(events.Log("app", "stdout", "x" * 100))
        assert not history.listening
        history.close()


@pytest.mark.usefixtures("runtime")
def test_who_hangs_up_is_forgotten() -> None:
    history = History()
    with serving(history):
        talk = Connection("id", "status", follow=True)
        assert history.listening == 1
        talk.close()
        done = threading.Event()
        for _ in range(500):
            if not history.listening:
                break
            done.wait(0.01)
        assert history.listening == 0
