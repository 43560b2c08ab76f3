"""`devloop exec` and `devloop shell`: a command in the running container, at this terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from devloop import terminal, threads
from devloop.cli import project as projects
from devloop.engine import client
from devloop.engine import listing as roster
from devloop.engine.exec import Session, Size
from devloop.errors import HostError, RefusedError, UserError
from devloop.model import Project

SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash; exec sh")
NOT_THERE, NOT_RUNNABLE = 127, 126
HUNG_UP = 129  # 128 and SIGHUP, which Windows has not
TERMINATED = 128 + signal.SIGTERM
KNOWN = ("TERM", "COLORTERM", "NO_COLOR")


class _LeftError(Exception):
    """The terminal was closed or the process is to end; ``code`` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def execute(
    path: Path,
    argv: tuple[str, ...],
    *,
    service: str = "",
    env: tuple[str, ...] = (),
    workdir: str = "",
    plain: bool = False,
) -> int:
    """Run a command where the app runs; gives its exit code. ``plain``: never with a terminal."""
    engine = client.connect()
    root = projects.folder(path)
    found = roster.running(engine, Project(root, os.path.basename(root)), service)
    seated = not plain and sys.stdin.isatty() and sys.stdout.isatty()
    given = dict(_variable(one) for one in env)
    if seated:
        given = {key: os.environ[key] for key in KNOWN if key in os.environ} | given
    try:
        session = Session(engine, found.id, list(argv), given, workdir, _size() if seated else None)
        return _at_terminal(session) if seated else _piped(session)
    except RefusedError as error:
        return _refused(error, argv[0])


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not (equals or name in os.environ):
        raise UserError(f"--env takes NAME=value, not `{text}`")
    return name, value if equals else os.environ[name]


def _refused(error: RefusedError, name: str) -> int:
    if "not found" in error.message or "no such file" in error.message:
        sys.stderr.write(f"devloop: error: there is no `{name}` in the container\n")
        return NOT_THERE
    if "permission denied" in error.message:
        sys.stderr.write(f"devloop: error: `{name}` may not be run in the container\n")
        return NOT_RUNNABLE
    raise HostError(f"the engine refused: {error.message}")


def _size() -> Size:
    try:
        found = os.get_terminal_size(sys.stdin.fileno())
    except OSError:
        return 80, 24
    return found.columns, found.lines


def _at_terminal(session: Session) -> int:
    """Connect the raw terminal to the command; its mode is restored whatever happens."""
    try:
        with _raw(sys.stdin.fileno()), _signals(session):
            threads.spawn(_type, session, failed=threads.shown)
            while piece := _begun(session.link.receive()):
                _write(sys.stdout.fileno(), piece)
    except (_LeftError, OSError) as gone:
        session.signal("HUP")
        return gone.code if isinstance(gone, _LeftError) else HUNG_UP
    finally:
        session.link.close()
    return session.exit_code()


def _begun(piece: bytes) -> bytes:
    """Raise ``RefusedError`` for what the engine writes in place of a command that cannot run."""
    if piece.startswith(b"OCI runtime exec failed"):
        raise RefusedError(client.FIRST_ERROR, piece.decode("utf-8", "replace").strip())
    return piece


def _type(session: Session) -> None:
    """Send what is typed to the command; at the end of input, hang up as a closed terminal does."""
    with suppress(OSError):
        while piece := os.read(sys.stdin.fileno(), 4096):
            session.link.send(piece)
    for number in terminal.hang_ups():
        os.kill(os.getpid(), number)


@contextmanager
def _raw(fd: int) -> Iterator[None]:
    restore = terminal.raw(fd)
    try:
        yield
    finally:
        restore()


@contextmanager
def _signals(session: Session) -> Iterator[None]:
    """Follow the terminal's size; leave when it is closed or the process is to end."""

    def left(number: int, _frame: FrameType | None) -> None:
        raise _LeftError(128 + number)

    ours = (signal.SIGTERM, *terminal.hang_ups())
    for number in ours:
        signal.signal(number, left)
    terminal.on_resize(lambda: session.resize(_size()))
    session.resize(_size())  # it may have changed since
    try:
        yield
    finally:
        terminal.no_more_resizes()
        for number in ours:
            signal.signal(number, signal.SIG_IGN)  # we are leaving; a closed terminal tells twice


def _piped(session: Session) -> int:
    """Connect the command to our streams; an interrupt is the command's to answer, too."""
    threads.spawn(_feed, session, failed=threads.shown)
    frames = session.link.frames()
    while True:
        try:
            for stream, piece in frames:
                _write(2 if stream == client.STDERR else 1, _begun(piece))
            return session.exit_code()
        except KeyboardInterrupt:
            session.signal("INT")
            frames = session.link.frames()
        except BrokenPipeError:
            session.signal("HUP")
            raise


def _feed(session: Session) -> None:
    with suppress(OSError):
        while piece := os.read(sys.stdin.fileno(), 1 << 16):
            session.link.send(piece)
    session.link.end_input()


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
