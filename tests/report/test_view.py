from __future__ import annotations

import io

import pytest

from devloop import events
from devloop.report.screen import Screen
from devloop.report.status import Status

BUILT = events.ImageBuilt("shop:1", "f" * 64, cached=False, duration_s=1.0)
STEPS = (
    events.ImageStep("[base 1/2] FROM x", cached=True, duration_s=0.0),
    events.ImageStepStarted("[base 2/2] RUN y"),
    events.ImageStepStarted("[2/4] COPY . ."),
    events.ImageStep("[2/4] COPY . .", cached=False, duration_s=0.5),
)


def view(*told: events.Event) -> Status:
    found = Status()
    for one in told:
        found.take(one)
    return found


def test_a_start_from_its_first_word_to_the_app() -> None:
    found = view(events.UpStarted("shop", None), events.ImageBuilding("start"))
    assert (found.state, found.project) == ("building", "shop")
    found.take(events.ImagePulling("node:22", 5, 10))
    assert (found.builds["app"].pulling, found.builds["app"].pulled) == ("node:22", (5, 10))
    for one in STEPS:
        found.take(one)
    assert (found.builds["app"].pulling, found.builds["app"].progress) == ("", (2, 6))
    for one in (BUILT, events.AppStarted("c", "shop:1")):
        found.take(one)
    assert (found.state, found.builds) == ("starting", {})
    found.take(events.AppReady("http://x", 0.1))
    assert (found.state, found.url) == ("ready", "http://x")
    assert found.as_json()["services"] == [
        {
            "service": "app",
            "state": "ready",
            "container": "c",
            "image": "shop:1",
            "url": "http://x",
            "exit_code": None,
        }
    ]


def test_nothing_is_known_at_first_and_what_does_not_matter_changes_nothing() -> None:
    found = view(*STEPS, events.ImagePulling("x"))
    assert (found.state, found.url, found.builds) == ("waiting", None, {})
    assert not found.take(events.Log("app", "stdout", "x"))
    assert found.take(events.End(3))
    assert found.ended == 3


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ((events.AppExited(3),), "exited"),
        ((events.ImageBuilding("x"), events.ImageFailed("RUN x", "no")), "failed"),
        ((events.ImageBuilding("x"), events.ImageCancelled("newer")), "waiting"),
        ((events.AppStarted("c", "i"), events.ImageFailed("", "no")), "starting"),
        ((events.CycleFinished(1, "restart", "a", "unready", 15.0),), "unready"),
    ],
)
def test_what_goes_wrong(told: tuple[events.Event, ...], state: str) -> None:
    assert view(*told).state == state


def test_errors_stay_until_the_app_answers() -> None:
    found = view(events.ImageFailed("RUN x", "no"))
    assert found.error == "build failed in RUN x"
    found.take(events.Error("bad"))
    assert found.as_json()["error"] == "bad"
    found.take(events.AppReady(None, 0.1))
    assert found.as_json()["error"] is None


def test_cycles_are_open_until_they_are_finished() -> None:
    found = view(
        events.CycleStarted(1, ("a", "b", "c", "d")), events.CycleStarted(2, (), "restart")
    )
    assert [(one.cycle, one.cause, one.outcome) for one in found.cycles] == [
        (1, "a, b, c", ""),
        (2, "restart asked for", ""),
    ]
    found.take(events.CycleFinished(1, "none", "why", "ok", 0.1))
    assert (found.cycles[0].action, found.cycles[0].outcome) == ("none", "ok")


def test_the_newest_job_comes_last_and_each_row_counts() -> None:
    row = {"shard": 1}
    found = view(
        events.JobStarted("test", row),
        events.JobStarted("lint"),
        events.JobFinished("test", row, "success", 1.0),
    )
    assert [(one.job, one.conclusion) for one in found.jobs.values()] == [
        ("lint", ""),
        ("test", "success"),
    ]


def test_the_screen_goes_back_over_the_rows_that_its_panel_takes_by_now() -> None:
    stream, size = io.StringIO(), [(80, 24)]
    screen = Screen(stream, lambda _stream: size[0])
    screen.draw(["one"], [("panel", 5), ("x" * 60, 60)])
    assert (
        stream.getvalue() == "\x1b[?25l\r\x1b[Jone\x1b[0m\npanel\n" + "x" * 60 + "\x1b[0m\x1b[?25h"
    )
    size[0] = (40, 24)
    stream.truncate(0)
    screen.draw([], [("panel", 5)])
    assert stream.getvalue().lstrip("\0").startswith("\x1b[?25l\r\x1b[2A\x1b[J")
    screen.close(["last"])
    screen.draw(["never"], [])
    screen.close(["never"])
    assert stream.getvalue().endswith("\r\x1b[Jlast\x1b[0m\n\x1b[?25h")


def test_each_service_of_several_has_its_own_build_and_cycles() -> None:
    found = view(
        events.ImageBuilding("start", service="web"),
        events.ImageBuilding("start", service="worker"),
        events.ImageBuilt("w:1", "f" * 64, cached=False, duration_s=1.0, service="worker"),
        events.AppReady("http://x", 0.1, service="worker"),
        events.CycleStarted(1, ("a",), service="web"),
        events.CycleStarted(1, ("b",), service="worker"),
        events.CycleFinished(1, "restart", "b", "ok", 0.1, service="worker"),
    )
    assert (found.state, list(found.builds), list(found.services)) == (
        "building",
        ["web"],
        ["worker"],
    )
    assert [(one.service, one.outcome) for one in found.cycles] == [("web", ""), ("worker", "ok")]


def test_a_service_that_is_not_developed_runs_or_has_ended() -> None:
    view = Status()
    view.take(events.ServiceStarted("c", "redis:7", "redis"))
    assert (view.services["redis"].state, view.state) == ("running", "ready")
    view.take(events.ServiceExited(137, "redis"))
    assert (view.services["redis"].state, view.state) == ("exited", "exited")
