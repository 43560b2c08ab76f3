"""What a Dockerfile takes from the build context, and where it puts it: values, nothing decided."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from devloop.image import dockerfile as df
from devloop.image import ignorefile

CONTEXT = "."
"""The source pattern that means the whole context."""


@dataclass(frozen=True)
class CopySource:
    """One context source of one instruction: ``pattern`` below the context, ``dest`` in the stage.

    ``followed``: a RUN comes later in that stage or in one that is built on it. ``into``: the
    destination is a folder, whatever the source is.
    """

    stage: int
    line: int
    pattern: str
    dest: str
    into: bool
    followed: bool
    parents: bool = False
    bound: bool = False

    def lands(self, path: str) -> tuple[str, bool] | None:
        """Say where this source puts a path, and whether as part of a folder; None if not."""
        prefix = _matched(self.pattern, path)
        if prefix is None:
            return None
        if self.parents:
            return posixpath.join(self.dest, path), prefix != path
        if prefix != path:
            rest = path[len(prefix) :].lstrip("/") if prefix else path
            return posixpath.normpath(posixpath.join(self.dest, rest)), True
        if self.into:
            return posixpath.join(self.dest, posixpath.basename(path)), False
        return self.dest, False


@dataclass(frozen=True)
class Carry:
    """A ``COPY --from`` between two needed stages."""

    origin: int
    stage: int
    source: str
    dest: str


def sources(
    parsed: df.Dockerfile,
    stage: df.Stage,
    stages: tuple[df.Stage, ...],
    args: Mapping[str, str],
    base_workdir: str,
) -> Iterator[CopySource]:
    """Yield the context sources of a stage, in the order of its instructions."""
    walk = list(df.places(parsed, stage, args, base_workdir))
    workdirs = {place.workdir for _, place in walk}
    for number, (instruction, place) in enumerate(walk):
        later = any(one.keyword == "RUN" for one, _ in walk[number + 1 :])
        followed = later or _run_above(stage, stages)
        if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
            yield from _copied(instruction, place, stage.index, workdirs, followed=followed)
        elif instruction.keyword == "RUN":
            yield from _bound(instruction, place, stage.index)


def _copied(
    instruction: df.Instruction,
    place: df.Place,
    stage: int,
    workdirs: set[str],
    *,
    followed: bool,
) -> Iterator[CopySource]:
    words = [df.expand(word, place.variables) for word in instruction.words()]
    if len(words) < 2:  # noqa: PLR2004 - a source and a destination
        return
    *origins, last = words
    dest = place.path(last)
    into = last.endswith("/") or last in (".", "..") or dest in workdirs or len(origins) > 1
    for origin in origins:
        if origin.startswith(("<<", "git@")) or "://" in origin:
            continue
        pattern = ignorefile.clean(origin)
        yield CopySource(
            stage=stage,
            line=instruction.line,
            pattern=pattern,
            dest=dest,
            into=into or any(char in pattern for char in "*?["),
            followed=followed,
            parents=instruction.flag("parents") is not None,
        )


def _bound(instruction: df.Instruction, place: df.Place, stage: int) -> Iterator[CopySource]:
    for mount in df.mounts(instruction):
        if mount.get("type", "bind") == "bind" and not mount.get("from"):
            yield CopySource(
                stage=stage,
                line=instruction.line,
                pattern=ignorefile.clean(df.expand(mount.get("source", "."), place.variables)),
                dest=place.path(mount.get("target", ".")),
                into=False,
                followed=True,
                bound=True,
            )


def carries(
    parsed: df.Dockerfile, stage: df.Stage, args: Mapping[str, str], base_workdir: str
) -> Iterator[Carry]:
    """Yield what a stage copies from the stages before it."""
    for instruction, place in df.places(parsed, stage, args, base_workdir):
        reference = instruction.flag("from") if instruction.keyword == "COPY" else None
        origin = df.earlier(parsed, stage, reference) if reference else None
        words = [df.expand(word, place.variables) for word in instruction.words()]
        if origin is None or len(words) < 2:  # noqa: PLR2004 - a source and a destination
            continue
        for source in words[:-1]:
            absolute = posixpath.normpath(posixpath.join("/", source))
            yield Carry(origin.index, stage.index, absolute, place.path(words[-1]))


def _run_above(stage: df.Stage, stages: tuple[df.Stage, ...]) -> bool:
    """Say whether a needed stage that is built on this one has a RUN."""
    for above in stages:
        if above.base == stage.index and (
            any(one.keyword == "RUN" for one in above.instructions) or _run_above(above, stages)
        ):
            return True
    return False


def moved(carry: Carry, path: str) -> str | None:
    """Say where a carry puts a path of its origin, None if it does not take it."""
    if path == carry.source:
        return carry.dest
    root = carry.source.rstrip("/") + "/"
    return posixpath.join(carry.dest, path[len(root) :]) if path.startswith(root) else None


def _matched(pattern: str, path: str) -> str | None:
    """Give the leading part of the path that a source pattern names; ``""`` is the context."""
    if pattern == CONTEXT:
        return ""
    if not any(char in pattern for char in "*?[\\"):
        within = path == pattern or path.startswith(pattern + "/")
        return pattern if within else None
    parts, wanted = path.split("/"), pattern.split("/")
    if len(parts) < len(wanted):
        return None
    pairs = zip(wanted, parts, strict=False)
    fits = all(ignorefile.segment(one).fullmatch(part) for one, part in pairs)
    return "/".join(parts[: len(wanted)]) if fits else None
