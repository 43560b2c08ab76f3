"""The live view: a panel with the loop's status, logs scrolling above it. The door to rich.

Events only change the view and wait; a thread draws a few times a second, with one write, so that
ten thousand lines a second are no more work than one.
"""

from __future__ import annotations

import atexit
import io
import queue
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TextIO

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.text import Text

from devloop import events, terminal, threads
from devloop.events import Event
from devloop.report.plain import LINES, clean, last_written, lines
from devloop.report.screen import Line, Screen
from devloop.report.status import (
    BuildStatus,
    CycleStatus,
    JobStatus,
    ServiceStatus,
    Status,
    StepStatus,
)

PAUSE = 0.07
CYCLES, JOBS, STEPS = 3, 5, 4
COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
KEYS = (
    ("r", "restart"),
    ("b", "rebuild"),
    ("j", "jobs"),
    ("l", "clear"),
    ("o", "open"),
    ("q", "quit"),
)
STATES = {
    "ready": "green",
    "running": "green",
    "exited": "red",
    "failed": "red",
    "unready": "yellow",
}
OUTCOMES = {"ok": "green", "success": "green", "failed": "red", "failure": "red", "crashed": "red"}
ABOVE = (events.Notice, events.ImageFailed, events.Error, events.Annotation, events.AppExited)
"""What is told above the panel as well, because it is worth finding again."""


class Tui:
    """A reporter for terminals; safe to use from several threads."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        """Begin to draw."""
        self._coloured = not environ.get("NO_COLOR")
        self._screen = Screen(stream)
        self._lock = threading.Lock()  # what is to be drawn: events never wait for the terminal
        self._drawing = threading.Lock()
        self._view = Status()
        self._above: list[Event] = []
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._awake = False
        self._closed = threading.Event()
        self.interactive = False
        atexit.register(self.close)
        with suppress(ValueError):  # not in the main thread
            terminal.on_resize(self._stir)
        self._stir()
        self._painter = threads.spawn(self._paint, name="live view", failed=threads.shown)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._view.take(event)
            if isinstance(event, (events.Log, *ABOVE)):
                self._above.append(event)
        self._stir()
        if isinstance(event, events.End):
            self.close()

    @property
    def url(self) -> str | None:
        """Where the app is, if it is."""
        with self._lock:
            return self._view.url

    def clear(self) -> None:
        """Empty the screen."""
        with self._lock:
            self._above.clear()
        with self._drawing:
            self._screen.clear()
        self._stir()

    def close(self) -> None:
        """Restore the terminal; the loop's last status stays as a line."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._wake.put(None)
        if self._painter is not threading.current_thread():
            self._painter.join(1.0)
        with self._lock:
            above, self._above = self._above, []
        with self._drawing:
            self._screen.close([*self._shown(above), *self._last()])
        atexit.unregister(self.close)

    def _stir(self) -> None:
        """Ask the drawing thread for a redraw; must not block, as a signal handler calls it."""
        if not self._awake:
            self._awake = True
            self._wake.put(None)

    def _paint(self) -> None:
        """Draw when something has happened; what happens meanwhile waits for the next time."""
        while not self._closed.is_set():
            self._wake.get()
            if not self._closed.wait(PAUSE):
                self._awake = False  # first, so that what comes from now on is drawn again
                self._draw()

    def _draw(self) -> None:
        with self._lock:
            above, self._above = self._above, []
            columns, rows = self._screen.size
            panel = Panel(columns, rows, coloured=self._coloured)
            panel.show(self._view, KEYS if self.interactive else ())
        with self._drawing:
            self._screen.draw(self._shown(above), panel.lines)

    def _shown(self, above: list[Event]) -> list[str]:
        return [line for event in above for line in self._line(event)]

    def _line(self, event: Event) -> Iterator[str]:
        if not isinstance(event, events.Log):
            yield from lines(LINES[type(event)](event))
            return
        text = last_written(event.text).replace("\n", " ")
        if self._coloured and "\x1b[" in text:
            text = "".join(
                part if at % 2 else clean(part) for at, part in enumerate(COLOUR.split(text))
            )
        else:
            text = clean(text)
        yield f"{event.service} | {'  ' if event.group else ''}{text}"

    def _last(self) -> list[str]:
        code = self._view.ended
        return [] if code is None else [f"devloop: ended with exit code {code}"]


class Panel:
    """The panel's lines, none wider than the terminal and not more than it has rows for."""

    def __init__(self, columns: int, rows: int, *, coloured: bool) -> None:
        self._columns, self._rows = columns, rows
        self._console = Console(
            file=io.StringIO(),
            force_terminal=True,
            width=columns,
            color_system="standard" if coloured else None,
            no_color=not coloured,
            highlight=False,
            legacy_windows=False,
        )
        self.lines: list[Line] = []

    def show(self, view: Status, keys: tuple[tuple[str, str], ...]) -> None:
        """Draw a view."""
        self._add(Text(f"── {view.project or 'devloop'} ".ljust(self._columns, "─"), style="dim"))
        for service in view.services.values():
            self._add(_service(service))
        for name, build in view.builds.items():
            self._build(build, f"{name} " if len(view.services) > 1 else "")
        for cycle in list(view.cycles)[-CYCLES:]:
            self._add(_cycle(cycle))
        for job in list(view.jobs.values())[-JOBS:]:
            self._add(_job(job))
        if view.error:
            self._add(Text(f"✗ {view.error}", style="red"))
        del self.lines[max(1, self._rows - 2) :]
        if keys:
            self._add(_keys(keys, self._columns))

    def _build(self, build: BuildStatus, whose: str) -> None:
        self._add(Text.assemble((f"▸ building {whose}", "cyan"), build.cause))
        if build.pulling:
            self._bar(f"  pulling {build.pulling}", *build.pulled)
        elif build.steps:
            done, total = build.progress
            self._bar(f"  step {done} of {total}", done, total)
        for step in list(build.steps.values())[-STEPS:]:
            self._add(_step(step))

    def _bar(self, text: str, done: int, total: int) -> None:
        width = max(1, min(30, self._columns // 3))
        line = Text(f"{clean(text)} ")
        line.truncate(self._columns - width, overflow="ellipsis")
        with self._console.capture() as caught:
            bar = ProgressBar(total or None, done, width, pulse=not total, animation_time=0)
            self._console.print(line, bar, end="", sep=" ")
        text = caught.get().replace("\n", "")
        self.lines.append((text, Text.from_ansi(text).cell_len))

    def _add(self, text: Text) -> None:
        text.plain = clean(text.plain).replace("\n", " ")
        text.truncate(self._columns, overflow="ellipsis")
        with self._console.capture() as caught:
            self._console.print(text, end="", no_wrap=True, crop=False)
        self.lines.append((caught.get(), text.cell_len))


def _service(it: ServiceStatus) -> Text:
    ended = f" with code {it.exit_code}" if it.exit_code is not None else ""
    mark = "●" if it.state in ("ready", "running") else "○"
    style = STATES.get(it.state, "cyan")
    return Text.assemble(
        (f"{mark} ", style),
        f"{it.service} ",
        (f"{it.state}{ended}", style),
        f"  {it.url}" if it.url else "",
    )


def _step(it: StepStatus) -> Text:
    if it.duration_s is None:
        return Text(f"  … {it.name}")
    if it.cached:
        return Text(f"  ✓ cached {it.name}", style="dim")
    return Text.assemble(("  ✓ ", "green"), f"{it.duration_s:.1f}s {it.name}")


def _cycle(it: CycleStatus) -> Text:
    whose = f"{it.service} " if it.service else ""
    if not it.outcome:
        return Text(f"#{it.cycle} {whose}… {it.cause}", style="cyan")
    style = OUTCOMES.get(it.outcome, "yellow")
    took = f" {it.duration_s:.2f}s "
    return Text.assemble(
        f"#{it.cycle} {whose}{it.action} ", (it.outcome, style), took, (it.cause, "dim")
    )


def _job(it: JobStatus) -> Text:
    row = (
        f" ({', '.join(f'{key} {value}' for key, value in it.matrix.items())})" if it.matrix else ""
    )
    if not it.conclusion:
        return Text(f"… job {it.job}{row}", style="cyan")
    mark = {"success": "✓", "failure": "✗"}.get(it.conclusion, "·")
    style = OUTCOMES.get(it.conclusion, "yellow")
    return Text.assemble(
        (f"{mark} ", style), f"job {it.job}{row} {it.conclusion} {it.duration_s:.1f}s"
    )


def _keys(keys: tuple[tuple[str, str], ...], columns: int) -> Text:
    """Name the keys, by their letters alone where there is no room."""
    whole = "  ".join(f"{key} {what}" for key, what in keys)
    if len(whole) > columns:
        whole = " ".join(f"{key}:{what[:4]}" for key, what in keys)
    return Text(whole, style="dim")
