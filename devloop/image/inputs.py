"""Which files of a project an image is made of, read from its Dockerfile.

The law: a context source of a stage that the target needs is an input, unless the bind mount shows
the same file at the same path and either no RUN follows or the instruction brings a directory. Of
such a directory only manifests are inputs. Where nothing can be mounted every source is an input.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from devloop.errors import UserError
from devloop.image import dockerfile as df
from devloop.image import ignorefile
from devloop.image.ignorefile import Ignore
from devloop.image.sources import CONTEXT, Carry, CopySource, carries, moved, sources


class Role(StrEnum):
    """How a file counts: by the fields of a manifest, or by its bytes."""

    FIELDS = "fields"
    CONTENT = "content"


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
    sources: tuple[CopySource, ...]
    carries: tuple[Carry, ...]
    chain: frozenset[int]
    descends: Mapping[int, frozenset[int]]
    ignore: Ignore
    recipe: Mapping[str, object]
    secrets: frozenset[str] = frozenset()
    ssh: bool = False

    @property
    def session(self) -> bool:
        """Say whether the build needs a session with this machine."""
        return bool(self.secrets) or self.ssh

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
        found = [(one, place) for one in self.sources if (place := one.lands(path)) is not None]
        counts = [self._counts(one, place, path, found, manifest) for one, place in found]
        if not any(counts) or self.ignore.matches(path):
            return None
        by_fields = self.mount is not None and manifest(path)
        return Role.FIELDS if by_fields else Role.CONTENT

    def _counts(
        self,
        source: CopySource,
        place: tuple[str, bool],
        path: str,
        found: list[tuple[CopySource, tuple[str, bool]]],
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
        source: CopySource,
        place: str,
        path: str,
        found: list[tuple[CopySource, tuple[str, bool]]],
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
                there = moved(carry, path) if carry.origin == here else None
                if there:
                    todo.append((carry.stage, there))


@dataclass(frozen=True)
class BuildSettings:
    """What the user says of the build: the ``app`` keys of devloop.yaml that change an image."""

    target: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()
    mount: str | None = None
    platform: str = ""


class TargetError(UserError):
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
    found = tuple(
        one for stage in stages for one in sources(parsed, stage, stages, args, base_workdir)
    )
    secrets, ssh = df.sessions(parsed, target)
    draft = ImageInputs(
        target=target.name,
        mount=None,
        unmounted="",
        workdir=df.final_workdir(parsed, target, args, base_workdir),
        port=df.exposed_port(parsed, target),
        bases=df.images(parsed, target),
        sources=found,
        carries=tuple(
            one for stage in stages for one in carries(parsed, stage, args, base_workdir)
        ),
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
