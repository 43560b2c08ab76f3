"""`devloop doctor`: what devloop needs of this machine, and how to mend what is missing."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from devloop import process
from devloop.cli import project as projects
from devloop.cli.ps import size
from devloop.container_settings import ContainerSettings, Mount, MountKind
from devloop.engine import client, containers, create, files, images, system
from devloop.engine.client import Engine
from devloop.errors import DevloopError, HostError, RefusedError
from devloop.watch import limits

GOOD, WARNING, BAD = "good", "warning", "bad"
LITTLE_DISK = 5 << 30
NO_DISK = 1 << 30
FEW_WATCHES = 65_536
DRIFT = 2.0
MARKS = {GOOD: "ok  ", WARNING: "hm  ", BAD: "no  "}


@dataclass(frozen=True)
class Diagnosis:
    """One thing: how it is, and what to do if it is not good."""

    what: str
    state: str
    found: str
    mend: str = ""


def doctor(path: Path, output: str) -> int:
    """Look at everything; exit code 3 if something that is needed is missing."""
    root = projects.folder(path)
    found = tuple(_verdicts(root))
    if output == "json":
        text = json.dumps({"checks": [asdict(one) for one in found]}, ensure_ascii=True)
        sys.stdout.write(f"{text}\n")
    else:
        for one in found:
            mend = f"\n      {one.mend}" if one.mend else ""
            sys.stdout.write(f"{MARKS[one.state]}{one.what}: {one.found}{mend}\n")
    return HostError.exit_code if any(one.state == BAD for one in found) else 0


def _verdicts(root: str) -> Iterator[Diagnosis]:
    try:
        engine = client.connect(5)
    except DevloopError as error:
        yield Diagnosis("engine", BAD, str(error), error.hint)
    else:
        for check in (_engine, _buildkit, _clock, _engine_disk):
            yield _guarded(check, engine)
        yield _guarded(lambda it: _sharing(it, root), engine)
    yield _plugin("buildx", "builds with secrets, ssh or --tag need it")
    yield _plugin("compose", "projects with a compose.yaml need it")
    yield _disk("disk of the project", root)
    yield _watches()


def _guarded(check: Callable[[Engine], Diagnosis], engine: Engine) -> Diagnosis:
    try:
        return check(engine)
    except DevloopError as error:
        return Diagnosis("engine", BAD, f"it refused: {error}", "see the engine's own log")


def _engine(engine: Engine) -> Diagnosis:
    return Diagnosis("engine", GOOD, f"{system.version(engine).engine} at {engine.address}")


def _buildkit(engine: Engine) -> Diagnosis:
    found = system.version(engine).api
    version = ".".join(map(str, found))
    if found >= client.OLDEST_BUILDKIT:
        return Diagnosis("BuildKit", GOOD, f"in the engine (API {version})")
    return Diagnosis("BuildKit", BAD, f"API {version} has none", "update the engine to 23 or newer")


def _clock(engine: Engine) -> Diagnosis:
    began = time.time()
    theirs = system.info(engine).clock
    if theirs is None:
        return Diagnosis("clock", GOOD, "not known: the engine does not tell its own")
    drift = theirs - (began + time.time()) / 2
    if abs(drift) <= DRIFT:
        return Diagnosis("clock", GOOD, f"the engine's differs by {abs(drift):.1f}s")
    mend = "restart the engine's virtual machine, or switch on time synchronisation (NTP)"
    return Diagnosis("clock", WARNING, f"the engine's differs by {abs(drift):.0f}s", mend)


def _engine_disk(engine: Engine) -> Diagnosis:
    folder = system.info(engine).folder
    if engine.address.startswith(("http+unix", "unix", "the local")) and os.path.isdir(folder):
        return _disk("disk of the engine", folder)
    return Diagnosis("disk of the engine", GOOD, "on another machine: `docker system df` shows it")


def _disk(what: str, folder: str) -> Diagnosis:
    free = shutil.disk_usage(folder).free
    found = f"{size(free)} free"
    if free > LITTLE_DISK:
        return Diagnosis(what, GOOD, found)
    mend = "`devloop clean` and `docker system prune` free some"
    return Diagnosis(what, WARNING if free > NO_DISK else BAD, found, mend)


def _sharing(engine: Engine, root: str) -> Diagnosis:
    """See whether the engine sees the project's files, in a container that never runs."""
    known = images.labelled(engine, ())
    if not known:
        return Diagnosis("file sharing", GOOD, "not known before the first image is there")
    with tempfile.NamedTemporaryFile(dir=root, prefix=".devloop-doctor-") as probe:
        mount = Mount(MountKind.BIND, root, "/devloop-doctor", read_only=True)
        settings = ContainerSettings(known[0].id, command=("true",), mounts=(mount,))
        try:
            made = create.container(engine, settings)
        except RefusedError as error:
            return _unshared(root, error.message)
        try:
            name = os.path.basename(probe.name)
            if files.has_file(engine, made, f"/devloop-doctor/{name}"):
                return Diagnosis("file sharing", GOOD, "the engine sees the project's files")
        finally:
            containers.remove(engine, made)
    return _unshared(root, "the engine sees another folder in its place")


def _unshared(root: str, why: str) -> Diagnosis:
    mend = f"share {root} with the engine (Docker Desktop: Settings, Resources, File sharing)"
    return Diagnosis("file sharing", BAD, why, mend)


def _plugin(name: str, needed: str) -> Diagnosis:
    code, text = process.answer(["docker", name, "version", *(["--short"] * (name == "compose"))])
    if code == 0:
        return Diagnosis(name, GOOD, text.strip().splitlines()[0] if text.strip() else "there")
    mend = f"install the docker command and its {name} plugin"
    return Diagnosis(name, WARNING, f"not there; {needed}", mend)


def _watches() -> Diagnosis:
    found = limits.watches()
    if found is None:
        return Diagnosis("watch limits", GOOD, "none on this system")
    if found >= FEW_WATCHES:
        return Diagnosis("watch limits", GOOD, f"{found} folders")
    mend = "`sudo sysctl fs.inotify.max_user_watches=524288`"
    return Diagnosis("watch limits", WARNING, f"{found} folders", mend)
