"""What ``develop.watch`` rules mean for a save.

Compose applies every rule whose path holds the file; here the strongest of them decides: rebuild,
then restart, then sync+exec, then sync. What no rule's path holds is left to devloop's own rules,
and what a rule ignores does nothing unless another rule takes it.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from devloop.config.settings import Rule
from devloop.image import ignorefile

if TYPE_CHECKING:
    from devloop.compose.model import Service, WatchRule


class RuleVerdict(IntEnum):
    """What the rules say of a path, from weak to strong; OWN leaves it to devloop."""

    OWN = 0
    IGNORED = 1
    SYNC = 2
    EXEC = 3
    RESTART = 4
    REBUILD = 5


ACTIONS = {
    "sync": RuleVerdict.SYNC,
    "sync+exec": RuleVerdict.EXEC,
    "restart": RuleVerdict.RESTART,
    "sync+restart": RuleVerdict.RESTART,
    "rebuild": RuleVerdict.REBUILD,
}
WORDS = {
    "sync": "the mount shows a save at once, nothing is copied and nothing restarts",
    "sync+restart": "the mount shows a save, the process restarts and its container stays",
    "restart": "the process restarts and its container stays",
    "sync+exec": "the mount shows a save, and the command runs",
    "rebuild": "builds only if what the image is made of really changed",
}


def verdict(rules: Iterable[Rule], path: str) -> RuleVerdict:
    """Say what the rules want for a changed path."""
    return max((_says(rule, path) for rule in rules), default=RuleVerdict.OWN)


def command(rules: Iterable[Rule], path: str) -> str:
    """Give what sync+exec runs for a path."""
    found = (one for one in rules if one.command and _says(one, path) is RuleVerdict.EXEC)
    return next((one.command for one in found), "")


def _says(rule: Rule, path: str) -> RuleVerdict:
    below = _below(rule.path, path)
    if below is None or rule.action not in ACTIONS:
        return RuleVerdict.OWN
    if below and _patterns(rule.ignore).matches(below):
        return RuleVerdict.IGNORED
    if below and rule.include and not _patterns(rule.include).matches(below):
        return RuleVerdict.OWN
    return ACTIONS[rule.action]


@lru_cache(maxsize=256)
def _patterns(lines: tuple[str, ...]) -> ignorefile.Ignore:
    """Take patterns as an ignore file; a bare name counts in every folder, as Compose has it."""
    deep = [f"**/{line}" for line in lines if "/" not in line.rstrip("/") and line[:1] != "!"]
    return ignorefile.parse("\n".join((*lines, *deep)))


def _below(folder: str, path: str) -> str | None:
    """Give the rest of a path below a folder, empty if it is that, None if it is elsewhere."""
    if folder == ".":
        return path
    if path == folder:
        return ""
    return path[len(folder) + 1 :] if path.startswith(folder + "/") else None


def of(service: Service, context: str) -> tuple[Rule, ...]:
    """Give a service's rules below its build context."""
    found = []
    for one in service.watch:
        path = inside(context, one.path)
        if path is not None:
            found.append(Rule(path, one.action, one.ignore, one.include, one.target, _run(one)))
    return tuple(found)


def inside(context: str, path: str) -> str | None:
    """Give an absolute path below the context, ``.`` for that itself, None if it is elsewhere."""
    found = posixpath.relpath(posixpath.normpath(path or "/"), context or "/")
    return None if found.startswith("..") else found


def _run(rule: WatchRule) -> str:
    """Write the command of sync+exec for a shell, in its folder and environment."""
    argv = shlex.join(rule.command) if isinstance(rule.command, tuple) else rule.command
    values = [shlex.quote(f"{name}={value}") for name, value in rule.environment]
    env = f"env {' '.join(values)} " if values and argv else ""
    return f"cd {shlex.quote(rule.workdir)} && {env}{argv}" if rule.workdir else f"{env}{argv}"


def manifests(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Give the path filters of what asks for a rebuild."""
    found: list[str] = []
    for rule in rules:
        if rule.action == "rebuild":
            start = "" if rule.path == "." else f"{rule.path}/"
            found += [f"{start}**"] if not start else [rule.path, f"{start}**"]
            found += [f"!{start}**/{one.strip('/')}/**" for one in rule.ignore if one.strip("/!")]
    return tuple(found)


def named(rules: Iterable[Rule]) -> tuple[str, ...]:
    """List the paths that count because a rule names them."""
    return tuple(rule.path for rule in rules if rule.path != ".")


def told(service: Service, context: str) -> Iterator[str]:
    """Say once what the rules mean here."""
    for one in service.watch:
        path = inside(context, one.path)
        if path is None:
            yield (
                f"develop.watch: {one.path} is outside the build context {context}, "
                "so a save there does nothing"
            )
        else:
            user = f", as the service's user and not as {one.user}" if one.user else ""
            means = WORDS.get(one.action, "unknown")
            yield f"develop.watch: {one.action} of {path}: {means}{user}"
