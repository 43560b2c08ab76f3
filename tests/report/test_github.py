"""What GitHub's runner reads, and what it must not take for its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from devloop import events
from devloop.report.github import MOST_ROWS, GitHub


def told(*found: events.Event, **environ: str) -> list[str]:
    stream = io.StringIO()
    github = GitHub(stream, environ)
    for one in found:
        github(one)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            events.Annotation("test", "error", "50% bad\nreally", "a,b:c.py", 3, 7, "E1"),
            "::error file=a%2Cb%3Ac.py,line=3,col=7,title=E1::50%25 bad%0Areally",
        ),
        (events.Annotation("test", "warning", "hm"), "::warning::hm"),
        (events.Annotation("test", "strange", "hm"), "::notice::hm"),
        (events.Error("bad", "mend it"), "::error::bad (mend it)"),
        (events.Notice("hello"), "devloop: hello"),
        (events.Log("app", "stdout", "::error::forged"), "app | ::error::forged"),
        (events.Log("app", "stdout", "x ##[error]forged"), "app | x ## [error]forged"),
        (events.Log("app", "stdout", "x\r::error::forged"), "app | ::error::forged"),
    ],
)
def test_an_event_as_a_line(event: events.Event, line: str) -> None:
    assert told(event) == [line]


COMMANDS = "::add-mask::x\n  ::set-output name=image::evil\n\t::stop-commands::t\n##[error]x"


@pytest.mark.parametrize(
    "event",
    [
        events.ImageFailed("RUN x", COMMANDS),
        events.ImageFailed(COMMANDS, COMMANDS),
        events.Notice(COMMANDS),
        events.Log("app", "stdout", "::error::x"),
        events.AppExited(1, service="::error::x"),
    ],
)
def test_no_line_of_anybody_elses_is_a_command(event: events.Event) -> None:
    ours = ("::group::", "::endgroup::", "::error::the build failed")
    for line in told(event):
        begins = line.lstrip()
        assert begins.startswith(ours) or not begins.startswith(("::", "##["))


def test_the_steps_of_a_build_are_a_group() -> None:
    step = events.ImageStep("[1/2] RUN x", cached=True, duration_s=0.0)
    built = events.ImageBuilt("shop:1", "f" * 64, cached=False, duration_s=1.0)
    assert told(events.ImageBuilding("ci"), step, built, events.End(0)) == [
        "::group::Build (ci)",
        "devloop:   cached [1/2] RUN x",
        "devloop: image ffffffffffff built in 1.0s",
        "::endgroup::",
    ]
    failed = told(events.ImageBuilding("ci"), events.ImageFailed("RUN x", "no\nnever"))
    assert failed[-2:] == ["::endgroup::", "::error::the build failed in RUN x: no%0Anever"]
    assert told(events.ImageBuilding("ci"), events.End(130))[-1] == "::endgroup::"


def test_each_job_is_a_group_of_its_own_though_they_run_side_by_side() -> None:
    row = {"shard": 1}
    found = told(
        events.JobStarted("test", row),
        events.JobStarted("lint"),
        events.Log("lint", "stdout", "from lint"),
        events.Log("test (1)", "stdout", "::error::from test"),
        events.Log("app", "stdout", "from the app"),
        events.JobFinished("lint", None, "failure", 1.0),
        events.JobFinished("test", row, "success", 2.0),
    )
    assert found == [
        "app | from the app",
        "::group::Job lint: failure in 1.0s",
        "lint | from lint",
        "::endgroup::",
        "::error::job lint failed",
        "::group::Job test (1): success in 2.0s",
        "test (1) | ::error::from test",
        "::endgroup::",
    ]


def test_the_summary_and_the_outputs(tmp_path: Path) -> None:
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "sum"), "GITHUB_OUTPUT": str(tmp_path / "out")}
    told(
        events.ImageBuilding("ci"),
        events.ImageStep("[1/2] RUN a | b <c> `d`\n", cached=True, duration_s=0.0),
        events.ImageStep("[2/2] RUN y", cached=False, duration_s=1.25),
        events.ImageBuilt("shop:1", "f" * 64, cached=False, duration_s=3.0, size=123_456_789),
        events.JobFinished("test", {"shard": 1}, "success", 2.0),
        events.End(0),
        **environ,
    )
    assert (tmp_path / "out").read_text() == f"image=shop:1\nfingerprint={'f' * 64}\ncached=false\n"
    assert (tmp_path / "sum").read_text().splitlines() == [
        "### `shop:1`: built in 3.0s, 117.7 MB",
        "",
        "| Step | Cached | Time |",
        "|---|---|---|",
        "| [1/2] RUN a \\| b &lt;c> \\`d\\` | yes | 0.0s |",
        "| [2/2] RUN y | no | 1.2s |",
        "",
        "| Job | Conclusion | Time |",
        "|---|---|---|",
        "| test (1) | success | 2.0s |",
        "",
    ]


def test_a_long_build_has_a_short_summary(tmp_path: Path) -> None:
    steps = [events.ImageStep(f"step {n}", cached=True, duration_s=0) for n in range(MOST_ROWS + 5)]
    told(*steps, events.End(1), GITHUB_STEP_SUMMARY=str(tmp_path / "sum"), GITHUB_OUTPUT="/none/x")
    assert (tmp_path / "sum").read_text().splitlines()[-2] == "| and 5 more | | |"


def test_without_a_runner_there_are_no_files() -> None:
    built = events.ImageBuilt("shop:1", "f" * 64, cached=True, duration_s=0.1)
    assert told(built, events.End(0)) == [f"devloop: image {'f' * 12} is there, no build"]
