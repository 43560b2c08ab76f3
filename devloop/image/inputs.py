"""Which files of a project an image is made of, read from its Dockerfile (DESIGN §2).

The law: a context source of a stage that the target needs is an input, unless the bind mount shows
the same file at the same path and either no RUN follows or the instruction brings a directory. Of
such a directory only manifests are inputs. Where nothing can be mounted every source is an input.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from devloop.image import dockerfile as df
from devloop.image import ignorefile
from devloop.image.ignorefile import Ignore

CONTEXT = "."


class Role(StrEnum):
    """How a file counts: by the fields of a manifest, or by its bytes."""

    FIELDS = "fields"
    CONTENT = "content"


@dataclass(frozen=True)
class Source:
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


@dataclass(frozen=True)
class ImageInputs:
    """All that decides whether a path is an input of the image.

    ``target`` is the stage's name, empty for a last stage that has none;
    ``mount`` is where the project folder is mounted, None where nothing can be (``unmounted`` says
    why); ``workdir`` is the target's; ``port`` its first EXPOSE; ``bases`` the images it needs;
    ``secrets`` the ids of the secrets that its RUNs ask for, ``ssh`` whether one asks for that.
    """

    target: str
    mount: str | None
    unmounted: str
    workdir: str
    port: int | None
    bases: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    carries: tuple[Carry, ...]
    chain: frozenset[int]
    descends: Mapping[int, frozenset[int]]
    ignore: Ignore
    recipe: Mapping[str, object]
    secrets: frozenset[str] = frozenset()
    ssh: bool = False

    def reaches(self, path: str) -> bool:
        """Say whether a COPY, ADD or bind mount can bring this path into the build."""
        return not self.ignore.matches(path) and any(
            source.lands(path) is not None for source in self.sources
        )

    def sways(self, path: str) -> bool:
        """Say whether a RUN of the build can read this path, so that it may mend a failed one."""
        return not self.ignore.matches(path) and any(
            source.followed and source.lands(path) is not None for source in self.sources
        )

    def role(self, path: str, manifest: Callable[[str], bool]) -> Role | None:
        """Say how a path counts, None if a change of it needs no build."""
        if self.ignore.matches(path):
            return None
        found = [(one, place) for one in self.sources if (place := one.lands(path)) is not None]
        counts = [self._counts(one, place, path, found, manifest) for one, place in found]
        if not any(counts):
            return None
        by_fields = self.mount is not None and manifest(path)
        return Role.FIELDS if by_fields else Role.CONTENT

    def _counts(
        self,
        source: Source,
        place: tuple[str, bool],
        path: str,
        found: list[tuple[Source, tuple[str, bool]]],
        manifest: Callable[[str], bool],
    ) -> bool:
        if self.mount is None or not self._shown(source, place[0], path, found):
            return True
        if not source.followed:
            return False
        directory = place[1]
        return manifest(path) if directory else True

    def _shown(
        self,
        source: Source,
        place: str,
        path: str,
        found: list[tuple[Source, tuple[str, bool]]],
    ) -> bool:
        """Say whether the mount shows, in the running container, what the source put there."""
        wanted = posixpath.join(self.mount or "/", path)
        if source.stage in self.chain:
            return place == wanted
        landed = set(self.landings(source.stage, place))
        if landed:
            return landed == {wanted}
        others = (one for one in found if one[0].stage in self.chain or one[0] is not source)
        return any(wanted in self.landings(one.stage, where) for one, (where, _) in others)

    def landings(self, stage: int, place: str) -> Iterator[str]:
        """Follow a file of a stage through FROM and ``COPY --from`` to paths in the target."""
        seen: set[tuple[int, str]] = set()
        todo = [(stage, place)]
        while todo:
            here, path = todo.pop()
            if (here, path) in seen:
                continue
            seen.add((here, path))
            if here in self.chain:
                yield path
            todo.extend((above, path) for above in self.descends.get(here, frozenset()))
            for carry in self.carries:
                moved = _moved(carry, path) if carry.origin == here else None
                if moved:
                    todo.append((carry.stage, moved))


@dataclass(frozen=True)
class BuildSettings:
    """What the user says of the build: the ``app`` keys of devloop.yaml that change an image."""

    target: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()
    mount: str | None = None
    platform: str = ""


class TargetError(Exception):
    """The Dockerfile has no such stage, or no stage at all."""


def analyse(
    text: str, ignore_text: str, settings: BuildSettings, base_workdir: str = "/"
) -> ImageInputs:
    """Read a Dockerfile for one target; raises ``TargetError`` if there is no such stage."""
    args = dict(settings.build_args)
    parsed = df.parse(text, args)
    wanted = settings.target
    target = parsed.stage(wanted) if wanted else parsed.default_target()
    if target is None:
        names = ", ".join(stage.name for stage in parsed.stages if stage.name)
        raise TargetError(
            f"the Dockerfile has no stage {wanted!r} (it has: {names or 'no named one'})"
            if parsed.stages
            else "the Dockerfile has no FROM"
        )
    if not target.name and target is not parsed.stages[-1]:
        raise TargetError(f"stage {wanted} has no name; write `FROM … AS name` and use that")
    stages = df.needed(parsed, target)
    chain = frozenset(stage.index for stage in df.chain(parsed, target))
    sources = tuple(
        s for stage in stages for s in _sources(parsed, stage, stages, args, base_workdir)
    )
    secrets, ssh = df.sessions(parsed, target)
    draft = ImageInputs(
        target=target.name,
        mount=None,
        unmounted="",
        workdir=df.final_workdir(parsed, target, args, base_workdir),
        port=df.exposed_port(parsed, target),
        bases=df.images(parsed, target),
        sources=sources,
        carries=tuple(c for stage in stages for c in _carries(parsed, stage, args, base_workdir)),
        chain=chain,
        descends=_descends(stages),
        ignore=ignorefile.parse(ignore_text),
        recipe=_recipe(parsed, stages, ignore_text, settings),
        secrets=secrets,
        ssh=ssh,
    )
    mount, why = (settings.mount, "") if settings.mount else _mount(draft)
    if mount == "/":
        mount, why = None, UNMOUNTABLE_ROOT
    return _replace_mount(draft, mount, why)


UNMOUNTABLE_ROOT = (
    "the app lives in / of the image, where nothing can be mounted; "
    "add `WORKDIR /app` before the COPY to get reloads without builds"
)
UNMOUNTABLE_BUILT = (
    "the target stage holds only what other stages built from the source; "
    "set app.target to the stage that has the source, and app.run, to get reloads without builds"
)


def _replace_mount(draft: ImageInputs, mount: str | None, why: str) -> ImageInputs:
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return ImageInputs(**{**fields, "mount": mount, "unmounted": why})


def _mount(inputs: ImageInputs) -> tuple[str | None, str]:
    """Choose the mount: where the target has the folder, else its WORKDIR if that can serve."""
    for source in reversed(inputs.sources):
        if source.pattern == CONTEXT and not source.bound:
            places = list(inputs.landings(source.stage, source.dest))
            if places:
                return places[-1], ""
    hidden = any(
        not source.bound
        and source.stage not in inputs.chain
        and source.pattern == CONTEXT
        and not list(inputs.landings(source.stage, source.dest))
        for source in inputs.sources
    )
    if hidden:
        return None, UNMOUNTABLE_BUILT if inputs.workdir != "/" else UNMOUNTABLE_ROOT
    return inputs.workdir, ""


def _sources(
    parsed: df.Dockerfile,
    stage: df.Stage,
    stages: tuple[df.Stage, ...],
    args: Mapping[str, str],
    base_workdir: str,
) -> Iterator[Source]:
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
) -> Iterator[Source]:
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
        yield Source(
            stage=stage,
            line=instruction.line,
            pattern=pattern,
            dest=dest,
            into=into or any(char in pattern for char in "*?["),
            followed=followed,
            parents=instruction.flag("parents") is not None,
        )


def _bound(instruction: df.Instruction, place: df.Place, stage: int) -> Iterator[Source]:
    for mount in df.mounts(instruction):
        if mount.get("type", "bind") == "bind" and not mount.get("from"):
            yield Source(
                stage=stage,
                line=instruction.line,
                pattern=ignorefile.clean(df.expand(mount.get("source", "."), place.variables)),
                dest=place.path(mount.get("target", ".")),
                into=False,
                followed=True,
                bound=True,
            )


def _carries(
    parsed: df.Dockerfile, stage: df.Stage, args: Mapping[str, str], base_workdir: str
) -> Iterator[Carry]:
    for instruction, place in df.places(parsed, stage, args, base_workdir):
        reference = instruction.flag("from") if instruction.keyword == "COPY" else None
        origin = df.earlier(parsed, stage, reference) if reference else None
        words = [df.expand(word, place.variables) for word in instruction.words()]
        if origin is None or len(words) < 2:  # noqa: PLR2004 - a source and a destination
            continue
        for source in words[:-1]:
            absolute = posixpath.normpath(posixpath.join("/", source))
            yield Carry(origin.index, stage.index, absolute, place.path(words[-1]))


def _moved(carry: Carry, path: str) -> str | None:
    if path == carry.source:
        return carry.dest
    root = carry.source.rstrip("/") + "/"
    return posixpath.join(carry.dest, path[len(root) :]) if path.startswith(root) else None


def _run_above(stage: df.Stage, stages: tuple[df.Stage, ...]) -> bool:
    """Say whether a needed stage that is built on this one has a RUN."""
    for above in stages:
        if above.base == stage.index and (
            any(one.keyword == "RUN" for one in above.instructions) or _run_above(above, stages)
        ):
            return True
    return False


def _descends(stages: tuple[df.Stage, ...]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for stage in stages:
        if isinstance(stage.base, int):
            found.setdefault(stage.base, set()).add(stage.index)
    return {base: frozenset(above) for base, above in found.items()}


def _recipe(
    parsed: df.Dockerfile,
    stages: tuple[df.Stage, ...],
    ignore_text: str,
    settings: BuildSettings,
) -> dict[str, object]:
    """Give the part of the fingerprint that no file of the context makes: meaning, not bytes."""
    return {
        "syntax": parsed.directives.get("syntax", ""),
        "args": [_canonical(one) for one in parsed.globals],
        "stages": [
            [stage.base, stage.platform, [_canonical(one) for one in stage.instructions]]
            for stage in stages
        ],
        "ignore": [list(pair) for pair in ignorefile.parse(ignore_text).patterns],
        "build-args": dict(settings.build_args),
        "platform": settings.platform,
    }


def _canonical(instruction: df.Instruction) -> list[object]:
    flags = [list(pair) for pair in instruction.flags]
    return [instruction.keyword, flags, instruction.args, list(instruction.heredocs)]


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
