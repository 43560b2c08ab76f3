from __future__ import annotations

from devloop import events
from devloop.jobs.run.masks import Masks
from devloop.jobs.run.output import JobLog, JobOutput
from devloop.model import Part


def output() -> tuple[JobOutput, list[events.Event]]:
    told: list[events.Event] = []
    return JobOutput(JobLog("a", "/app", told.append, Masks(("hunter2",))), "/app"), told


def test_a_secret_is_hidden_where_a_line_was_cut() -> None:
    found, told = output()
    found.line(Part("x" * 90 + "hun"))
    found.line("ter2 and hunter2 more")
    found.line("next")
    found.close()
    text = "".join(one.text for one in told if isinstance(one, events.Log))
    assert text == "x" * 90 + "*** and *** morenext"


def test_what_was_held_back_is_told_at_the_end() -> None:
    found, told = output()
    found.line(Part("xyz"))
    found.close()
    assert "".join(one.text for one in told if isinstance(one, events.Log)) == "xyz"


def test_lines_of_a_group_say_so() -> None:
    found, told = output()
    for line in ("::group::build", "inside", "::endgroup::", "outside", "::add-mask::outside"):
        found.line(line)
    found.line("outside")
    logs = [(one.text, one.group) for one in told if isinstance(one, events.Log)]
    assert logs == [("build", None), ("inside", "build"), ("outside", None), ("***", None)]


def test_an_annotation_has_its_title() -> None:
    found, told = output()
    found.line("::error file=a.py,line=3,title=Bad hunter2::it is")
    assert told == [events.Annotation("a", "error", "it is", "a.py", 3, None, "Bad ***")]
