"""What makes an image slow to build, wrong or unsafe: the Dockerfile and its ignore file."""

from __future__ import annotations

import posixpath

from devloop.check.installs import InstallStep, installs
from devloop.check.subject import CheckSubject, Edit, Finding, Level
from devloop.image import dockerfile as df
from devloop.image import ignorefile
from devloop.image.sources import CONTEXT, CopySource
from devloop.scaffold import quote
from devloop.stacks import registry
from devloop.stacks.base import Detection
from devloop.stacks.paths import folder

SHOWN = 3


def source_before_install(subject: CheckSubject) -> list[Finding]:
    """Find the source that is copied before the dependencies are installed."""
    found: dict[tuple[int, int], Finding] = {}
    every = tuple(installs(subject.dockerfile))
    for install in every:
        detection = subject.detection(install.stack)
        if detection is None or detection.needs_source:
            continue
        for source in subject.before(install.stage, install.instruction.line):
            early = not source.bound and not _installed_before(subject, every, install, source)
            if early and _brings_source(subject, source, detection):
                key = (source.stage, source.line)
                found.setdefault(key, _too_early(subject, install, detection, source))
    return list(found.values())


def _installed_before(
    subject: CheckSubject, every: tuple[InstallStep, ...], install: InstallStep, source: CopySource
) -> bool:
    """Say whether a first install stands before the source: a later one drops packages again."""
    lower = {one.index for one in df.chain(subject.dockerfile, install.stage)}
    return any(
        one.stack == install.stack
        and one.stage.index in lower
        and one.instruction.line < source.line
        for one in every
    )


def _brings_source(subject: CheckSubject, source: CopySource, detection: Detection) -> bool:
    manifests = {path for one in subject.detections for path in one.manifests}
    return any(
        path.endswith(tuple(detection.suffixes))
        for path in subject.snapshot.paths - manifests
        if not subject.ignores.matches(path) and source.lands(path)
    )


def _too_early(
    subject: CheckSubject, install: InstallStep, detection: Detection, source: CopySource
) -> Finding:
    manifests = _installed(detection)
    return Finding(
        Level.WARNING,
        "source-before-install",
        subject.path,
        source.line,
        f"the source is copied before `{install.command}` in line {install.instruction.line}",
        "the builder's cache ends here: a change of any file installs every dependency anew",
        f"copy {_few(manifests)} first, then install, then copy the rest",
        edit=_swapped(subject, install, manifests, source),
    )


def _swapped(
    subject: CheckSubject, install: InstallStep, manifests: tuple[str, ...], source: CopySource
) -> Edit | None:
    """Put the manifests before the install and the source after it, where they are neighbours."""
    instructions = install.stage.instructions
    at = next((i for i, one in enumerate(instructions) if one.line == source.line), -1)
    follows = at >= 0 and instructions[at + 1 : at + 2] == (install.instruction,)
    plain = not instructions[at].flags and source.pattern == CONTEXT and _simple(install)
    if not follows or not plain or not manifests or source.stage != install.stage.index:
        return None
    lines = subject.text.splitlines()
    first, end = install.instruction.line, _end(subject, install.instruction)
    copy, run = lines[source.line - 1 : first - 1], lines[first - 1 : end - 1]
    target = instructions[at].words()[-1]
    swapped = (*copies(manifests, target), *_plain(run), *_plain(copy))
    return Edit(subject.path, source.line, end, swapped)


def _simple(install: InstallStep) -> bool:
    """Say whether an instruction does nothing but install, in lines that can be moved."""
    return install.alone and not install.instruction.heredocs


def _plain(lines: list[str]) -> list[str]:
    """Leave out blank lines at the end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _end(subject: CheckSubject, instruction: df.Instruction) -> int:
    """Give the line after an instruction, its continuation lines included."""
    lines = subject.text.splitlines()
    at = instruction.line - 1
    while at < len(lines) and lines[at].rstrip().endswith("\\"):
        at += 1
    return at + 2


def copies(manifests: tuple[str, ...], target: str) -> tuple[str, ...]:
    """Write one COPY a folder, below a target."""
    by_folder: dict[str, list[str]] = {}
    for path in manifests:
        by_folder.setdefault(folder(path), []).append(path)
    base = target.rstrip("/") or "/"
    return tuple(
        f"COPY {quote.copied(names, posixpath.join(base, where, ''))}"
        for where, names in sorted(by_folder.items())
    )


def manifest_not_copied(subject: CheckSubject) -> list[Finding]:
    """Find manifests that an install reads and that are not there when it runs."""
    found = []
    for install in installs(subject.dockerfile):
        detection = subject.detection(install.stack)
        if detection is None or _carries(install):
            continue
        there = subject.before(install.stage, install.instruction.line)
        wanted = _installed(detection)
        missing = tuple(path for path in wanted if not any(one.lands(path) for one in there))
        if missing and len(missing) < len(wanted):
            found.append(_missing(subject, install, there, missing))
    return found


def _carries(install: InstallStep) -> bool:
    """Say whether a stage takes files from elsewhere, of which nothing is known here."""
    return any(one.keyword == "COPY" and one.flag("from") for one in install.stage.instructions)


def _missing(
    subject: CheckSubject,
    install: InstallStep,
    there: tuple[CopySource, ...],
    missing: tuple[str, ...],
) -> Finding:
    line = install.instruction.line
    target = _beside(subject, there)
    edit = Edit(subject.path, line, line, copies(missing, target)) if target else None
    return Finding(
        Level.ERROR,
        "manifest-not-copied",
        subject.path,
        line,
        f"{_few(missing)} {'is' if len(missing) == 1 else 'are'} not copied before "
        f"`{install.command}`",
        "the install reads it: it fails, or installs something else than on your machine",
        f"copy {_few(missing)} before this line",
        edit=edit,
    )


def _beside(subject: CheckSubject, there: tuple[CopySource, ...]) -> str:
    """Name the folder in which the root's manifests land, empty if they are bound or elsewhere."""
    for source in there:
        for path in subject.snapshot.paths:
            if not source.bound and "/" not in path and (landed := source.lands(path)):
                return posixpath.dirname(landed[0])
    return ""


def _installed(detection: Detection) -> tuple[str, ...]:
    """List the manifests that an install reads."""
    return tuple(
        path
        for path in detection.manifests
        if path not in detection.secrets and posixpath.basename(path) not in registry.VERSION_FILES
    )


def manifest_ignored(subject: CheckSubject) -> list[Finding]:
    """Find manifests that the ignore file keeps out of the build."""
    secrets = {path for one in subject.detections for path in one.secrets}
    manifests = {path for one in subject.detections for path in _installed(one)} - secrets
    hidden = sorted(path for path in manifests if subject.ignores.matches(path))
    by_line: dict[int, list[str]] = {}
    for path in hidden:
        by_line.setdefault(_ignoring_line(subject, path), []).append(path)
    return [_hidden(subject, line, paths) for line, paths in sorted(by_line.items())]


def _ignoring_line(subject: CheckSubject, path: str) -> int:
    """Name the line whose pattern decides for a path: the last at which it became ignored."""
    lines = subject.ignore.splitlines()
    for end in range(len(lines), 0, -1):
        if not ignorefile.parse("\n".join(lines[: end - 1])).matches(path):
            return end
    return 1


def _hidden(subject: CheckSubject, line: int, paths: list[str]) -> Finding:
    pattern = subject.ignore.splitlines()[line - 1].strip()
    after = len(subject.ignore.splitlines()) + 1
    return Finding(
        Level.ERROR,
        "manifest-ignored",
        subject.ignore_path,
        line,
        f"`{pattern}` hides {_few(tuple(paths))} from the build",
        "a COPY of it fails, and a COPY of the folder leaves it out",
        f"add `!{paths[0]}` below it",
        edit=Edit(subject.ignore_path, after, after, tuple(f"!{path}" for path in paths)),
    )


def no_workdir(subject: CheckSubject) -> list[Finding]:
    """Find stages that work in / because nothing says where."""
    found = {}
    for stage in subject.ends:
        chain = df.chain(subject.dockerfile, stage)
        keywords = {one.keyword for part in chain for one in part.instructions}
        first = chain[0]
        if "WORKDIR" not in keywords and keywords & {"COPY", "ADD"} and first.base != "scratch":
            found[first.line] = Finding(
                Level.WARNING,
                "no-workdir",
                subject.path,
                first.line,
                "no WORKDIR: the app lives wherever the base image says, / as a rule",
                "nothing can be mounted on /, so every save would have to build the image",
                "add `WORKDIR /app` before the first COPY",
            )
    return list(found.values())


def root_user(subject: CheckSubject) -> list[Finding]:
    """Find a last stage that runs as root."""
    stages = subject.dockerfile.stages
    if not stages:
        return []
    last = stages[-1]
    chain = df.chain(subject.dockerfile, last)
    users = [one for part in chain for one in part.instructions if one.keyword == "USER"]
    if not users and "nonroot" in str(chain[0].base):
        return []
    name = users[-1].args.split(":")[0].strip() if users else "root"
    if name not in ("root", "0"):
        return []
    return [
        Finding(
            Level.WARNING,
            "root-user",
            subject.path,
            users[-1].line if users else last.line,
            "the last stage runs as root",
            "whoever breaks out of the app is root in the container",
            "add `USER 10001` before CMD, and give that user what the app writes to",
        )
    ]


def unpinned_base(subject: CheckSubject) -> list[Finding]:
    """Find base images without a tag, or with `latest`."""
    found = []
    for stage in subject.dockerfile.stages:
        base = stage.base
        if not isinstance(base, str) or base in ("scratch", "") or "$" in base or "@" in base:
            continue
        name, _, tag = base.rpartition("/")[2].partition(":")
        if tag in ("", "latest"):
            found.append(_unpinned(subject, stage, base, name))
    return found


def _unpinned(subject: CheckSubject, stage: df.Stage, base: str, name: str) -> Finding:
    known = (one.image for one in subject.detections if one.image.split(":")[0] == name)
    return Finding(
        Level.WARNING,
        "unpinned-base",
        subject.path,
        stage.line,
        f"the base image {base} has no fixed tag",
        "tomorrow it is another version, and the build another build",
        f"name one, for instance {next(known, f'{name}:<version>')}",
    )


def _few(paths: tuple[str, ...]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
