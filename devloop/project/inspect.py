"""Looks at a project: reads what the pure parts ask for and puts the inspection together."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from devloop.compose import rules
from devloop.config.settings import Config
from devloop.errors import UserError
from devloop.image import inputs as image_inputs
from devloop.image.inputs import BuildSettings, ImageInputs, TargetError
from devloop.jobs.workflow.filters import PathFilter
from devloop.jobs.workflow.model import Workflow
from devloop.model import Change, ContainerSpec
from devloop.project import state as states
from devloop.project.state import CONFIG_FILE, HostFacts, Inspection, Wanted
from devloop.stacks import fingerprint as fp
from devloop.stacks import registry
from devloop.stacks.base import Detection, Snapshot
from devloop.watch import tree
from devloop.watch.ignore import Ignores

ROUNDS = 50
"""A chain of includes longer than this is a loop."""


@dataclass(frozen=True)
class Surroundings:
    """What a look takes from outside the project.

    What `devloop init` would write, for projects that have no Dockerfile, and the uid and gid that
    the container runs as, None for the image's own. ``config`` gives the configuration, from the
    project's own devloop.yaml if it is None; ``finish`` has the last word on the container.
    """

    dockerfile: Callable[[tuple[Detection, ...]], str]
    dockerignore: Callable[[tuple[Detection, ...]], str]
    user: tuple[int, int] | None = None
    debug_port: int | None = None
    config: Callable[[], Config] | None = None
    finish: Callable[[ContainerSpec], ContainerSpec] = lambda spec: spec

    def configured(self, root: str) -> Config:
        """Give the configuration in force; raises ``ConfigError``."""
        return self.config() if self.config else read_config(root)


def read_config(root: str) -> Config:
    """Read devloop.yaml; a project without one has the defaults. Raises ``ConfigError``."""
    content = tree.read(root, CONFIG_FILE)
    if content is None:
        return Config()
    from devloop.config.load import load  # noqa: PLC0415 - yaml is for those who have some

    return load(content, CONFIG_FILE)


def read_workflows(root: str, config: Config) -> tuple[Workflow, ...]:
    """Read the jobs of devloop.yaml and of the files it names.

    Raises ``ConfigError`` for a wrong file, ``UserError`` for one that is not there.
    """
    found = [config.workflow]
    if config.workflows:
        from devloop.jobs.workflow import grammar  # noqa: PLC0415 - the same
    for path in config.workflows:
        content = tree.read(root, path)
        if content is None:
            raise UserError(f"workflows names {path}, which is not there", location=CONFIG_FILE)
        found.append(grammar.load(content, path))
    return tuple(found)


def snapshot(root: str, paths: Iterable[str]) -> Snapshot:
    """Read what the stacks ask for, until they ask for nothing new."""
    found = Snapshot(frozenset(paths), {})
    asked: set[str] = set()
    for _ in range(ROUNDS):
        wanted = registry.wanted(found) - asked
        if not wanted:
            break
        asked |= wanted
        found = replace(found, contents={**found.contents, **tree.read_all(root, sorted(wanted))})
    return found


def files(root: str, config: Config) -> list[str]:
    """List the project's files as the loop sees them."""
    ignores = tree.load_ignores(root, config.app.keep or (), named(config))
    return tree.walk(root, ignores.prunes)


def ignores(root: str, inspection: Inspection) -> Ignores:
    """Give what the watcher leaves out, for a inspection."""
    return tree.load_ignores(
        root, inspection.wanted.spec.keep, named(inspection.config, inspection.inputs)
    )


def named(config: Config, inputs: ImageInputs | None = None) -> tuple[str, ...]:
    """List the paths that count although they may be ignored: what the project's files name."""
    app = config.app
    found = [
        CONFIG_FILE,
        app.dockerfile or "Dockerfile",
        ".dockerignore",
        *app.manifests,
        *config.workflows,
        *rules.named(config.rules),
    ]
    found += [app.env_file] if app.env_file else []
    found += [one.pattern for one in inputs.sources] if inputs else []
    return tuple(sorted({path for path in found if path != "."}))


def look(root: str, around: Surroundings, before: Inspection | None = None) -> Inspection:
    """Look at the whole project.

    Raises ``ConfigError`` (devloop.yaml), ``UserError`` (no such stage, env file or Dockerfile).
    """
    config = around.configured(root)
    paths = files(root, config)
    seen = snapshot(root, paths)
    detections = registry.detect(seen)
    text, path, generated = _dockerfile(root, config, detections, around)
    ignore, ignore_path = _ignore(root, path, detections, around, generated=generated)
    inputs = _analyse(config, text, path, ignore)
    spec = states.spec(
        config,
        detections,
        inputs,
        HostFacts(root, around.user, around.debug_port),
        _env_file(root, config),
        generated=generated,
    )
    empty = Wanted(fp.combine({}, inputs.recipe), around.finish(spec))
    drawn = Inspection(
        config, detections, inputs, empty, text, path, ignore_path, ignore, generated
    )
    return _with_files(root, drawn, paths, before)


def glance(root: str, before: Inspection, changes: Iterable[Change]) -> Inspection:
    """Look at the changed files alone; the inspection's structure must be what it was."""
    entries = dict(before.wanted.fingerprint.entries)
    meanings, broken = dict(before.meanings), dict(before.broken)
    for change in changes:
        if before.role(change.path) is not None or change.path in entries:
            _enter(root, before, change.path, entries, meanings, broken)
    after = states.with_entries(before, entries)
    return replace(after, meanings=meanings, broken=broken)


def _with_files(
    root: str, drawn: Inspection, paths: Iterable[str], before: Inspection | None
) -> Inspection:
    """Add the fingerprint's entries: every file that is an input."""
    entries: dict[str, fp.Entry] = {}
    meanings: dict[str, str] = {}
    broken: dict[str, str] = {}
    if before is not None:
        known = before.wanted.fingerprint.entries
        entries = {path: entry for path, entry in known.items() if path in before.meanings}
    wanted = [path for path in paths if drawn.role(path) is not None]
    for path in wanted:
        _enter(root, drawn, path, entries, meanings, broken)
    kept = {path: entries[path] for path in wanted if path in entries}
    return replace(states.with_entries(drawn, kept), meanings=meanings, broken=broken)


def _enter(
    root: str,
    inspection: Inspection,
    path: str,
    entries: dict[str, fp.Entry],
    meanings: dict[str, str],
    broken: dict[str, str],
) -> None:
    """Read one input and write down what it means now."""
    role, content = inspection.role(path), _content(root, path)
    broken.pop(path, None)
    if role is None or content is None:
        entries.pop(path, None)
        meanings.pop(path, None)
        return
    entries[path], complaint = states.entry(
        path,
        content,
        role,
        inspection.detections,
        executable=tree.executable(root, path),
        before=entries.get(path),
    )
    if complaint:
        broken[path] = complaint
    else:
        meanings[path] = states.meaning(path, content)


def _content(root: str, path: str) -> bytes | None:
    """Read an input; a link counts by what it points to."""
    full = os.path.join(root, path)
    if os.path.islink(full):
        return b"link " + os.fsencode(os.readlink(full)) + b" " + (tree.read(root, path) or b"")
    return tree.read(root, path)


def _dockerfile(
    root: str, config: Config, detections: tuple[Detection, ...], around: Surroundings
) -> tuple[str, str, bool]:
    path = config.app.dockerfile or "Dockerfile"
    content = tree.read(root, path)
    if content is not None:
        return content.decode("utf-8", "replace"), path, False
    if config.app.dockerfile:
        raise UserError(f"app.dockerfile names {path}, which is not there", location=CONFIG_FILE)
    return around.dockerfile(detections), ".devloop/Dockerfile", True


def _ignore(
    root: str,
    dockerfile: str,
    detections: tuple[Detection, ...],
    around: Surroundings,
    *,
    generated: bool,
) -> tuple[str, str]:
    """Find the ignore file in force: the Dockerfile's own, else the folder's."""
    for path in (f"{dockerfile}.dockerignore", ".dockerignore"):
        content = tree.read(root, path)
        if content is not None:
            return content.decode("utf-8", "replace"), path
    return (around.dockerignore(detections) if generated else ""), ".dockerignore"


def _analyse(config: Config, text: str, path: str, ignore: str) -> ImageInputs:
    app = config.app
    settings = BuildSettings(app.target, app.build_args, app.mount)
    try:
        return image_inputs.analyse(text, ignore, settings)
    except TargetError as error:
        raise UserError(str(error), location=path) from None


def _env_file(root: str, config: Config) -> tuple[tuple[str, str], ...]:
    path = config.app.env_file
    if not path:
        return ()
    content = tree.read(root, path)
    if content is None:
        raise UserError(f"app.env-file names {path}, which is not there", location=CONFIG_FILE)
    return states.env_file(content.decode("utf-8", "replace"))


def hash_files(root: str, *patterns: object) -> str:
    """Hash the project's files that match, empty if none does."""
    wanted = PathFilter(tuple(str(one) for one in patterns))
    found = hashlib.sha256()
    some = False
    for path in sorted(tree.walk(root, tree.load_ignores(root, (), ()).prunes)):
        if wanted.matches(path):
            some = True
            found.update(hashlib.sha256(tree.read(root, path) or b"").digest())
    return found.hexdigest() if some else ""
