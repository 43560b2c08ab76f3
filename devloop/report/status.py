"""The status of a loop, computed from its events: for the live view and `devloop status`. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from devloop import events
from devloop.events import Event
from devloop.model import APP

KEPT_CYCLES = 20
STEP = re.compile(r"\[(.*?)(?:\d+/)(\d+)\]")


@dataclass
class ServiceStatus:
    """A container; ``state``: waiting, building, starting, ready, unready, exited, failed.

    One that is not developed is ``running``.
    """

    service: str = APP
    state: str = "waiting"
    container: str | None = None
    image: str | None = None
    url: str | None = None
    exit_code: int | None = None


@dataclass
class CycleStatus:
    """A cycle; ``outcome`` is empty while it is open; ``service``: of several, the one it is of."""

    cycle: int
    service: str | None = None
    action: str = ""
    cause: str = ""
    outcome: str = ""
    duration_s: float = 0.0


@dataclass
class JobStatus:
    """The last run of a job; ``conclusion`` is empty while it runs."""

    job: str
    matrix: Mapping[str, Any] | None
    conclusion: str = ""
    duration_s: float = 0.0


@dataclass
class StepStatus:
    """A step of the build under way; ``duration_s`` is None while it runs."""

    name: str
    cached: bool = False
    duration_s: float | None = None


@dataclass
class BuildStatus:
    """The build under way: why, what is pulled for it and how far in bytes, its steps."""

    cause: str
    pulling: str = ""
    pulled: tuple[int, int] = (0, 0)
    steps: dict[str, StepStatus] = field(default_factory=dict)

    @property
    def progress(self) -> tuple[int, int]:
        """Steps that have ended, of how many, as far as their names tell."""
        totals: dict[str, int] = {}
        for name in self.steps:
            if numbered := STEP.match(name):
                totals[numbered[1]] = int(numbered[2])
        ended = sum(one.duration_s is not None for one in self.steps.values())
        return ended, max(sum(totals.values()), len(self.steps))


class Status:
    """Takes events in order; not safe for several threads at once."""

    def __init__(self) -> None:
        self.project = ""
        self.services: dict[str, ServiceStatus] = {}
        self.cycles: deque[CycleStatus] = deque(maxlen=KEPT_CYCLES)
        self.jobs: dict[tuple[str, str], JobStatus] = {}
        self.builds: dict[str, BuildStatus] = {}
        self.error = ""
        self.ended: int | None = None

    def take(self, event: Event) -> bool:
        """Take an event; says whether it changed what is shown."""
        handle = HANDLERS.get(type(event))
        if handle is not None:
            handle(self, event)
        return handle is not None

    def service(self, event: Event) -> ServiceStatus:
        """Give the service that an event is about."""
        name = _name(event)
        return self.services.setdefault(name, ServiceStatus(name))

    @property
    def url(self) -> str | None:
        """Where the first service that has an address is."""
        return next((one.url for one in self.services.values() if one.url), None)

    @property
    def state(self) -> str:
        """The whole loop in one word: its build, else its least ready service."""
        if self.builds:
            return "building"
        states = [one.state for one in self.services.values()]
        fine = ("ready", "running")
        return next((one for one in states if one not in fine), "ready" if states else "waiting")

    def as_json(self) -> dict[str, object]:
        """Give the object of ``devloop status --format json``."""
        return {
            "project": self.project,
            "state": self.state,
            "url": self.url,
            "services": [asdict(one) for one in self.services.values()],
            "cycles": [asdict(one) for one in self.cycles],
            "jobs": [asdict(one) for one in self.jobs.values()],
            "error": self.error or None,
        }


def _name(event: Event) -> str:
    return getattr(event, "service", None) or APP


def _up(view: Status, it: events.UpStarted) -> None:
    view.project = it.project


def _building(view: Status, it: events.ImageBuilding) -> None:
    view.builds[_name(it)] = BuildStatus(it.cause)


def _pulling(view: Status, it: events.ImagePulling) -> None:
    if build := view.builds.get(_name(it)):
        build.pulling = it.image
        build.pulled = (it.done_bytes or 0, it.total_bytes or 0)


def _step_started(view: Status, it: events.ImageStepStarted) -> None:
    if build := view.builds.get(_name(it)):
        build.pulling = ""
        build.steps[it.name] = StepStatus(it.name)


def _step(view: Status, it: events.ImageStep) -> None:
    if build := view.builds.get(_name(it)):
        build.pulling = ""
        build.steps[it.name] = StepStatus(it.name, it.cached, it.duration_s)


def _built(view: Status, it: events.ImageBuilt) -> None:
    view.builds.pop(_name(it), None)
    view.service(it).image = it.image


def _failed(view: Status, it: events.ImageFailed) -> None:
    view.builds.pop(_name(it), None)
    view.error = f"build failed{f' in {it.step}' if it.step else ''}"
    service = view.service(it)
    service.state = service.state if service.container else "failed"


def _cancelled(view: Status, it: events.ImageCancelled) -> None:
    view.builds.pop(_name(it), None)


def _started(view: Status, it: events.AppStarted) -> None:
    service = view.service(it)
    service.state, service.container, service.image = "starting", it.container, it.image
    service.exit_code = None


def _ready(view: Status, it: events.AppReady) -> None:
    service = view.service(it)
    service.state, service.url, service.exit_code = "ready", it.url, None
    view.error = ""


def _runs(view: Status, it: events.ServiceStarted) -> None:
    service = view.service(it)
    service.state, service.container, service.image = "running", it.container, it.image
    service.exit_code = None


def _exited(view: Status, it: events.AppExited | events.ServiceExited) -> None:
    service = view.service(it)
    service.state, service.exit_code = "exited", it.exit_code


def _cycle_started(view: Status, it: events.CycleStarted) -> None:
    cause = f"{it.asked} asked for" if it.asked else ", ".join(it.paths[:3])
    view.cycles.append(CycleStatus(it.cycle, it.service, cause=cause))


def _cycle_finished(view: Status, it: events.CycleFinished) -> None:
    which = (it.cycle, it.service)
    found = next((one for one in view.cycles if (one.cycle, one.service) == which), None)
    if found is None:
        view.cycles.append(found := CycleStatus(*which))
    found.action, found.cause, found.outcome = it.action, it.cause, it.outcome
    found.duration_s = it.duration_s
    if it.outcome == "unready":
        view.service(it).state = "unready"


def _job(view: Status, it: events.JobStarted | events.JobFinished) -> JobStatus:
    key = (it.job, str(it.matrix))
    view.jobs.pop(key, None)  # the newest comes last
    return view.jobs.setdefault(key, JobStatus(it.job, it.matrix))


def _job_finished(view: Status, it: events.JobFinished) -> None:
    job = _job(view, it)
    job.conclusion, job.duration_s = it.conclusion, it.duration_s


def _error(view: Status, it: events.Error) -> None:
    view.error = it.message


def _end(view: Status, it: events.End) -> None:
    view.ended = it.exit_code


HANDLERS: dict[type[Event], Callable[[Status, Any], object]] = {
    events.UpStarted: _up,
    events.ImageBuilding: _building,
    events.ImagePulling: _pulling,
    events.ImageStepStarted: _step_started,
    events.ImageStep: _step,
    events.ImageBuilt: _built,
    events.ImageFailed: _failed,
    events.ImageCancelled: _cancelled,
    events.AppStarted: _started,
    events.AppReady: _ready,
    events.AppExited: _exited,
    events.ServiceStarted: _runs,
    events.ServiceExited: _exited,
    events.CycleStarted: _cycle_started,
    events.CycleFinished: _cycle_finished,
    events.JobStarted: _job,
    events.JobFinished: _job_finished,
    events.Error: _error,
    events.End: _end,
}
