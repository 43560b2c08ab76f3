"""Which instruction installs a project's dependencies, by the command that it runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from devloop.image import dockerfile as df
from devloop.stacks import registry

_SPLIT = re.compile(r"&&|\|\||[;|\n]")
_WORD_BEFORE = re.compile(r"^(?:[A-Za-z_]\w*=.*|sudo|exec|env|time|set|corepack|-\w+)$")


@dataclass(frozen=True)
class InstallStep:
    """An instruction that installs; ``alone`` if it does nothing else."""

    stage: df.Stage
    instruction: df.Instruction
    stack: str
    command: str
    alone: bool


def installs(parsed: df.Dockerfile) -> Iterator[InstallStep]:
    """Yield the first install of each RUN, in file order."""
    for stage in parsed.stages:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                yield from _first(stage, instruction)


def _first(stage: df.Stage, instruction: df.Instruction) -> Iterator[InstallStep]:
    commands = [part.strip() for part in _SPLIT.split(_script(instruction)) if part.strip()]
    for command in commands:
        stack = stack_of(command)
        if stack:
            yield InstallStep(stage, instruction, stack, command, alone=len(commands) == 1)
            return


def _script(instruction: df.Instruction) -> str:
    if instruction.heredocs:
        return "\n".join(instruction.heredocs)
    if instruction.args.startswith("["):
        return shlex.join(instruction.words())
    return instruction.args


def stack_of(command: str) -> str:
    """Name the stack whose dependencies a command installs, empty if it installs none."""
    words = _words(command)
    return registry.installed_by(words) if words else ""


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while words and _WORD_BEFORE.fullmatch(words[0]):
        words.pop(0)
    return [words[0].rsplit("/", 1)[-1], *words[1:]] if words else []
