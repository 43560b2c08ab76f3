"""Which instruction installs a project's dependencies, by the command that it runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from devloop.image import dockerfile as df

_SPLIT = re.compile(r"&&|\|\||[;|\n]")
_WORD_BEFORE = re.compile(r"^(?:[A-Za-z_]\w*=.*|sudo|exec|env|time|set|corepack|-\w+)$")
_NAMED = frozenset({"npm", "pnpm", "bun"})
"""They add a package when one is named, instead of installing what the manifests say."""

COMMANDS: dict[tuple[str, str], str] = {
    ("npm", "ci"): "node",
    ("npm", "clean-install"): "node",
    ("npm", "install"): "node",
    ("npm", "i"): "node",
    ("pnpm", "install"): "node",
    ("pnpm", "i"): "node",
    ("yarn", ""): "node",
    ("yarn", "install"): "node",
    ("bun", "install"): "node",
    ("bun", "i"): "node",
    ("deno", "install"): "deno",
    ("uv", "sync"): "python",
    ("poetry", "install"): "python",
    ("pipenv", "install"): "python",
    ("pipenv", "sync"): "python",
    ("pdm", "install"): "python",
    ("pdm", "sync"): "python",
    ("go", "mod"): "go",
    ("cargo", "fetch"): "rust",
    ("bundle", "install"): "ruby",
    ("bundle", ""): "ruby",
    ("composer", "install"): "php",
    ("dotnet", "restore"): "dotnet",
    ("mix", "deps.get"): "elixir",
}
_PIP = frozenset({"pip", "pip3"})


@dataclass(frozen=True)
class Install:
    """An instruction that installs; ``alone`` if it does nothing else."""

    stage: df.Stage
    instruction: df.Instruction
    stack: str
    command: str
    alone: bool


def installs(parsed: df.Dockerfile) -> Iterator[Install]:
    """Yield the first install of each RUN, in file order."""
    for stage in parsed.stages:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                yield from _first(stage, instruction)


def _first(stage: df.Stage, instruction: df.Instruction) -> Iterator[Install]:
    commands = [part.strip() for part in _SPLIT.split(_script(instruction)) if part.strip()]
    for command in commands:
        stack = stack_of(command)
        if stack:
            yield Install(stage, instruction, stack, command, alone=len(commands) == 1)
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
    if not words:
        return ""
    tool, *rest = words
    if tool.startswith("python") and rest[:2] == ["-m", "pip"]:
        tool, rest = "pip", rest[2:]
    if tool == "uv" and rest[:1] == ["pip"]:
        tool, rest = "pip", rest[1:]
    if tool in _PIP:
        return "python" if rest[:1] == ["install"] and _reads_project(rest) else ""
    flags = [word for word in rest if word.startswith("-")]
    names = [word for word in rest if not word.startswith("-")]
    verb = names[0] if names else ""
    if tool == "go":
        return "go" if names[:2] == ["mod", "download"] else ""
    if tool in _NAMED and (len(names) > 1 or {"-g", "--global"} & set(flags)):
        return ""
    return COMMANDS.get((tool, verb), "")


def _reads_project(words: list[str]) -> bool:
    return any(word.startswith(("-r", "--requirement")) for word in words)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while words and _WORD_BEFORE.fullmatch(words[0]):
        words.pop(0)
    return [words[0].rsplit("/", 1)[-1], *words[1:]] if words else []
