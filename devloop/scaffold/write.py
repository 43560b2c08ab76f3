"""The effects of init: reading templates and what is there, writing files one by one, whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from devloop.errors import HostError, UserError
from devloop.scaffold.plan import FILES, FilePlan
from devloop.scaffold.render import DOCKERFILES, Template, Templates
from devloop.stacks import registry

_PACKAGE = Path(__file__).resolve().parent.parent
TEMPLATE_FOLDERS = (_PACKAGE / "templates", _PACKAGE.parent / "templates")
"""Inside a wheel, and at the top of a checkout."""
_MODE = 0o666


def read_templates(folders: Iterable[Path] = TEMPLATE_FOLDERS) -> Templates:
    """Read every template by its name from the first of these folders that has any.

    Raises ``HostError`` where none has: the installation is not whole.
    """
    for folder in folders:
        found = {
            path.name: Template(str(path), path.read_text("utf-8"))
            for path in sorted(folder.glob("*.j2"))
        }
        if found:
            return found
    raise HostError("devloop's templates are missing.", hint="Install devloop again.")


def with_own(ours: Templates, folder: Path) -> Templates:
    """Read a team's templates: those named as ours take their place, others can be included.

    Raises ``UserError`` if it is no folder, holds no template, or one that cannot be read, is no
    text or bears the name of no stack.
    """
    if not folder.is_dir():
        hint = "--template names one with templates in it"
        raise UserError(f"there is no folder {folder}", hint=hint)
    own = {path.name: _own(path) for path in sorted(folder.glob("*.j2"))}
    if not own:
        names = ", ".join(sorted(ours))
        raise UserError(f"{folder} has no template", hint=f"name a file as one of {names}")
    for name in own.keys() - ours.keys():
        if name.endswith(DOCKERFILES):
            known = ", ".join(sorted(registry.STACKS))
            said = f"{folder / name} is the template of no stack"
            raise UserError(said, hint=f"the stacks are {known}")
    return {**ours, **own}


def _own(path: Path) -> Template:
    try:
        return Template(str(path), path.read_text("utf-8"))
    except OSError as error:
        said = f"{path} could not be read: {error.strerror or error}"
        raise UserError(said, hint="make it a readable file") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        place, hint = f"{path}:{line}", "save it as UTF-8"
        raise UserError("the template is no text in UTF-8", location=place, hint=hint) from None


def read_existing(root: Path, names: Iterable[str] = FILES) -> Mapping[str, bytes]:
    """Read those of the files that are there; one that is no readable file reads as empty."""
    found = {}
    for name in names:
        path = root / name
        if os.path.lexists(path):
            with contextlib.suppress(OSError):
                found[name] = path.read_bytes()
            found.setdefault(name, b"")
    return found


def write(root: Path, plans: Iterable[FilePlan]) -> None:
    """Write what the plans say, each file in one step.

    A file that appeared since the plan was made is not overwritten. Raises ``UserError`` where a
    file is a folder, is a link out of the project or appeared; ``HostError`` where the folder
    cannot be written.
    """
    for item in plans:
        if item.writes:
            target = _target(root, item.path)
            try:
                if "/" in item.path:
                    target.parent.mkdir(exist_ok=True)
                _replace(target, item)
            except OSError as error:
                reason = error.strerror or str(error)
                message = f"{item.path} could not be written: {reason}."
                raise HostError(message, hint=f"Make {root} writable.") from error


def _target(root: Path, name: str) -> Path:
    """Give the file that is written: a link is followed, but not out of the project."""
    path = root / name
    real = path.resolve()
    if not real.is_relative_to(root.resolve()):
        raise UserError(f"{name} is a link out of the project.", hint="Replace it by a file.")
    if real.is_dir():
        raise UserError(f"{name} is a folder.", hint="Rename it.")
    return real


def _replace(target: Path, item: FilePlan) -> None:
    handle, name = tempfile.mkstemp(prefix=".devloop-", dir=target.parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(item.content.encode())
        scratch.chmod(_mode(target))
        _move(scratch, target, item)
    finally:
        scratch.unlink(missing_ok=True)


def _move(scratch: Path, target: Path, item: FilePlan) -> None:
    if item.action != "create":
        scratch.replace(target)
        return
    try:
        os.link(scratch, target)  # unlike a rename it fails where somebody was faster
    except FileExistsError:
        message = f"{item.path} appeared in the meantime and was kept."
        raise UserError(message, hint="Run init again.") from None
    except OSError:  # a file system without hard links
        with target.open("xb") as file:
            file.write(item.content.encode())


def _mode(target: Path) -> int:
    """Give the mode of the file that is replaced, or that of a new one."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    umask = os.umask(0)
    os.umask(umask)
    return _MODE & ~umask
