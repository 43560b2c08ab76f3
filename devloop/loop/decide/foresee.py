"""What a save of one file would cause, found out by letting the loop decide it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from devloop import events
from devloop.image.inputs import Role
from devloop.loop.decide import actions as do
from devloop.loop.decide import inputs as on
from devloop.loop.decide.state import Answer, ProjectState, Running, ServiceState
from devloop.loop.decide.step import step
from devloop.loop.decide.topology import SINGLE
from devloop.model import Change, ChangeKind
from devloop.project.classify import classify
from devloop.project.state import Inspection, below, with_entries
from devloop.stacks import fingerprint as fp

LONG_AFTER = 3600.0
"""Seconds after the start: nothing of it is the app's own doing."""
SEEN = "the app sees it through the mount"


@dataclass(frozen=True)
class Effect:
    """What a save would cause: an action, or two with the condition, and why."""

    action: str
    cause: str


def foresee(now: Inspection, path: str) -> Effect:
    """Say what a save of a file, relative to the folder that was inspected, would cause."""
    if now.structural(path):
        return Effect("rebuild or recreate", "it says how the image and container are made")
    entries = now.wanted.fingerprint.entries
    match now.role(path):
        case Role.CONTENT:
            other = with_entries(now, {**entries, path: fp.by_content(b"what will be saved")})
            return replace(_decided(now, other, path), cause="the image is made of its content")
        case Role.FIELDS:
            other = replace(now, meanings={**now.meanings, path: "what will be saved"})
            found = entries.get(path)
            which = ", ".join(sorted(found.fields)) if found and found.fields else "its content"
            mild = _decided(now, other, path).action
            return Effect(f"rebuild, else {mild}", f"a rebuild if this moves: {which}")
        case None:
            return _decided(now, now, path)


def _decided(before: Inspection, after: Inspection, path: str) -> Effect:
    """Let the loop decide, for an app that answers."""
    if below(path, before.wanted.spec.keep):
        return Effect("none", "it is kept from the mount: the container has its own")
    changes = (Change(path, ChangeKind.MODIFIED),)
    app = Running("app", before.wanted, 1, 1, 0.0, 0.0, Answer.READY)
    service = ServiceState(before.wanted, app=app)
    project = ProjectState({"": service}, SINGLE, started=frozenset({""}))
    impact = classify(before, after, changes)
    _, plan = step(project, on.Changed(LONG_AFTER, "", changes, impact))
    return _effect(plan, path)


def _effect(plan: do.Plan, path: str) -> Effect:
    """Read a plan as what it comes to."""
    for one in plan:
        match one:
            case do.EnsureImage():
                return Effect("rebuild", one.cause)
            case do.RestartApp():
                return Effect("restart", SEEN)
            case do.ReloadApp():
                return Effect("reload", one.words)
            case do.Report(event=events.CycleFinished() as ended):
                cause = ended.cause.removeprefix(f"{path}: ")
                return Effect(ended.action, SEEN if cause == path else cause)
            case _:
                pass  # what follows from it, and what is only told
    return Effect("none", "nothing changed")
