"""The project as the loop sees it: what the image is made of, what the container is made of.

Pure: ``look`` (the shell) reads the files, these functions say what they mean.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from devloop.config.settings import Config
from devloop.errors import UserError
from devloop.image.inputs import ImageInputs, Role
from devloop.jobs.workflow.filters import PathFilter
from devloop.model import (
    ByItself,
    ByRestart,
    BySignal,
    ContainerSpec,
    Debugger,
    Port,
    Reload,
)
from devloop.stacks import fingerprint as fp
from devloop.stacks import registry
from devloop.stacks.base import Detection, ManifestError
from devloop.stacks.fingerprint import Entry, Fingerprint

CONFIG_FILE = "devloop.yaml"


@dataclass(frozen=True)
class Wanted:
    """What should run: an image by its fingerprint, a container by its spec."""

    fingerprint: Fingerprint
    spec: ContainerSpec

    def same_image(self, other: Wanted | None) -> bool:
        """Say whether both need the same image."""
        return other is not None and self.fingerprint.digest == other.fingerprint.digest

    def same(self, other: Wanted | None) -> bool:
        """Say whether both are the same container."""
        return self.same_image(other) and other is not None and self.spec == other.spec


@dataclass(frozen=True)
class Inspection:
    """Everything known of a project at one moment.

    ``meanings`` are digests of whole parsed manifests: equal ones differ in form alone.
    ``dockerfile`` is the text in force, ``generated`` whether it is ours under .devloop.
    ``broken`` are manifests whose last good state is in force, with the parser's words.
    """

    config: Config
    detections: tuple[Detection, ...]
    inputs: ImageInputs
    wanted: Wanted
    dockerfile: str
    dockerfile_path: str
    ignore_path: str
    ignore: str
    generated: bool
    meanings: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @property
    def reload(self) -> Reload:
        """What a source change does."""
        if self.config.app.reload:
            return self.config.app.reload
        itself = bool(self.detections) and self.detections[0].reload == ByItself.kind
        return ByItself() if itself else ByRestart()

    @property
    def suffixes(self) -> frozenset[str]:
        """Endings and names of the files that restart the app."""
        return frozenset().union(*(one.suffixes for one in self.detections))

    def role(self, path: str) -> Role | None:
        """Say how a path counts for the image."""
        return self.inputs.role(path, self.is_manifest)

    def is_manifest(self, path: str) -> bool:
        """Say whether a stack, or app.manifests, takes this path for a manifest."""
        if below(path, self.wanted.spec.keep):
            return False
        return is_manifest(path, self.config)

    def structural(self, path: str) -> bool:
        """Say whether a change of this path asks for a new look at the whole project."""
        app = self.config.app
        return path in (CONFIG_FILE, self.dockerfile_path, self.ignore_path, app.env_file) or (
            self.generated and path in ("Dockerfile", ".dockerignore")
        )


def is_manifest(path: str, config: Config) -> bool:
    """Say whether a stack or ``app.manifests`` names this path."""
    return registry.is_manifest(path) or PathFilter(config.app.manifests).matches(path)


def below(path: str, folders: tuple[str, ...]) -> bool:
    """Say whether a path is one of the folders or below one."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def entry(
    path: str,
    content: bytes,
    role: Role,
    detections: tuple[Detection, ...],
    *,
    executable: bool = False,
    before: Entry | None = None,
) -> tuple[Entry, str]:
    """Make the fingerprint's entry of an input; also gives the parser's complaint, or ``""``.

    A manifest that parsed before and does not now keeps its last good entry.
    """
    if role is Role.CONTENT:
        return fp.by_content(content, executable=executable), ""
    try:
        fields = registry.fields(path, content, detections)
    except ManifestError as error:
        if before is not None and before.fields is not None:
            return before, str(error)
        return fp.by_content(content, warning=str(error)), ""
    return (fp.by_content(content) if fields is None else fp.by_fields(fields)), ""


def meaning(path: str, content: bytes) -> str:
    """Hash what a file says, whatever its form: JSON and TOML by value, others by bytes."""
    try:
        if path.endswith(".json"):
            value = json.loads(content)
        elif path.endswith(".toml"):
            value = tomllib.loads(content.decode("utf-8"))
        else:
            return hashlib.sha256(content).hexdigest()
        text = json.dumps(value, sort_keys=True, default=str)
    except (ValueError, RecursionError):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()


def with_entries(inspection: Inspection, entries: Mapping[str, Entry]) -> Inspection:
    """Give the inspection with other entries and the fingerprint that they make."""
    fingerprint = fp.combine(entries, inspection.inputs.recipe)
    return replace(inspection, wanted=replace(inspection.wanted, fingerprint=fingerprint))


@dataclass(frozen=True)
class HostFacts:
    """What the container's spec takes from outside: the folder, the user, a debugger's port."""

    root: str
    user: tuple[int, int] | None
    debug_port: int | None = None


def spec(
    config: Config,
    detections: tuple[Detection, ...],
    inputs: ImageInputs,
    host: HostFacts,
    env_file: tuple[tuple[str, str], ...],
    *,
    generated: bool,
) -> ContainerSpec:
    """Say what the container is made of; what devloop.yaml leaves open the stack or image says."""
    app = config.app
    lead = detections[0] if detections else None
    return ContainerSpec(
        root=host.root,
        mount=inputs.mount,
        keep=_keep(config, detections, generated=generated) if inputs.mount else (),
        command=app.run,
        ports=_ports(config, inputs, lead),
        env=tuple(sorted({**_dev_env(detections), **dict(env_file), **dict(app.env)}.items())),
        user=host.user,
        stop_grace=app.stop_grace,
        memory=app.memory,
        cpus=app.cpus,
        reload_signal=app.reload.name if isinstance(app.reload, BySignal) else "",
        health=app.health,
        debugger=_debugger(host.debug_port, lead),
    )


def _debugger(port: int | None, lead: Detection | None) -> Debugger | None:
    if port is None:
        return None
    stack = lead.name if lead else "this stack"
    if stack not in registry.DEBUGGERS:
        known = " and ".join(sorted(registry.DEBUGGERS))
        raise UserError(f"devloop has no debugger for {stack}", hint=f"it has for {known}")
    return Debugger(stack, port)


def _dev_env(detections: tuple[Detection, ...]) -> dict[str, str]:
    return {one.name: one.value for found in detections for one in found.dev_env}


def _keep(config: Config, detections: tuple[Detection, ...], *, generated: bool) -> tuple[str, ...]:
    if config.app.keep is not None:
        return tuple(sorted(config.app.keep))
    kept = {path for one in detections for path in one.keep}
    if not generated:
        kept |= {path for one in detections for path in one.keep_foreign}
    return tuple(sorted(posixpath.normpath(path) for path in kept))


def _ports(config: Config, inputs: ImageInputs, lead: Detection | None) -> tuple[Port, ...]:
    if config.app.ports is not None:
        return config.app.ports
    port = inputs.port or (lead.port if lead else None)
    return (Port(port, port),) if port else ()


def env_file(text: str) -> tuple[tuple[str, str], ...]:
    """Read an env file: ``NAME=value`` lines, comments, ``export``, one layer of quotes."""
    found: dict[str, str] = {}
    for raw in text.splitlines():
        line = raw.strip().removeprefix("export ").strip()
        name, equals, value = line.partition("=")
        if not equals or line.startswith("#"):
            continue
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[name.strip()] = value[1:-1] if quoted else value.split(" #")[0].rstrip()
    return tuple(sorted(found.items()))
