"""A server on localhost: inside a container nobody outside reaches it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devloop.check.subject import CheckSubject, Edit, Finding, Level
from devloop.image import dockerfile as df
from devloop.model import Command
from devloop.stacks import registry
from devloop.stacks.facts import Scripts

EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container; published on 127.0.0.1 alone
LOCAL = r"(?:localhost|127\.0\.0\.1)"
BOUND = re.compile(
    rf"(?:--(?:host|hostname|bind|address|ip|server\.address|listen)[= ]+|-[bHSo] ?)"
    rf"[\"']?(?:tcp://)?({LOCAL})(?=[:\s\"']|$)"
)
VARIABLE = re.compile(
    rf"\b(?:HOST|HOSTNAME|BIND|ADDRESS|FLASK_RUN_HOST|UVICORN_HOST)[= ]+[\"']?({LOCAL})\b"
)
CODE = re.compile(
    rf"\.listen\([^)\n]*[\"']({LOCAL})[\"']|\bhost\s*[=:]\s*[\"']({LOCAL})[\"']"
    rf"|(?:ListenAndServe|\.Run|net\.Listen|bind)\((?:[\"']tcp[\"'],\s*)?[\"']({LOCAL}):"
)


@dataclass(frozen=True)
class _Line:
    """A command as a person wrote it, with its place; ``own`` if it stands in the Dockerfile."""

    path: str
    line: int
    text: str
    own: bool = False


def server_on_localhost(subject: CheckSubject) -> list[Finding]:
    """Find commands, variables and code that make a server listen on localhost."""
    found = [one for line in _commands(subject) for one in _judged(subject, line)]
    found += [one for line in _variables(subject) for one in _named(subject, line, VARIABLE)]
    found += list(_code(subject))
    return list({(one.path, one.line): one for one in reversed(found)}.values())[::-1]


def _commands(subject: CheckSubject) -> Iterator[_Line]:
    if subject.run is not None:
        line = _Line("devloop.yaml", subject.run_line, _text(subject.run))
        yield line
        yield from _script(subject, line.text)
    for stage in subject.ends if subject.run is None else subject.dockerfile.stages[-1:]:
        for line in _started(subject, stage):
            yield line
            yield from _script(subject, line.text)


def _started(subject: CheckSubject, stage: df.Stage) -> list[_Line]:
    """Give the ENTRYPOINT and CMD in force in a stage."""
    chain = df.chain(subject.dockerfile, stage)
    every = [one for part in chain for one in part.instructions]
    last = {one.keyword: one for one in every if one.keyword in ("CMD", "ENTRYPOINT")}
    if not last:
        return []
    text = " ".join(
        shlex.join(last[key].words()) if last[key].args.startswith("[") else last[key].args
        for key in ("ENTRYPOINT", "CMD")
        if key in last
    )
    where = last.get("CMD") or last["ENTRYPOINT"]
    return [_Line(subject.path, where.line, text, own=True)]


def _script(subject: CheckSubject, command: str) -> Iterator[_Line]:
    """Follow `npm run dev` and its like into the file with the scripts."""
    words = command.split()
    for one in registry.SCRIPTS:
        if words and words[0] in one.runners:
            names = [word for word in words[1:] if word != "run" and not word.startswith("-")]
            yield from _named_script(subject, one, names[:1], command)


def _named_script(
    subject: CheckSubject, where: Scripts, names: Sequence[str], command: str
) -> Iterator[_Line]:
    text = subject.snapshot.text(where.file)
    try:
        table = json.loads(text).get(where.table, {})
        found = {name: table.get(name) for name in names}
    except (ValueError, AttributeError, RecursionError):
        return
    for name, script in found.items():
        if isinstance(script, str):
            line = _line_of(text, f'"{where.table}"', f'"{name}"')
            yield _Line(where.file, line, f"{script} {command}")


def _line_of(text: str, table: str, key: str) -> int:
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if table in line), 0)
    inside = (i + 1 for i, line in enumerate(lines) if i >= start and key in line)
    return next(inside, start + 1)


def _judged(subject: CheckSubject, line: _Line) -> Iterator[Finding]:
    explicit = list(_named(subject, line, BOUND))
    yield from explicit
    if explicit:
        return
    told = line.text + " " + " ".join(one.text for one in _variables(subject))
    for one in registry.SERVERS:
        if re.search(one.command, line.text) and not re.search(one.told, told):
            yield _finding(line, "listens on localhost unless told otherwise", f"add `{one.add}`")
            return


def _named(subject: CheckSubject, line: _Line, pattern: re.Pattern[str]) -> Iterator[Finding]:
    match = pattern.search(line.text)
    if match:
        edit = _replaced(subject, line, match[1]) if line.own else None
        yield _finding(line, f"is told to listen on {match[1]}", "listen on 0.0.0.0", edit)


def _replaced(subject: CheckSubject, line: _Line, address: str) -> Edit | None:
    """Write 0.0.0.0 for the address where it stands once, in the line itself."""
    text = subject.text.splitlines()[line.line - 1]
    if text.count(address) != 1:
        return None
    return Edit(subject.path, line.line, line.line + 1, (text.replace(address, EVERYWHERE),))


def _variables(subject: CheckSubject) -> Iterator[_Line]:
    for stage in subject.ends:
        for part in df.chain(subject.dockerfile, stage):
            for one in part.instructions:
                if one.keyword == "ENV":
                    yield _Line(subject.path, one.line, one.args, own=True)


def _code(subject: CheckSubject) -> Iterator[Finding]:
    """Look through the sources that the stacks read: the app's entry."""
    for path in sorted(subject.snapshot.contents):
        if not path.endswith(registry.SERVED):
            continue
        for number, text in enumerate(subject.snapshot.text(path).splitlines(), 1):
            match = CODE.search(text)
            if match and not text.lstrip().startswith(("#", "//")):
                address = next(filter(None, match.groups()))
                line = _Line(path, number, text)
                yield _finding(line, f"is told to listen on {address}", "listen on 0.0.0.0")


def _finding(line: _Line, what: str, mend: str, edit: Edit | None = None) -> Finding:
    return Finding(
        Level.ERROR,
        "server-on-localhost",
        line.path,
        line.line,
        f"the server {what}",
        "localhost is the container's own: no published port reaches it",
        mend,
        edit=edit,
    )


def _text(command: Command) -> str:
    return command if isinstance(command, str) else shlex.join(command)
