"""A Dockerfile as values: instructions, stages, and what a target needs.

The grammar is that of the Dockerfile reference: parser directives, comments, continuation lines,
here-documents, JSON and shell forms, variables in COPY, ADD, WORKDIR and FROM. It is read, never
judged: what does not parse here is left to the builder, whose message is the better one.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

HEREDOC = re.compile(r"<<(-?)\s*([\"']?)([A-Za-z0-9_.]+)\2")
HEREDOC_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})
DIRECTIVE = re.compile(r"#\s*([a-z]+)\s*=\s*(.*?)\s*$", re.IGNORECASE)
FLAG = re.compile(r"--([a-zA-Z][\w-]*)(?:=(\S*))?(?:\s+|$)")
REFERENCE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+?])([^}]*))?\})")


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``line`` is where it starts, from 1, ``args`` what follows the flags."""

    keyword: str
    flags: tuple[tuple[str, str], ...]
    args: str
    line: int
    heredocs: tuple[str, ...] = ()

    def flag(self, name: str) -> str | None:
        """Give the value of the first flag of that name."""
        return next((value for key, value in self.flags if key == name), None)

    def words(self) -> tuple[str, ...]:
        """Split COPY's and ADD's arguments: the JSON form, or words between white space."""
        if self.args.startswith("["):
            try:
                parsed = json.loads(self.args)
            except ValueError:
                parsed = None
            if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed):
                return tuple(parsed)
        return tuple(self.args.split())


@dataclass(frozen=True)
class Stage:
    """One stage; ``base`` is another stage's index or an image's name."""

    index: int
    name: str
    base: int | str
    instructions: tuple[Instruction, ...]
    line: int
    platform: str = ""


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile; ``globals`` are the ARG instructions before the first FROM."""

    stages: tuple[Stage, ...] = ()
    globals: tuple[Instruction, ...] = ()
    directives: Mapping[str, str] = field(default_factory=dict)

    def stage(self, name: str) -> Stage | None:
        """Find a stage by name (any case) or by its number."""
        for stage in reversed(self.stages):
            if stage.name.lower() == name.lower():
                return stage
        if name.isdigit() and int(name) < len(self.stages):
            return self.stages[int(name)]
        return None

    def default_target(self) -> Stage | None:
        """Choose the stage to run: ``dev``, else ``development``, else the last one."""
        last = self.stages[-1] if self.stages else None
        return self.stage("dev") or self.stage("development") or last


def parse(text: str, build_args: Mapping[str, str] | None = None) -> Dockerfile:
    """Parse a Dockerfile; build arguments replace the defaults of the ARGs that FROM uses."""
    lines = text.removeprefix("\ufeff").splitlines()
    directives = _directives(lines)
    instructions = list(_instructions(lines, directives.get("escape", "\\")))
    heads = [i for i, one in enumerate(instructions) if one.keyword == "FROM"]
    before = tuple(instructions[: heads[0]] if heads else instructions)
    scope = _args(before, build_args or {}, {})
    stages: list[Stage] = []
    for number, start in enumerate(heads):
        end = heads[number + 1] if number + 1 < len(heads) else len(instructions)
        stages.append(_stage(stages, instructions[start], instructions[start + 1 : end], scope))
    return Dockerfile(tuple(stages), before, directives)


def needed(dockerfile: Dockerfile, target: Stage) -> tuple[Stage, ...]:
    """List the stages that the target is made of, through FROM and ``from=``, in file order."""
    seen: set[int] = set()
    todo = [target]
    while todo:
        stage = todo.pop()
        if stage.index in seen:
            continue
        seen.add(stage.index)
        todo += [dockerfile.stages[index] for index in _uses(dockerfile, stage)]
    return tuple(stage for stage in dockerfile.stages if stage.index in seen)


def images(dockerfile: Dockerfile, target: Stage) -> tuple[tuple[str, str], ...]:
    """List the images from outside that the target needs, as (name, platform), sorted."""
    found: set[tuple[str, str]] = set()
    for stage in needed(dockerfile, target):
        if isinstance(stage.base, str) and stage.base != "scratch":
            found.add((stage.base, stage.platform))
        for reference in _references(stage):
            if earlier(dockerfile, stage, reference) is None and "$" not in reference:
                found.add((reference, ""))
    return tuple(sorted(found))


def earlier(dockerfile: Dockerfile, stage: Stage, reference: str) -> Stage | None:
    """Find the stage before this one that a ``from=`` means, None if it means an image."""
    found = dockerfile.stage(reference)
    return found if found and found.index < stage.index else None


def mounts(instruction: Instruction) -> Iterator[dict[str, str]]:
    """Yield the options of each ``RUN --mount``, names in lower case, synonyms resolved."""
    synonyms = {"src": "source", "dst": "target", "destination": "target"}
    for name, value in instruction.flags:
        if name == "mount":
            pairs = (part.partition("=") for part in value.split(","))
            options = {key.strip().lower(): val.strip("\"'") for key, _, val in pairs}
            yield {synonyms.get(key, key): val for key, val in options.items()}


def sessions(dockerfile: Dockerfile, target: Stage) -> tuple[frozenset[str], bool]:
    """Give the ids of the secrets that the target's RUNs ask for, and whether one asks for ssh."""
    asked = [
        mount
        for stage in needed(dockerfile, target)
        for instruction in stage.instructions
        if instruction.keyword == "RUN"
        for mount in mounts(instruction)
    ]
    secrets = (
        one.get("id") or posixpath.basename(one.get("target", ""))
        for one in asked
        if one.get("type") == "secret"
    )
    return frozenset(filter(None, secrets)), any(one.get("type") == "ssh" for one in asked)


def chain(dockerfile: Dockerfile, target: Stage) -> tuple[Stage, ...]:
    """List the target and the stages below it through FROM, the lowest first."""
    stages = [target]
    while isinstance(stages[-1].base, int):
        stages.append(dockerfile.stages[stages[-1].base])
    return tuple(reversed(stages))


@dataclass(frozen=True)
class Place:
    """Where an instruction stands: its working directory and the variables known there."""

    workdir: str
    variables: Mapping[str, str]

    def path(self, text: str) -> str:
        """Resolve a container path, variables expanded."""
        return posixpath.normpath(posixpath.join(self.workdir, expand(text, self.variables)))


def places(
    dockerfile: Dockerfile,
    target: Stage,
    build_args: Mapping[str, str],
    base_workdir: str = "/",
) -> Iterator[tuple[Instruction, Place]]:
    """Walk one stage's instructions with their places; the bases' ENV and WORKDIR carry over."""
    global_args = _args(dockerfile.globals, build_args, {})
    workdir = base_workdir
    env: dict[str, str] = {}
    for stage in chain(dockerfile, target):
        args: dict[str, str] = {}
        for instruction in stage.instructions:
            scope = {**args, **env}
            if instruction.keyword == "WORKDIR":
                workdir = Place(workdir, scope).path(instruction.args)
            elif instruction.keyword == "ENV":
                env |= {key: expand(value, scope) for key, value in _pairs(instruction.args)}
            elif instruction.keyword == "ARG":
                args |= _args((instruction,), build_args, global_args | scope)
            if stage is target:
                yield instruction, Place(workdir, {**args, **env})


def final_workdir(
    dockerfile: Dockerfile, target: Stage, build_args: Mapping[str, str], base_workdir: str = "/"
) -> str:
    """Give the working directory in which the target's command runs."""
    workdir = base_workdir
    for stage in chain(dockerfile, target):
        for _, place in places(dockerfile, stage, build_args, base_workdir):
            workdir = place.workdir
    return workdir


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Expand ``$x``, ``${x}``, ``${x:-y}`` and ``${x:+y}`` and take one layer of quotes away."""

    def value(match: re.Match[str]) -> str:
        name, operator, word = match[1] or match[2], match[3] or "", match[4] or ""
        known = variables.get(name)
        present = known is not None and (known != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return word if present else ""
        return (known or "") if present else (word if operator.endswith("-") else "")

    out: list[str] = []
    for part in re.findall(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[^'\"\\]+|.", text):
        if part.startswith("'") and part.endswith("'") and len(part) > 1:
            out.append(part[1:-1])
        elif part.startswith("\\") and len(part) > 1:
            out.append(part[1])
        else:
            out.append(REFERENCE.sub(value, part.strip('"')))
    return "".join(out)


def exposed_port(dockerfile: Dockerfile, target: Stage) -> int | None:
    """Give the first TCP port that the target's stages EXPOSE as a plain number."""
    for stage in reversed(chain(dockerfile, target)):
        for instruction in stage.instructions:
            for word in instruction.args.split() if instruction.keyword == "EXPOSE" else ():
                number, _, protocol = word.partition("/")
                if number.isdigit() and protocol in ("", "tcp"):
                    return int(number)
    return None


def _directives(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = DIRECTIVE.fullmatch(line.strip())
        if not match:
            break
        found[match[1].lower()] = match[2]
    return found


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    number = 0
    while number < len(lines):
        start = number
        text, number = _logical(lines, number, escape)
        if not text.strip():
            continue
        keyword, _, rest = text.strip().partition(" ")
        keyword = re.split(r"\s", keyword, maxsplit=1)[0].upper()
        rest = text.strip()[len(keyword) :].strip()
        bodies: list[str] = []
        if keyword in HEREDOC_KEYWORDS:
            for dash, _, word in HEREDOC.findall(rest):
                body, number = _heredoc(lines, number, word, strip=bool(dash))
                bodies.append(body)
        flags, args = _flags(rest)
        yield Instruction(keyword, flags, args, _first(lines, start), tuple(bodies))


def _first(lines: list[str], start: int) -> int:
    """Skip the comments and blank lines before an instruction; the result counts from 1."""
    while not lines[start].strip() or lines[start].lstrip().startswith("#"):
        start += 1
    return start + 1


def _logical(lines: list[str], number: int, escape: str) -> tuple[str, int]:
    """Join continuation lines; comments between them and blank ones do not end them."""
    parts: list[str] = []
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.lstrip().startswith("#") or (parts and not line.strip()):
            continue
        stripped = line.rstrip()
        if not stripped.endswith(escape):
            parts.append(line)
            break
        parts.append(stripped[: -len(escape)])
    return "".join(parts), number


def _heredoc(lines: list[str], number: int, word: str, *, strip: bool) -> tuple[str, int]:
    body: list[str] = []
    while number < len(lines):
        line = lines[number].lstrip("\t") if strip else lines[number]
        number += 1
        if line == word:
            break
        body.append(line)
    return "\n".join(body), number


def _flags(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    found: list[tuple[str, str]] = []
    while match := FLAG.match(rest):
        found.append((match[1].lower(), match[2] or ""))
        rest = rest[match.end() :]
    return tuple(found), rest.strip()


def _stage(
    before: list[Stage],
    head: Instruction,
    instructions: list[Instruction],
    scope: Mapping[str, str],
) -> Stage:
    words = head.args.split()
    base = expand(words[0], scope) if words else ""
    name = words[2] if len(words) > 2 and words[1].lower() == "as" else ""  # noqa: PLR2004 - FROM x AS y
    known = next((one.index for one in reversed(before) if one.name.lower() == base.lower()), None)
    platform = expand(head.flag("platform") or "", scope)
    return Stage(
        index=len(before),
        name=name,
        base=base if known is None or not base else known,
        instructions=tuple(instructions),
        line=head.line,
        platform=platform,
    )


def _args(
    instructions: tuple[Instruction, ...], given: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for instruction in instructions:
        for word in instruction.args.split() if instruction.keyword == "ARG" else ():
            name, equals, default = word.partition("=")
            if name in given:
                found[name] = given[name]
            elif equals:
                found[name] = expand(default, {**known, **found})
            elif name in known:
                found[name] = known[name]
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Read ENV in both forms: ``K=V K2="a b"`` and the old ``K V``."""
    if not re.match(r"[^\s=]+=", text):
        key, _, value = text.partition(" ")
        yield key, value.strip()
        return
    for match in re.finditer(r"([^\s=]+)=((?:\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|[^\s])*)", text):
        yield match[1], match[2]


def _references(stage: Stage) -> Iterator[str]:
    for instruction in stage.instructions:
        if instruction.keyword == "COPY" and (reference := instruction.flag("from")):
            yield reference
        for mount in mounts(instruction) if instruction.keyword == "RUN" else ():
            if mount.get("from"):
                yield mount["from"]


def _uses(dockerfile: Dockerfile, stage: Stage) -> Iterator[int]:
    if isinstance(stage.base, int):
        yield stage.base
    for reference in _references(stage):
        found = earlier(dockerfile, stage, reference)
        if found:
            yield found.index
