"""Errors of the usual tools, read off a step's output: one table of expressions.

A pattern with a file of its own makes an annotation; one that lacks it takes the file of the line
that went before (eslint, cargo).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

FILE = r"(?P<file>[^\s:()\"][^:()\"\n]*?)"
AT = r"(?P<line>[0-9]{1,7})"
COLUMN = r"(?P<col>[0-9]{1,7})"

WHOLE = tuple(
    (tool, re.compile(text))
    for tool, text in (
        ("tsc", rf"{FILE}\({AT},{COLUMN}\): (?P<level>error|warning) (?P<message>TS[0-9]+: .*)"),
        ("tsc", rf"{FILE}:{AT}:{COLUMN} - (?P<level>error|warning) (?P<message>TS[0-9]+: .*)"),
        ("mypy", rf"{FILE}:{AT}:(?:{COLUMN}:)? (?P<level>error|warning): (?P<message>.*)"),
        ("ruff", rf"{FILE}:{AT}:{COLUMN}: (?P<message>[A-Z]{{1,4}}[0-9]{{2,4}} .*)"),
        ("pytest", rf"{FILE}\.py:{AT}: (?P<message>[A-Z]\w*(?:Error|Exception|Failed)\b.*)"),
        ("go", rf"\s*(?:vet: )?(?:\./)?(?P<file>[^\s:]+\.go):{AT}(?::{COLUMN})?: (?P<message>.*)"),
    )
)  # fmt: skip
HEADS = (
    ("cargo", re.compile(r"(?P<level>error|warning)(?P<message>(?:\[\w+\])?: .+)")),
    ("ruff", re.compile(r"(?P<message>[A-Z]{1,4}[0-9]{2,4} .+)")),
)
ARROW = re.compile(rf"\s*--> {FILE}:{AT}:{COLUMN}")
ESLINT_FILE = re.compile(
    r"(?P<file>(?:/|\./|[\w@.-]+/)*[\w@.-]+\.[cm]?[jt]sx?|/\S.*\.(?:vue|svelte))"
)
ESLINT = re.compile(rf"\s+{AT}:{COLUMN}\s+(?P<level>error|warning)\s+(?P<message>.*\S)")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Matched:
    """One problem in a file; ``file`` as the tool wrote it."""

    level: str
    file: str
    line: int
    col: int | None
    message: str


class Matchers:
    """Reads the output of one step."""

    def __init__(self) -> None:
        self._file = ""
        self._head: tuple[str, str] = ("", "")

    def read(self, raw: str) -> Matched | None:
        """Give the problem that a line tells of."""
        line = COLOURS.sub("", raw).rstrip()
        for tool, pattern in WHOLE:
            if found := pattern.fullmatch(line):
                return _finding(found, ".py" if tool == "pytest" else "")
        return self._arrow(line) or self._eslint(line)

    def _arrow(self, line: str) -> Matched | None:
        """Rust's compiler, and ruff by default, write the place below the message."""
        if (found := ARROW.fullmatch(line)) and self._head[1]:
            level, message = self._head
            self._head = ("", "")
            return Matched(level, found["file"], int(found["line"]), int(found["col"]), message)
        for _, pattern in HEADS:
            if head := pattern.fullmatch(line):
                level = head.groupdict().get("level") or "error"
                self._head = (level, head["message"].lstrip(": "))
        return None

    def _eslint(self, line: str) -> Matched | None:
        if found := ESLINT_FILE.fullmatch(line):
            self._file = found["file"]
        elif not line:
            self._file = ""
        elif self._file and (problem := ESLINT.fullmatch(line)):
            return Matched(
                problem["level"],
                self._file,
                int(problem["line"]),
                int(problem["col"]),
                problem["message"],
            )
        return None


def _finding(found: re.Match[str], suffix: str = "") -> Matched:
    parts = found.groupdict()
    col = parts.get("col")
    level = parts.get("level") or "error"
    return Matched(
        level,
        parts["file"] + suffix,
        int(parts["line"]),
        int(col) if col else None,
        parts["message"],
    )


def on_host(path: str, mount: str, directory: str) -> str:
    """Give a container's path as one of the project, relative where it is inside.

    ``directory`` (absolute, in the container) is where the tool ran.
    """
    full = posixpath.normpath(posixpath.join(directory, path))
    inside = posixpath.relpath(full, mount) if mount else full
    return full if inside.startswith("..") else inside
