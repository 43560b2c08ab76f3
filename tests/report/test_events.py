from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

from devloop import events
from devloop.model import Change, ChangeKind
from devloop.report.ndjson import NdJson
from devloop.report.plain import LINES, Plain, clean

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA = json.loads((DOCS / "events.schema.json").read_text("utf-8"))

WEB_RUNS = "devloop: web: running (1.00s after its start)"
SAMPLES: list[tuple[events.Event, str]] = [
    (events.UpStarted("shop", None), "devloop: shop (no devloop.yaml: defaults)"),
    (events.UpStarted("shop", "devloop.yaml"), "devloop: shop (devloop.yaml)"),
    (events.Notice("hello"), "devloop: hello"),
    (events.Notice("hello", service="web"), "devloop: web: hello"),
    (events.of_service(events.AppReady(None, 1.0), "web"), WEB_RUNS),
    (events.of_service(events.End(0), "web"), ""),
    (events.ImagePulling("a:1"), "devloop: pulling a:1"),
    (events.ImagePulling("a:1", 5, 10), ""),
    (events.ImageStepStarted("[1/2] RUN x"), ""),
    (events.ImageBuilding("start"), "devloop: building: start"),
    (events.ImageStep("RUN x", cached=True, duration_s=0.0), "devloop:   cached RUN x"),
    (events.ImageStep("RUN x", cached=False, duration_s=1.25), "devloop:   1.2s RUN x"),
    (
        events.ImageBuilt("i", "a" * 64, cached=True, duration_s=0.1),
        f"devloop: image {'a' * 12} is there, no build",
    ),
    (
        events.ImageBuilt("i", "a" * 64, cached=False, duration_s=2),
        f"devloop: image {'a' * 12} built in 2.0s",
    ),
    (events.ImageFailed("RUN x", "one\ntwo"), "devloop: build failed in RUN x\n  one\n  two"),
    (events.ImageFailed("", "no"), "devloop: build failed\n  no"),
    (events.ImageCancelled("newer"), "devloop: build cancelled: newer"),
    (events.AppStarted("c" * 64, "i"), "devloop: started cccccccccccc"),
    (
        events.AppReady("http://localhost:3000", 0.5),
        "devloop: listening on http://localhost:3000",
    ),
    (events.AppReady(None, 0.5), "devloop: running (0.50s after its start)"),
    (events.AppExited(3), "devloop: the app exited with code 3"),
    (events.ServiceStarted("c" * 64, "i", "redis"), "devloop: redis: started cccccccccccc"),
    (events.ServiceExited(137, "redis"), "devloop: redis: exited with code 137"),
    (events.ChangeSeen((Change("a", ChangeKind.MODIFIED),)), ""),
    (events.CycleStarted(7, ("src/a.py",)), "devloop: cycle 7 started (src/a.py)"),
    (events.CycleStarted(7, ("a", "b", "c", "d")), "devloop: cycle 7 started (a, b, c and 1 more)"),
    (events.CycleStarted(9, (), "restart"), "devloop: cycle 9 started (restart asked for)"),
    (
        events.CycleFinished(7, "restart", "a", "ok", 0.08),
        "devloop: cycle 7 finished restart ok in 0.08s: a",
    ),
    (
        events.CycleFinished(8, "rebuild", "x", "ok", 3.0, 2.5, 0.4),
        "devloop: cycle 8 finished rebuild ok in 3.00s: x [build 2.5s, nobody served for 0.40s]",
    ),
    (events.Log("app", "stdout", "hi \x1b[31mred\x1b[0m\r"), "app | hi red"),
    (events.Log("test", "stdout", "hi", "install"), "test |   hi"),
    (events.JobStarted("test", {"shard": 1}), "devloop: job test (shard 1) started"),
    (
        events.JobFinished("test", {"shard": 1}, "success", 1.23),
        "devloop: job test (shard 1) success in 1.2s",
    ),
    (
        events.JobFinished("test", None, "success", 1.23, "failure", ("a/b@v1",)),
        "devloop: job test success in 1.2s (its outcome is failure) (not run here: a/b@v1)",
    ),
    (events.StepFinished("test", None, "npm test", "success", 0.5), ""),
    (
        events.Annotation("test", "error", "bad", "a.py", 3, 7),
        "devloop: error: a.py:3:7: bad (test)",
    ),
    (events.Annotation("test", "notice", "hm", title="T"), "devloop: notice: T: hm (test)"),
    (events.Error("bad", "mend it"), "devloop: error: bad (mend it)"),
    (events.Error("bad"), "devloop: error: bad"),
    (events.End(130), ""),
]


@pytest.mark.parametrize(("event", "line"), SAMPLES, ids=lambda it: getattr(it, "event", ""))
def test_each_event_as_a_line_and_as_json(event: events.Event, line: str) -> None:
    plain, lines = io.StringIO(), io.StringIO()
    Plain(plain)(event)
    NdJson(lines, clock=lambda: 12.3456)(event)
    assert plain.getvalue() == (f"{line}\n" if line else "")
    found = json.loads(lines.getvalue())
    assert found["ts"] == 12.346
    jsonschema.validate(found, SCHEMA)
    again = events.from_json(found)
    assert again is not None
    assert events.as_json(again, 12.3456) == found


@pytest.mark.parametrize("found", [{}, {"event": "of.tomorrow"}, {"event": "log", "v": 1}])
def test_an_event_that_is_not_known_is_none(found: dict[str, object]) -> None:
    assert events.from_json(found) is None


def test_every_event_has_a_sample_and_a_row_in_the_reference() -> None:
    kinds = set(events.Event.__subclasses__())
    assert {type(event) for event, _ in SAMPLES} == kinds
    assert set(LINES) <= kinds
    text = (DOCS / "events.md").read_text("utf-8")
    for kind in kinds:
        assert f"| `{kind.event}` |" in text


@pytest.mark.parametrize("kind", events.Event.__subclasses__(), ids=lambda kind: kind.event)
def test_the_schema_and_the_reference_know_every_field(kind: type[events.Event]) -> None:
    fields = {one.name for one in dataclasses.fields(kind)}
    schema = next(one for one in SCHEMA["oneOf"] if one["title"] == kind.event)
    assert set(schema["properties"]) == {"v", "ts", "event", *fields}
    text = (DOCS / "events.md").read_text("utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{kind.event}` |"))
    described = set(re.findall(r"`(\w+)`", row.split("|")[2]))
    assert fields - {"service"} <= described


SAYS = "devloop: listening on http://x"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (events.Log("app", "stdout", f"10%\r{SAYS}"), [f"app | {SAYS}"]),
        (events.Log("app", "stdout", "10%\r20%\r"), ["app | 20%"]),
        (events.Log("app", "stdout", f"a\x85{SAYS}\u2028{SAYS}"), [f"app | a{SAYS}{SAYS}"]),
        (events.Log("app", "stdout", ""), ["app | "]),
        (events.Error(f"bad\n{SAYS}"), ["devloop: error: bad", f"  {SAYS}"]),
        (events.CycleStarted(1, (f"a\n{SAYS}",)), ["devloop: cycle 1 started (a", f"  {SAYS})"]),
        (events.ImageFailed("RUN x", "one\n\ntwo\n"), None),
    ],
)
def test_no_text_of_a_projects_passes_for_a_line_of_ours(
    event: events.Event, expected: list[str] | None
) -> None:
    stream = io.StringIO()
    Plain(stream)(event)
    found = stream.getvalue().split("\n")[:-1]
    assert found == (expected or ["devloop: build failed in RUN x", "  one", "  ", "  two"])


@pytest.mark.parametrize("text", ["\x1b]0;title\x07x", "\x1b[2Kx", "x\x00\x07\x7f", "\rx", "\x9bx"])
def test_no_terminal_sequence_gets_through(text: str) -> None:
    assert clean(text) == "x"


def test_the_documented_patterns_fit_the_lines() -> None:
    text = (DOCS / "terminal.md").read_text("utf-8")
    examples, patterns = re.findall(r"```\n(.+?)```", text, re.DOTALL)[:2]
    begins, ends = patterns.splitlines()
    started, finished, listening = examples.splitlines()
    assert re.match(begins, started)
    assert re.match(ends, finished)
    assert re.match(ends, listening)
    shown = {line for _, line in SAMPLES}
    for line in (started, listening):
        assert line in shown
    assert finished.replace("src/a.py", "a") in shown
