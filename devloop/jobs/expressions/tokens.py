"""Expression text → tokens; each token knows where it begins, from 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from devloop.errors import UserError
from devloop.jobs.expressions.values import Value, number_literal

MAX_LENGTH = 21_000
BOUNDARIES = "()[],.!<>=&|"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
OPERATORS = ("&&", "||", "==", "!=", "<=", ">=", "<", ">", "!")
CONSTANTS: dict[str, Value] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}
MARKS = "()[],"


class ExpressionError(UserError):
    """An expression cannot be read or evaluated; ``kind`` is lexing, parsing or evaluation."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Kind(StrEnum):
    """What a token is."""

    LITERAL = "literal"
    NAME = "name"
    PROPERTY = "property"
    WILDCARD = "wildcard"
    DOT = "dot"
    MARK = "mark"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Token:
    """One token; ``value`` is a literal's."""

    kind: Kind
    text: str
    place: int
    value: Value = None


def tokens(text: str) -> list[Token]:
    """Cut an expression; raises ``ExpressionError`` of kind lexing (parsing if it is too long)."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError("parsing", f"the expression is longer than {MAX_LENGTH} characters")
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token, at = _token(text, at, found[-1] if found else None)
        found.append(token)
    return found


def _token(text: str, at: int, last: Token | None) -> tuple[Token, int]:  # noqa: PLR0911 - a table
    char = text[at]
    if char in MARKS:
        return Token(Kind.MARK, char, at + 1), at + 1
    if char == "*":
        return Token(Kind.WILDCARD, char, at + 1), at + 1
    if char == "'":
        return _string(text, at)
    for operator in OPERATORS:
        if text.startswith(operator, at):
            return Token(Kind.OPERATOR, operator, at + 1), at + len(operator)
    if char == "." and last is not None and _has_properties(last):
        return Token(Kind.DOT, char, at + 1), at + 1
    if char in "+-." or char.isdigit():
        return _number(text, at)
    return _word(text, at, last)


def _has_properties(token: Token) -> bool:
    """Say whether a dot after this token asks for a property; else it begins a number."""
    return token.kind in (Kind.NAME, Kind.PROPERTY, Kind.WILDCARD) or token.text in (")", "]")


def _string(text: str, at: int) -> tuple[Token, int]:
    end = at + 1
    while True:
        end = text.find("'", end)
        if end < 0:
            raise _unexpected(text[at:], at)
        if not text.startswith("''", end):
            break
        end += 2
    value = text[at + 1 : end].replace("''", "'")
    return Token(Kind.LITERAL, text[at : end + 1], at + 1, value), end + 1


def _number(text: str, at: int) -> tuple[Token, int]:
    end = _boundary(text, at + 1, BOUNDARIES.replace(".", ""))
    value = number_literal(text[at:end])
    if value is None:
        raise _unexpected(text[at:end], at)
    return Token(Kind.LITERAL, text[at:end], at + 1, value), end


def _word(text: str, at: int, last: Token | None) -> tuple[Token, int]:
    end = _boundary(text, at + 1, BOUNDARIES)
    word = text[at:end]
    if not NAME.fullmatch(word):
        raise _unexpected(word, at)
    if last is not None and last.kind is Kind.DOT:
        return Token(Kind.PROPERTY, word, at + 1), end
    if word in CONSTANTS:
        return Token(Kind.LITERAL, word, at + 1, CONSTANTS[word]), end
    return Token(Kind.NAME, word, at + 1), end


def _boundary(text: str, at: int, marks: str) -> int:
    while at < len(text) and text[at] not in marks and not text[at].isspace():
        at += 1
    return at


def _unexpected(what: str, at: int) -> ExpressionError:
    return ExpressionError("lexing", f"unexpected `{what[:40]}` at character {at + 1}")
