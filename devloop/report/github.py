"""The events as GitHub Actions reads them: annotations, groups, a summary and outputs.

What an app or a job writes can never be a command of the runner's: its lines bear their service's
name, and the old form ``##[`` is taken apart.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TextIO

from devloop import events
from devloop.events import Event
from devloop.jobs.schedule import matrix
from devloop.report.plain import LINES, lines

MOST_ROWS = 200
UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
BUILD_ENDS = (events.ImageBuilt, events.ImageFailed, events.ImageCancelled, events.End)


class GitHub:
    """A reporter; thread-safe. Groups cannot nest, so a job's lines are written at its end."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._environ = environ
        self._lock = threading.Lock()
        self._waiting: defaultdict[str, list[str]] = defaultdict(list)
        self._running: set[str] = set()
        self._building = False
        self._image: events.ImageBuilt | None = None
        self._steps: list[events.ImageStep] = []
        self._jobs: list[events.JobFinished] = []

    def __call__(self, event: Event) -> None:
        """Write an event."""
        with self._lock:
            self._note(event)
            for line in self._lines(event):
                self._stream.write(f"{line}\n")
            if isinstance(event, events.End):
                self._close()
            self._stream.flush()

    def _note(self, event: Event) -> None:
        """Keep the events that the summary is made of."""
        match event:
            case events.ImageStep():
                self._steps.append(event)
            case events.ImageBuilt():
                self._image = event
            case events.JobFinished():
                self._jobs.append(event)
            case _:
                pass

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case events.ImageBuilding():
                self._building = True
                yield f"::group::Build ({_data(event.cause)})"
            case events.JobStarted():
                self._running.add(_label(event))
            case events.Log() if event.service in self._running:
                self._waiting[event.service] += _told(event)
            case events.JobFinished():
                yield from self._job(event)
            case events.Annotation():
                yield _annotation(event)
            case events.Error():
                hint = f" ({event.hint})" if event.hint else ""
                yield f"::error::{_data(event.message + hint)}"
            case _:
                yield from _told(event)
        if self._building and isinstance(event, BUILD_ENDS):
            self._building = False
            yield "::endgroup::"
        if isinstance(event, events.ImageFailed):
            yield f"::error::{_data(f'the build failed in {event.step}: {event.message}')}"

    def _job(self, event: events.JobFinished) -> Iterator[str]:
        label = _label(event)
        self._running.discard(label)
        yield f"::group::Job {_data(label)}: {event.conclusion} in {event.duration_s:.1f}s"
        yield from self._waiting.pop(label, ())
        yield "::endgroup::"
        if event.conclusion == "failure":
            yield f"::error::{_data(f'job {label} failed')}"

    def _close(self) -> None:
        if self._image:
            found = self._image
            self._append(
                "GITHUB_OUTPUT",
                f"image={found.image}\nfingerprint={found.fingerprint}\n"
                f"cached={'true' if found.cached else 'false'}\n",
            )
        self._append("GITHUB_STEP_SUMMARY", "".join(f"{line}\n" for line in self._summary()))

    def _append(self, name: str, text: str) -> None:
        """Write to one of the runner's files; outside of a runner there is none."""
        path = self._environ.get(name)
        if path and text:
            with suppress(OSError), open(path, "a", encoding="utf-8") as stream:
                stream.write(text)

    def _summary(self) -> Iterator[str]:
        if self._image:
            how = "cached" if self._image.cached else f"built in {self._image.duration_s:.1f}s"
            size = f", {_size(self._image.size)}" if self._image.size else ""
            yield f"### `{_cell(self._image.image)}`: {how}{size}"
            yield ""
        yield from _table(
            ("Step", "Cached", "Time"),
            [
                (one.name, "yes" if one.cached else "no", _time(one.duration_s))
                for one in self._steps
            ],
        )
        yield from _table(
            ("Job", "Conclusion", "Time"),
            [(_label(one), one.conclusion, _time(one.duration_s)) for one in self._jobs],
        )


def _told(event: Event) -> list[str]:
    write: Callable[[Event], str] | None = LINES.get(type(event))
    text = write(event) if write else ""
    return [line.replace("##[", "## [") for line in lines(text)] if text else []


def _label(event: events.JobStarted | events.JobFinished) -> str:
    return f"{event.job} ({matrix.label(dict(event.matrix))})" if event.matrix else event.job


def _annotation(it: events.Annotation) -> str:
    given = {"file": it.file, "line": it.line, "col": it.col, "title": it.title}
    shown = ",".join(f"{key}={_property(str(one))}" for key, one in given.items() if one)
    level = it.level if it.level in ("error", "warning", "notice") else "notice"
    return f"::{level}{f' {shown}' if shown else ''}::{_data(it.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in rows[:MOST_ROWS]:
        yield f"| {' | '.join(_cell(one) for one in row)} |"
    if len(rows) > MOST_ROWS:
        yield f"| and {len(rows) - MOST_ROWS} more |" + " |" * (len(heads) - 1)
    yield ""


def _cell(text: str) -> str:
    """Make a text that cannot end its cell or be markup."""
    plain = " ".join(lines(text)).replace("&", "&amp;").replace("<", "&lt;")
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`")


def _time(seconds: float) -> str:
    return f"{seconds:.1f}s"


def _size(count: int) -> str:
    for step, unit in UNITS:
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"
