"""`devloop watch`: print the batches of changes that the loop would see; needs no engine."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import TextIO, TypeAlias

from devloop import events
from devloop.config.settings import Watch
from devloop.jobs.workflow.filters import PathFilter
from devloop.model import Change
from devloop.report.ndjson import NdJson
from devloop.report.plain import clean
from devloop.watch.ignore import Ignores
from devloop.watch.watcher import Watcher

INTERRUPTED = 130
FAILED = 1

Report: TypeAlias = Callable[[events.Event], None]


def run(root: str, settings: Watch, ignores: Ignores, output: str, stdout: TextIO) -> int:
    """Print until interrupted or the folder is gone; gives the exit code.

    ``output`` is ``json`` for one event a line, anything else is lines for people.
    """
    report: Report = NdJson(stdout) if output == "json" else _lines(stdout)
    ended: SimpleQueue[int] = SimpleQueue()

    def batch(changes: tuple[Change, ...], _: tuple[str, ...]) -> None:
        shown = tuple(one for one in changes if _shown(one.path, settings, ignores))
        try:
            if shown:
                report(events.ChangeSeen(shown))
        except BrokenPipeError:  # nobody reads any more
            ended.put(0)

    def trouble(text: str, fatal: bool) -> None:
        report(events.Error(text) if fatal else events.Notice(text))
        if fatal:
            ended.put(FAILED)

    watcher = Watcher(root, ignores, settings, batch, trouble)
    watcher.start()
    report(events.Notice(f"watching {root}"))
    try:
        code = ended.get()
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        watcher.stop()
    if code:
        report(events.End(code))
    return code


def _shown(path: str, settings: Watch, ignores: Ignores) -> bool:
    """Say whether the user's filters let a file through; what the project names always passes."""
    if ignores.names(path):
        return True
    if PathFilter(settings.paths_ignore).matches(path):
        return False
    return settings.paths is None or PathFilter(settings.paths).matches(path)


def _lines(stdout: TextIO) -> Report:
    def report(event: events.Event) -> None:
        for line in _text(event):
            shown = clean(line).encode(stdout.encoding or "utf-8", "backslashreplace")
            stdout.write(shown.decode(stdout.encoding or "utf-8") + "\n")
        stdout.flush()

    return report


def _text(event: events.Event) -> list[str]:
    if isinstance(event, events.ChangeSeen):
        return [f"{change.kind:<8} {change.path}" for change in event.paths]
    if isinstance(event, events.Error):
        return [f"devloop: error: {event.message}"]
    return [f"devloop: {event.message}"] if isinstance(event, events.Notice) else []
