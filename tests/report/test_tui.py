"""The live view without a terminal: what it writes, and that nobody waits for it."""

from __future__ import annotations

import io
import re
import threading
import time

import pytest

from devloop import events
from devloop.report.status import Status
from devloop.report.tui import KEYS, Panel, Tui

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def told(*found: events.Event, **environ: str) -> str:
    stream = io.StringIO()
    tui = Tui(stream, environ)
    for one in found:
        tui(one)
    tui(events.End(0))
    return stream.getvalue()


def panel(view: Status, columns: int = 60, rows: int = 24) -> list[str]:
    drawn = Panel(columns, rows, coloured=False)
    drawn.show(view, KEYS)
    for text, width in drawn.lines:
        assert width <= columns
        assert len(ESCAPES.sub("", text)) == width
    return [ESCAPES.sub("", text) for text, _ in drawn.lines]


def full() -> Status:
    view = Status()
    for one in (
        events.UpStarted("shop", None),
        events.AppStarted("c", "i"),
        events.AppExited(3),
        events.ImageBuilding("package.json: express"),
        events.ImageStep("[1/3] FROM x", cached=True, duration_s=0.0),
        events.ImageStep("[2/3] RUN y", cached=False, duration_s=1.25),
        events.ImageStepStarted("[3/3] RUN z"),
        events.CycleStarted(1, ("a\x1b[2Jb\nc",)),
        events.CycleFinished(1, "restart", "a", "ok", 0.08),
        events.CycleStarted(2, ("b",)),
        events.JobStarted("lint"),
        events.JobFinished("test", {"shard": 1}, "success", 1.2),
        events.Error("something"),
    ):
        view.take(one)
    return view


def test_the_panel_in_words() -> None:
    shown = panel(full())
    assert shown[0].startswith("── shop ───")
    assert shown[1:3] == ["○ app exited with code 3", "▸ building package.json: express"]
    assert re.match(r"  step 2 of 3 ━+╸? *", shown[3])
    assert shown[4:] == [
        "  ✓ cached [1/3] FROM x",
        "  ✓ 1.2s [2/3] RUN y",
        "  … [3/3] RUN z",
        "#1 restart ok 0.08s a",
        "#2 … b",
        "… job lint",
        "✓ job test (shard 1) success 1.2s",
        "✗ something",
        "r restart  b rebuild  j jobs  l clear  o open  q quit",
    ]


@pytest.mark.parametrize(("columns", "rows"), [(40, 24), (20, 10), (1, 1), (10, 3), (300, 100)])
def test_the_panel_fits_any_terminal(columns: int, rows: int) -> None:
    assert len(panel(full(), columns, rows)) <= max(2, rows)


def test_a_pull_has_a_bar_before_its_size_is_known_and_after() -> None:
    for sizes in ((None, None), (5, 10)):
        view = Status()
        view.take(events.ImageBuilding("start"))
        view.take(events.ImagePulling("node:22", *sizes))
        assert any(row.startswith("  pulling node:22 ━") for row in panel(view))


def test_colours_of_the_app_stay_and_nothing_else_of_its_sequences() -> None:
    line = events.Log("app", "stdout", "\x1b[31mred\x1b[2J\x1b]0;title\x07\r\x1b[32mgreen\x1b[1A")
    assert "app | \x1b[32mgreen\x1b[0m\n" in told(line)
    assert "app | green\x1b[0m\n" in told(line, NO_COLOR="1")


def test_without_colours_there_are_none() -> None:
    found = told(*(events.AppReady("http://x", 0.1), events.Error("bad")), NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", found)
    assert "devloop: error: bad" in found


def test_the_end_gives_the_cursor_back_and_says_the_code() -> None:
    found = told(events.Log("app", "stdout", "last words"))
    assert found.index("last words") < found.index("ended with exit code 0")
    assert found.endswith("\x1b[?25h")


class Stuck(io.StringIO):
    """A terminal that takes no more for the moment."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def write(self, text: str) -> int:
        self.free.wait(20)
        return super().write(text)


def test_events_do_not_wait_for_the_terminal_and_none_is_dropped() -> None:
    stream = Stuck()
    tui = Tui(stream, {})
    tui(events.Notice("first"))
    began = time.monotonic()
    for number in range(20_000):
        tui(events.Log("app", "stdout", f"line {number}"))
    assert time.monotonic() - began < 2
    stream.free.set()
    tui(events.End(0))
    there = re.findall(r"app \| line (\d+)\x1b", stream.getvalue())
    assert there == [str(number) for number in range(20_000)]
