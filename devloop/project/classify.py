"""A batch of changes → what it means: which image, which restarts, and why nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from devloop.compose import rules
from devloop.compose.rules import RuleVerdict
from devloop.jobs.workflow.filters import PathFilter
from devloop.model import BY_RESTART, ByCommand, ByRestart, Change, ChangeKind, Reload
from devloop.project.state import Inspection, Wanted, below
from devloop.stacks import fingerprint as fp
from devloop.stacks import registry


@dataclass(frozen=True)
class Impact:
    """What a batch means. ``wanted`` is what should run after it.

    ``moved`` says what changed in the image's inputs, ``respec`` whether the container must be
    made anew; ``restarts`` are the files whose change the running app must see; ``idle`` are the
    reasons why the rest needs nothing, ``unmoved`` the manifests that changed but for their
    dependencies; ``broken`` are half-written files to wait for;
    ``settings`` is the file that ``respec`` comes from; ``mends`` says whether a failed build could
    succeed now; ``error`` is a broken devloop.yaml or Dockerfile, whose last good state stays in
    force.
    """

    wanted: Wanted
    moved: tuple[str, ...] = ()
    respec: bool = False
    restarts: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    mends: bool = False
    error: str = ""
    reload: Reload = BY_RESTART
    unmounted: str = ""
    unmoved: tuple[str, ...] = ()
    settings: str = "devloop.yaml"
    warnings: tuple[str, ...] = field(default=())


def needs_look(inspection: Inspection, changes: Iterable[Change]) -> bool:
    """Say whether the batch asks for a new look at the whole project.

    A created or deleted manifest may change which stack it is; a changed one is judged by its
    fields first (``classify``).
    """
    return any(
        inspection.structural(change.path)
        or (change.kind is not ChangeKind.MODIFIED and inspection.is_manifest(change.path))
        for change in changes
    )


def classify(
    before: Inspection,
    after: Inspection,
    changes: Iterable[Change],
    *,
    error: str = "",
) -> Impact:
    """Say what a batch means, from the states before and after it."""
    changes = tuple(changes)
    restarts: list[str] = []
    idle: list[str] = []
    moved = fp.differences(before.wanted.fingerprint, after.wanted.fingerprint)
    new_image = _moved_paths(before, after)
    for change in changes:
        if change.path in new_image:
            continue  # the new container's business, not that of the app that runs
        why = _why_idle(before, after, change)
        if why:
            idle.append(f"{change.path}: {why}")
        else:
            restarts.append(change.path)
    return Impact(
        wanted=after.wanted,
        moved=moved,
        respec=before.wanted.spec != after.wanted.spec,
        restarts=tuple(restarts) if after.inputs.mount else (),
        idle=tuple(idle),
        broken=tuple(sorted(after.broken.items())),
        mends=any(after.inputs.sways(one.path) or after.structural(one.path) for one in changes),
        error=error,
        reload=_reload(after, restarts),
        unmounted=after.inputs.unmounted,
        unmoved=()
        if moved
        else tuple(path for path in restarts if path in after.wanted.fingerprint.entries),
        warnings=_warnings(before, after),
    )


def _reload(inspection: Inspection, restarts: list[str]) -> Reload:
    """Say how the app sees the files: by a command if each is under a rule with sync+exec."""
    ruled = {rules.verdict(inspection.config.rules, path) for path in restarts}
    commands = {rules.command(inspection.config.rules, path) for path in restarts}
    if ruled == {RuleVerdict.EXEC} and all(commands):
        return ByCommand(" && ".join(sorted(commands)))
    return ByRestart() if RuleVerdict.RESTART in ruled else inspection.reload


def _moved_paths(before: Inspection, after: Inspection) -> frozenset[str]:
    """List the inputs of the image that count differently now."""
    old, new = before.wanted.fingerprint.entries, after.wanted.fingerprint.entries
    return frozenset(path for path in {*old, *new} if old.get(path) != new.get(path))


def _why_idle(before: Inspection, after: Inspection, change: Change) -> str:
    """Say why the running app need not be told of a change; empty if it must be."""
    path = change.path
    if path in after.broken:
        return "does not parse (half-written?), the last good one counts"
    if after.structural(path):
        return "no effect on the image or the container"
    if change.kind is ChangeKind.MODIFIED and path in before.meanings:
        if before.meanings[path] == after.meanings.get(path):
            return "means the same as before"
        if registry.is_lock(path):
            return "a lock is for the installer"
    return _why_not_ruled(after, path)


def _why_not_ruled(after: Inspection, path: str) -> str:
    """Say why no rule, a compose file's or ours, asks for the app to be told of a change."""
    ruled = rules.verdict(after.config.rules, path)
    if ruled is RuleVerdict.IGNORED:
        return "ignored by develop.watch"
    if ruled is RuleVerdict.SYNC and not after.config.app.reload:
        return "synced by the mount (develop.watch)"
    if ruled in (RuleVerdict.RESTART, RuleVerdict.EXEC) or triggers(after, path):
        return ""
    known = path in after.wanted.fingerprint.entries
    return "no dependency moved" if known else "not a source of the app (watch.paths)"


def triggers(inspection: Inspection, path: str) -> bool:
    """Say whether a changed file restarts the app."""
    watch = inspection.config.watch
    if below(path, inspection.wanted.spec.keep):
        return False
    if PathFilter(watch.paths_ignore).matches(path):
        return False
    if watch.paths is not None:
        return PathFilter(watch.paths).matches(path)
    if not inspection.suffixes:  # no stack knows this project: whatever is saved counts
        return True
    name = path.rsplit("/", 1)[-1]
    dot = name.rfind(".")
    return name in inspection.suffixes or (dot >= 0 and name[dot:] in inspection.suffixes)


def _warnings(before: Inspection, after: Inspection) -> tuple[str, ...]:
    def found(inspection: Inspection) -> Mapping[str, str]:
        entries = inspection.wanted.fingerprint.entries
        return {path: one.warning for path, one in entries.items() if one.warning}

    old = found(before)
    return tuple(
        f"{path} does not parse and counts by its content: {text}"
        for path, text in sorted(found(after).items())
        if path not in old
    )
