"""Tokens → a tree, by precedence: ``!`` over ``< <= > >=`` over ``== !=`` over ``&&`` over ``||``.

A tree is at most 50 levels deep; what stands in brackets counts as a level while it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from devloop.jobs.expressions.tokens import ExpressionError, Kind, Token, tokens
from devloop.jobs.expressions.values import Value, fold

MAX_DEPTH = 50
ANY = 255
BINARY = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
FUNCTIONS: Mapping[str, tuple[str, int, int]] = {
    fold(name): (name, least, most)
    for name, least, most in (
        ("contains", 2, 2),
        ("startsWith", 2, 2),
        ("endsWith", 2, 2),
        ("format", 1, ANY),
        ("join", 1, 2),
        ("toJSON", 1, 1),
        ("fromJSON", 1, 1),
        ("case", 3, ANY),
        ("hashFiles", 1, ANY),
        ("success", 0, 0),
        ("failure", 0, 0),
        ("always", 0, 0),
        ("cancelled", 0, 0),
    )
}


@dataclass(frozen=True)
class Literal:
    """A constant."""

    value: Value
    depth: int = 1


@dataclass(frozen=True)
class Name:
    """A context."""

    name: str
    place: int
    depth: int = 1


@dataclass(frozen=True)
class Wildcard:
    """``*`` as an index."""

    depth: int = 1


@dataclass(frozen=True)
class FunctionCall:
    """A function by its proper name."""

    name: str
    arguments: tuple[Tree, ...]
    place: int
    depth: int = field(default=0)


@dataclass(frozen=True)
class Index:
    """``of.key``, ``of[key]``, ``of.*``."""

    of: Tree
    key: Tree
    depth: int


@dataclass(frozen=True)
class BinaryOperation:
    """An operator with its operands; ``&&`` and ``||`` take any number."""

    operator: str
    operands: tuple[Tree, ...]
    depth: int


Tree: TypeAlias = Literal | Name | Wildcard | FunctionCall | Index | BinaryOperation


@lru_cache(maxsize=1024)
def parse(text: str) -> Tree:
    """Read an expression; raises ``ExpressionError`` of kind lexing or parsing."""
    found = tokens(text)
    return _ExpressionParser(found).whole() if found else Literal(None)


class _ExpressionParser:
    """Reads tokens from left to right."""

    def __init__(self, found: list[Token]) -> None:
        self.found = found
        self.at = 0
        self.open = 0

    def whole(self) -> Tree:
        tree = self.binary(0)
        if self.at < len(self.found):
            raise self.unexpected()
        return tree

    def binary(self, level: int) -> Tree:
        if level == len(BINARY):
            return self.unary()
        tree = self.binary(level + 1)
        while (operator := self.operator(BINARY[level])) is not None:
            tree = _joined(operator, tree, self.binary(level + 1))
        return tree

    def operator(self, among: tuple[str, ...]) -> str | None:
        token = self.peek()
        if token is None or token.kind is not Kind.OPERATOR or token.text not in among:
            return None
        self.at += 1
        return token.text

    def unary(self) -> Tree:
        count = 0
        while self.operator(("!",)):
            count += 1
        tree = self.primary()
        for _ in range(count):
            tree = BinaryOperation("!", (tree,), _deeper(tree))
        return tree

    def primary(self) -> Tree:
        token = self.next()
        if token.kind is Kind.LITERAL:
            return Literal(token.value)  # a literal has no properties
        if token.kind is Kind.NAME:
            return self.indexed(self.call(token) if self.takes("(") else _name(token))
        if token.text == "(":
            return self.indexed(self.inside(")"))
        raise self.unexpected(back=1)

    def indexed(self, tree: Tree) -> Tree:
        while (token := self.peek()) is not None:
            if token.kind is Kind.DOT:
                self.at += 1
                key = self.property()
            elif token.text == "[" and token.kind is Kind.MARK:
                self.at += 1
                key = self.star() or self.inside("]")
            else:
                break
            tree = Index(tree, key, _deeper(tree, key))
        return tree

    def property(self) -> Tree:
        token = self.next()
        if token.kind is Kind.PROPERTY:
            return Literal(token.text)
        if token.kind is Kind.WILDCARD:
            return Wildcard()
        raise self.unexpected(back=1)

    def star(self) -> Tree | None:
        token = self.peek()
        if token is None or token.kind is not Kind.WILDCARD:
            return None
        self.at += 1
        self.need("]")
        return Wildcard()

    def inside(self, end: str) -> Tree:
        return self.nested(lambda: self.closed(end))

    def closed(self, end: str) -> Tree:
        tree = self.binary(0)
        self.need(end)
        return tree

    def nested(self, read: Callable[[], Tree]) -> Tree:
        self.open += 1
        if self.open > MAX_DEPTH:
            raise _too_deep()
        tree = read()
        self.open -= 1
        return tree

    def call(self, token: Token) -> Tree:
        known = FUNCTIONS.get(fold(token.text))
        if known is None:
            raise _wrong(f"there is no function `{token.text}`", token)
        return self.nested(lambda: self.called(token, *known))

    def called(self, token: Token, name: str, least: int, most: int) -> Tree:
        arguments: list[Tree] = []
        if not self.takes(")"):
            arguments.append(self.binary(0))
            while self.takes(","):
                arguments.append(self.binary(0))
            self.need(")")
        if not least <= len(arguments) <= most:
            raise _wrong(f"{name} does not take {len(arguments)} arguments", token)
        if name == "case" and len(arguments) % 2 == 0:
            raise _wrong("case needs an odd number of arguments: the last is the default", token)
        return FunctionCall(name, tuple(arguments), token.place, _deeper(*arguments))

    def takes(self, mark: str) -> bool:
        token = self.peek()
        if token is None or token.kind is not Kind.MARK or token.text != mark:
            return False
        self.at += 1
        return True

    def need(self, mark: str) -> None:
        if not self.takes(mark):
            raise self.unexpected()

    def peek(self) -> Token | None:
        return self.found[self.at] if self.at < len(self.found) else None

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise self.unexpected()
        self.at += 1
        return token

    def unexpected(self, back: int = 0) -> ExpressionError:
        at = self.at - back
        if at >= len(self.found):
            last = self.found[-1]
            return _wrong(f"the expression ends too early after `{last.text}`", last)
        return _wrong(f"unexpected `{self.found[at].text}`", self.found[at])


def _name(token: Token) -> Name:
    return Name(token.text, token.place)


def _joined(operator: str, left: Tree, right: Tree) -> Tree:
    """Join two operands; a chain of the same ``&&`` or ``||`` is one level."""
    if operator in ("&&", "||") and isinstance(left, BinaryOperation) and left.operator == operator:
        operands = (*left.operands, right)
        return BinaryOperation(operator, operands, _deeper(*operands))
    return BinaryOperation(operator, (left, right), _deeper(left, right))


def _deeper(*trees: Tree) -> int:
    depth = 1 + max((tree.depth for tree in trees), default=0)
    if depth > MAX_DEPTH:
        raise _too_deep()
    return depth


def _too_deep() -> ExpressionError:
    return ExpressionError("parsing", f"the expression is nested deeper than {MAX_DEPTH} levels")


def _wrong(text: str, token: Token) -> ExpressionError:
    return ExpressionError("parsing", f"{text} at character {token.place}")
