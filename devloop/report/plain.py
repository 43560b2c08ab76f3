"""The events as stable lines for people, editors and logs: no colours, no carriage returns.

One event is one line that begins with ``devloop: `` or with a service's name and a bar; what an
event goes on to say is indented, so that no text of a project's can pass for a line of ours.
docs/terminal.md names the lines that do not change.
"""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from devloop import events
from devloop.events import Event

CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]"
)
SHOWN_PATHS = 3


class Plain:
    """Writes one line an event; safe to use from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write an event."""
        write = LINES.get(type(event))
        text = write(event) if write else ""
        if not text:
            return
        with self._lock, terminal_may_close():
            self._stream.writelines(f"{line}\n" for line in lines(_named(event, text)))
            self._stream.flush()


def _named(event: Event, text: str) -> str:
    """Put the service's name behind ``devloop:`` if the event is about one of several."""
    service = None if isinstance(event, events.Log) else getattr(event, "service", None)
    ours = "devloop: "
    return f"{ours}{service}: {text.removeprefix(ours)}" if service else text


@contextmanager
def terminal_may_close() -> Iterator[None]:
    """Ignore the error of writing to a terminal that has been closed (EIO)."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def lines(text: str) -> list[str]:
    """Give an event's text as printable lines; all but the first are indented.

    A line that GitHub's runner would take for a workflow command gets a bar in front.
    """
    first, *more = (clean(line) for line in text.rstrip("\n").split("\n"))
    return [_harmless(first), *(f"  {_harmless(line)}" for line in more)]


def _harmless(line: str) -> str:
    return f"| {line}" if line.lstrip().startswith(("::", "##[")) else line


def last_written(text: str) -> str:
    """Give what a terminal would show of a line that a carriage return began anew."""
    return next((part for part in reversed(text.split("\r")) if part), "")


def clean(text: str) -> str:
    """Take terminal sequences and control characters out of a line."""
    return CONTROL.sub("", text)


def _up(it: events.UpStarted) -> str:
    return f"devloop: {it.project} ({it.config or 'no devloop.yaml: defaults'})"


def _built(it: events.ImageBuilt) -> str:
    how = "is there, no build" if it.cached else f"built in {it.duration_s:.1f}s"
    return f"devloop: image {it.fingerprint[:12]} {how}"


def _failed(it: events.ImageFailed) -> str:
    body = f"\n{it.message}" if it.message else ""
    return f"devloop: build failed{f' in {it.step}' if it.step else ''}{body}"


def _step(it: events.ImageStep) -> str:
    return f"devloop:   {'cached' if it.cached else f'{it.duration_s:.1f}s'} {it.name}"


def _ready(it: events.AppReady) -> str:
    if it.url:
        return f"devloop: listening on {it.url}"
    return f"devloop: running ({it.duration_s:.2f}s after its start)"


def _cycle_started(it: events.CycleStarted) -> str:
    if it.asked:
        return f"devloop: cycle {it.cycle} started ({it.asked} asked for)"
    more = len(it.paths) - SHOWN_PATHS
    names = ", ".join(it.paths[:SHOWN_PATHS]) + (f" and {more} more" if more > 0 else "")
    return f"devloop: cycle {it.cycle} started ({names})"


def _cycle_finished(it: events.CycleFinished) -> str:
    phases = [f"build {it.build_s:.1f}s"] if it.build_s is not None else []
    phases += [f"nobody served for {it.gap_s:.2f}s"] if it.gap_s is not None else []
    tail = f" [{', '.join(phases)}]" if phases else ""
    return (
        f"devloop: cycle {it.cycle} finished {it.action} {it.outcome} "
        f"in {it.duration_s:.2f}s: {it.cause}{tail}"
    )


def _log(it: events.Log) -> str:
    return f"{it.service} | {'  ' if it.group else ''}{last_written(it.text)}"


def _job(it: events.JobStarted | events.JobFinished | events.StepFinished) -> str:
    row = ", ".join(f"{key} {value}" for key, value in (it.matrix or {}).items())
    return f"{it.job} ({row})" if row else it.job


def _job_finished(it: events.JobFinished) -> str:
    forgiven = f" (its outcome is {it.outcome})" if it.outcome else ""
    left = f" (not run here: {', '.join(it.not_run)})" if it.not_run else ""
    return f"devloop: job {_job(it)} {it.conclusion} in {it.duration_s:.1f}s{forgiven}{left}"


def _annotation(it: events.Annotation) -> str:
    place = ":".join(str(one) for one in (it.file, it.line, it.col) if one is not None)
    title = f"{it.title}: " if it.title else ""
    return f"devloop: {it.level}: {f'{place}: ' if place else ''}{title}{it.message} ({it.job})"


def _error(it: events.Error) -> str:
    return f"devloop: error: {it.message}{f' ({it.hint})' if it.hint else ''}"


LINES: dict[type[Event], Callable[[Any], str]] = {
    events.UpStarted: _up,
    events.Notice: lambda it: f"devloop: {it.message}",
    events.ImagePulling: lambda it: "" if it.total_bytes else f"devloop: pulling {it.image}",
    events.ImageBuilding: lambda it: f"devloop: building: {it.cause}",
    events.ImageStep: _step,
    events.ImageBuilt: _built,
    events.ImageFailed: _failed,
    events.ImageCancelled: lambda it: f"devloop: build cancelled: {it.cause}",
    events.AppStarted: lambda it: f"devloop: started {it.container[:12]}",
    events.AppReady: _ready,
    events.ServiceStarted: lambda it: f"devloop: started {it.container[:12]}",
    events.ServiceExited: lambda it: f"devloop: exited with code {it.exit_code}",
    events.AppExited: lambda it: f"devloop: the app exited with code {it.exit_code}",
    events.CycleStarted: _cycle_started,
    events.CycleFinished: _cycle_finished,
    events.JobStarted: lambda it: f"devloop: job {_job(it)} started",
    events.JobFinished: _job_finished,
    events.Annotation: _annotation,
    events.Log: _log,
    events.Error: _error,
}
