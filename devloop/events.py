"""The events of ``--format json``: frozen, one class an event, one JSON object a line.

docs/events.md is the reference. Field names are the keys of the JSON; None is left out. ``service``
names the service of a Compose project that an event is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

from devloop.model import Change, ChangeKind

VERSION = 1


@dataclass(frozen=True)
class Event:
    """What a run reports; ``event`` is its name on the wire."""

    event: ClassVar[str] = ""


@dataclass(frozen=True)
class UpStarted(Event):
    """The loop has taken the project."""

    event: ClassVar[str] = "up.started"
    project: str
    config: str | None


@dataclass(frozen=True)
class Notice(Event):
    """Something that the user should know once."""

    event: ClassVar[str] = "notice"
    message: str
    service: str | None = None


@dataclass(frozen=True)
class ImagePulling(Event):
    """A base image is fetched; of ``total_bytes``, as far as known, ``done_bytes`` are there."""

    event: ClassVar[str] = "image.pulling"
    image: str
    done_bytes: int | None = None
    total_bytes: int | None = None
    service: str | None = None


@dataclass(frozen=True)
class ImageBuilding(Event):
    """A build starts; the cause is in the user's words."""

    event: ClassVar[str] = "image.building"
    cause: str
    service: str | None = None


@dataclass(frozen=True)
class ImageStepStarted(Event):
    """A step of a build runs."""

    event: ClassVar[str] = "image.step.started"
    name: str
    service: str | None = None


@dataclass(frozen=True)
class ImageStep(Event):
    """A step of a build has ended."""

    event: ClassVar[str] = "image.step"
    name: str
    cached: bool
    duration_s: float
    service: str | None = None


@dataclass(frozen=True)
class ImageBuilt(Event):
    """The image of a fingerprint is there; cached: no build ran. ``size`` in bytes, if known."""

    event: ClassVar[str] = "image.built"
    image: str
    fingerprint: str
    cached: bool
    duration_s: float
    size: int | None = None
    service: str | None = None


@dataclass(frozen=True)
class ImageFailed(Event):
    """A build failed in a step (empty if in none)."""

    event: ClassVar[str] = "image.failed"
    step: str
    message: str
    service: str | None = None


@dataclass(frozen=True)
class ImageCancelled(Event):
    """A newer change made a build needless; its result is never used."""

    event: ClassVar[str] = "image.cancelled"
    cause: str
    service: str | None = None


@dataclass(frozen=True)
class AppStarted(Event):
    """A container runs the app."""

    event: ClassVar[str] = "app.started"
    container: str
    image: str
    service: str | None = None


@dataclass(frozen=True)
class AppReady(Event):
    """The app answers; ``url`` is None without a port."""

    event: ClassVar[str] = "app.ready"
    url: str | None
    duration_s: float
    service: str | None = None


@dataclass(frozen=True)
class AppExited(Event):
    """The app ended on its own."""

    event: ClassVar[str] = "app.exited"
    exit_code: int
    service: str | None = None


@dataclass(frozen=True)
class ServiceStarted(Event):
    """A service of a Compose project that devloop does not develop runs."""

    event: ClassVar[str] = "service.started"
    container: str
    image: str
    service: str | None = None


@dataclass(frozen=True)
class ServiceExited(Event):
    """A service that devloop does not develop has ended on its own."""

    event: ClassVar[str] = "service.exited"
    exit_code: int
    service: str | None = None


@dataclass(frozen=True)
class ChangeSeen(Event):
    """One batch of changes."""

    event: ClassVar[str] = "change"
    paths: tuple[Change, ...]
    service: str | None = None


@dataclass(frozen=True)
class CycleStarted(Event):
    """A batch is being answered, or what the user asked for: restart, rebuild."""

    event: ClassVar[str] = "cycle.started"
    cycle: int
    paths: tuple[str, ...]
    asked: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class CycleFinished(Event):
    """A batch is answered.

    ``action``: none, reload, restart, recreate, rebuild. ``outcome``: ok, failed, crashed,
    unready, superseded. ``build_s`` and ``gap_s`` (nobody served) are there when they happened.
    """

    event: ClassVar[str] = "cycle.finished"
    cycle: int
    action: str
    cause: str
    outcome: str
    duration_s: float
    build_s: float | None = None
    gap_s: float | None = None
    service: str | None = None


@dataclass(frozen=True)
class JobStarted(Event):
    """A job runs, with one row of its matrix if it has one."""

    event: ClassVar[str] = "job.started"
    job: str
    matrix: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class JobFinished(Event):
    """A run of a job has ended.

    ``conclusion``: success, failure, cancelled, skipped. ``outcome`` is there if continue-on-error
    forgave it; ``not_run`` lists actions that devloop does not run.
    """

    event: ClassVar[str] = "job.finished"
    job: str
    matrix: Mapping[str, Any] | None
    conclusion: str
    duration_s: float
    outcome: str | None = None
    not_run: tuple[str, ...] | None = None


@dataclass(frozen=True)
class StepFinished(Event):
    """A step of a job has ended, or was skipped."""

    event: ClassVar[str] = "step.finished"
    job: str
    matrix: Mapping[str, Any] | None
    step: str
    conclusion: str
    duration_s: float
    outcome: str | None = None


@dataclass(frozen=True)
class Annotation(Event):
    """A problem that a job found; ``file`` is relative to the project where it is inside."""

    event: ClassVar[str] = "annotation"
    job: str
    level: str
    message: str
    file: str | None = None
    line: int | None = None
    col: int | None = None
    title: str | None = None


@dataclass(frozen=True)
class Log(Event):
    """A line of output: the service is the app or a job; ``group`` is what a job put it in."""

    event: ClassVar[str] = "log"
    service: str
    stream: str
    text: str
    group: str | None = None


@dataclass(frozen=True)
class Error(Event):
    """Something is wrong; the hint says what to do."""

    event: ClassVar[str] = "error"
    message: str
    hint: str = ""
    service: str | None = None


@dataclass(frozen=True)
class End(Event):
    """The last event of every run."""

    event: ClassVar[str] = "end"
    exit_code: int


def of_service(event: Event, service: str) -> Event:
    """Say which service an event is about, where it can be about one."""
    if any(field.name == "service" for field in fields(event)):
        return replace(event, service=service)  # type: ignore[call-arg]
    return event


def as_json(event: Event, ts: float) -> dict[str, object]:
    """Give the JSON object of an event; ``ts`` is seconds since the epoch."""
    found: dict[str, object] = {"v": VERSION, "ts": round(ts, 3), "event": event.event}
    for field in fields(event):
        value = getattr(event, field.name)
        if value is not None or field.name in ("config", "url", "matrix"):
            found[field.name] = _plain(value)
    return found


def from_json(found: Mapping[str, Any]) -> Event | None:
    """Make the event of a JSON object again; None for one that this version does not know."""
    kind = KINDS.get(str(found.get("event")))
    if kind is None:
        return None
    values = {field.name: found.get(field.name) for field in fields(kind) if field.name in found}
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(_item(item) for item in value)
    try:
        return kind(**values)
    except TypeError:
        return None


def _item(value: object) -> object:
    if isinstance(value, Mapping):
        return Change(str(value["path"]), ChangeKind(value["kind"]))
    return value


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


KINDS: dict[str, type[Event]] = {kind.event: kind for kind in Event.__subclasses__()}
