"""Which reporter a run has, and what the keys of the live view do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO, runtime_checkable

from devloop import events, terminal
from devloop.cli.project import Report
from devloop.errors import DevloopError, UserError
from devloop.report import keys
from devloop.report.ndjson import NdJson
from devloop.report.plain import Plain

Ask = Callable[[str], None]
ASKS = {"r": "restart", "b": "rebuild", "j": "jobs"}
NO = ("", "0", "false")


def reporter(
    name: str, environ: Mapping[str, str] = os.environ, stderr: TextIO | None = None
) -> Report:
    """Choose where events go: JSON to stdout, the rest to stderr; ``auto`` knows the terminal.

    Raises ``UserError`` for ``tui`` without a terminal.
    """
    stream = stderr or sys.stderr
    if name == "json":
        return NdJson(sys.stdout)
    if name == "github":
        from devloop.report.github import GitHub  # noqa: PLC0415 - for runners alone

        return GitHub(sys.stdout, environ)
    if name == "tui" and not stream.isatty():
        raise UserError("--format tui needs a terminal", hint="use --format plain")
    if name == "tui" or (name == "auto" and alive(environ, stream)):
        from devloop.report.tui import Tui  # noqa: PLC0415 - rich is for terminals alone

        return Tui(stream, environ)
    return Plain(stream)


def alive(environ: Mapping[str, str], stream: TextIO) -> bool:
    """Say whether the live view fits: a person's terminal that can go back over its lines."""
    in_ci = environ.get("CI", "").lower() not in NO
    drawn = (stream.encoding or "").lower() in ("utf-8", "utf8")
    return stream.isatty() and drawn and environ.get("TERM", "dumb") != "dumb" and not in_ci


@runtime_checkable
class Live(Protocol):
    """What the keys need of the live view."""

    interactive: bool

    def __call__(self, event: events.Event) -> None:
        """Take an event."""

    @property
    def url(self) -> str | None:
        """Where the app is, if it is."""

    def clear(self) -> None:
        """Empty the screen."""

    def close(self) -> None:
        """Leave the terminal as it was."""


@contextmanager
def reporting(name: str) -> Iterator[Report]:
    """Give a reporter; whatever happens, the terminal is as it was afterwards."""
    report = reporter(name)
    try:
        yield report
    finally:
        if isinstance(report, Live):
            report.close()


@contextmanager
def at_keys(report: Report, ask: Ask, leave: Callable[[], None]) -> Iterator[None]:
    """Read keys inside the ``with`` block if ``report`` is a live view; ``ask`` sends a request."""
    if not isinstance(report, Live) or not terminal.ours(sys.stdin.fileno()):
        yield
        return
    reading = keys.Keys(sys.stdin.fileno(), lambda key: _pressed(key, report, ask, leave))
    report.interactive = True
    try:
        yield
    finally:
        reading.close()


def _pressed(key: str, report: Live, ask: Ask, leave: Callable[[], None]) -> None:
    try:
        if key in ASKS:
            ask(ASKS[key])
        elif key == "q":
            leave()
        elif key == "l":
            report.clear()
        elif key == "o":
            _open(report.url, report)
    except DevloopError as error:
        report(events.Notice(f"{error} ({error.hint})"))


def _open(url: str | None, report: Live) -> None:
    """Show the app in the user's browser; one that would take over the terminal is not started."""
    graphical = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if url is None:
        report(events.Notice("there is no address to open yet"))
        return
    import webbrowser  # noqa: PLC0415 - seldom used

    with suppress(webbrowser.Error):
        if graphical and webbrowser.open(url):
            return
    report(events.Notice(f"no browser can be started here; the app is at {url}"))


def interrupt() -> None:
    """Do what Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)
