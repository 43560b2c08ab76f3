"""What a step says to the runner: workflow commands on its output, files that it wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

COMMAND = re.compile(r"\s*::([A-Za-z][A-Za-z-]*)(?:\s+([^:]*?(?:[^:]|:(?!:))*?))?::(.*)", re.DOTALL)
KNOWN = frozenset(
    {
        "error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "stop-commands",
        "set-output", "save-state", "echo", "add-matcher", "remove-matcher",
    }
)  # fmt: skip
LEVELS = ("error", "warning", "notice")


@dataclass(frozen=True)
class WorkflowCommand:
    """``::name key=value,…::text``, unescaped."""

    name: str
    text: str
    properties: Mapping[str, str] = field(default_factory=dict)

    def number(self, *names: str) -> int | None:
        """Give the first of these properties as a number."""
        found = next((self.properties[name] for name in names if name in self.properties), "")
        return int(found) if found.isascii() and found.isdigit() and len(found) < 10 else None  # noqa: PLR2004


def parse(line: str) -> WorkflowCommand | None:
    """Read a line as a command, None if it is none that is known."""
    found = COMMAND.fullmatch(line)
    if not found or found[1].lower() not in KNOWN:
        return None
    properties = {}
    for pair in (found[2] or "").split(","):
        key, equals, value = pair.strip().partition("=")
        if equals and value:
            properties[key.strip()] = _unescape(value, ("%3A", ":"), ("%2C", ","))
    return WorkflowCommand(found[1].lower(), _unescape(found[3]), properties)


def _unescape(text: str, *more: tuple[str, str]) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(code, char)
    return text


class Stream:
    """Tells the workflow commands in a step's output, read line by line, from its text.

    ``stop-commands`` holds commands back until its token comes as a command.
    """

    def __init__(self) -> None:
        self._token = ""

    def read(self, line: str) -> WorkflowCommand | None:
        """Give the command of a line, None if the line is text."""
        if self._token:
            if line.strip() != f"::{self._token}::":
                return None
            self._token = ""
            return WorkflowCommand("echo", "")
        found = parse(line)
        if found and found.name == "stop-commands":
            self._token = found.text.strip()
        return found


def pairs(text: str) -> dict[str, str]:
    """Read ``k=v`` and ``k<<DELIM … DELIM``; raises ``ValueError`` with what is wrong."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for raw in lines:
        line = raw.removesuffix("\r")
        if not line:
            continue
        equals, here = line.find("="), line.find("<<")
        if here > 0 and (equals < 0 or here < equals):
            found[line[:here]] = _block(lines, line[here + 2 :])
        elif equals > 0:
            found[line[:equals]] = line[equals + 1 :]
        else:
            raise ValueError(f"`{line[:80]}` is neither NAME=value nor NAME<<DELIMITER")
    return found


def _block(lines: Iterator[str], delimiter: str) -> str:
    if not delimiter:
        raise ValueError("a delimiter is missing after <<")
    body: list[str] = []
    for line in lines:
        if line.removesuffix("\r") == delimiter:
            return "\n".join(body)
        body.append(line)
    raise ValueError(f"the delimiter `{delimiter[:80]}` never came")
