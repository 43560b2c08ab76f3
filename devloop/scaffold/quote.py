"""A project's own words as data: quoted so that no file format takes them for its grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from devloop.model import Command

_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/@+][A-Za-z0-9._/@+-]*")
_PLAIN_ENV = re.compile(r"[A-Za-z0-9._/:@$+,-]+")
_WILDCARD = re.compile(r"[\[*?]")
_EXPANDED = re.compile(r"[$'\"\\]")
_YAML_PLAIN = re.compile(r"[ -~]*")


def exec_form(command: Command) -> str:
    """Write a command as CMD's JSON array, which neither Docker nor a shell expands."""
    argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
    return json.dumps(argv)


def copied(sources: Iterable[str], target: str) -> str:
    """Write what a COPY instruction takes and where it goes: these files and no others.

    COPY expands variables, quotes and wildcards even in its JSON form, so each is escaped.
    """
    names = list(sources)
    if all(_PLAIN_PATH.fullmatch(word) for word in (*names, target)):
        return f"{' '.join(names)} {target}"
    words = [*(_word(_WILDCARD.sub(r"[\g<0>]", name)) for name in names), _word(target)]
    return json.dumps(words)


def env(name: str, value: str) -> str:
    """Write one assignment of an ENV instruction; ``$NAME`` in the value stays a variable."""
    if _PLAIN_ENV.fullmatch(value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def yaml_string(text: str) -> str:
    """Write a double-quoted YAML scalar of printable ASCII; lone surrogates become U+FFFD."""
    body = "".join(_yaml_character(character) for character in text)
    return f'"{body}"'


def yaml_list(items: Iterable[str]) -> str:
    """Write a flow sequence of strings."""
    return f"[{', '.join(yaml_string(item) for item in items)}]"


def _word(text: str) -> str:
    return _EXPANDED.sub(r"\\\g<0>", text)


def _yaml_character(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if _YAML_PLAIN.fullmatch(character):
        return character
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the surrogates, which YAML cannot hold
        return "\\uFFFD"
    return f"\\U{code:08X}"
