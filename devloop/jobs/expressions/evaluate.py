"""GitHub's expression language: ``evaluate`` gives a value or raises ``ExpressionError``.

Names of contexts, properties and functions are found in whatever case; a missing property is null,
a context that is not there is an error. Nothing here grows beyond ``MAX_TEXT`` characters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from devloop.jobs.expressions.functions import FUNCTIONS, MAX_TEXT, checked
from devloop.jobs.expressions.parser import (
    BinaryOperation,
    FunctionCall,
    Index,
    Literal,
    Name,
    Tree,
    Wildcard,
    parse,
)
from devloop.jobs.expressions.tokens import ExpressionError
from devloop.jobs.expressions.values import (
    Value,
    equal,
    fold,
    is_list,
    is_primitive,
    key_of,
    less,
    to_number,
    to_text,
    truthy,
)

__all__ = ["MAX_TEXT", "ExpressionError", "Function", "check", "evaluate", "parse", "uses"]

Function = Callable[..., Value]
STATUS = ("success", "failure", "always", "cancelled")
GIVEN = (*STATUS, "hashFiles")
"""Functions that only the place of an expression can give."""

COMPARE: Mapping[str, Callable[[Value, Value], bool]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: less(left, right) or equal(left, right),
    ">=": lambda left, right: less(right, left) or equal(left, right),
}


class Filtered(list[Value]):
    """What ``.*`` gives: an index goes to its items."""


def evaluate(
    text: str, contexts: Mapping[str, Value], functions: Mapping[str, Function] | None = None
) -> Value:
    """Evaluate an expression without its ``${{ }}``.

    ``functions`` are the status functions and hashFiles, where the place has them.
    """
    given = functions or {}
    return _Evaluation(contexts, given).value(check(text, contexts, given))


def check(text: str, contexts: Mapping[str, Value], functions: Mapping[str, Function]) -> Tree:
    """Read an expression and see that its place has the contexts and functions that it names.

    Raises ``ExpressionError`` for one that it lacks, or that cannot be read.
    """
    tree = parse(text)
    for part in parts(tree):
        if isinstance(part, Name) and key_of(contexts, part.name) is None:
            raise ExpressionError("parsing", f"there is no `{part.name}` here: {_known(contexts)}")
        if isinstance(part, FunctionCall) and part.name in GIVEN and part.name not in functions:
            raise ExpressionError("parsing", f"{part.name}() cannot be used here")
    return tree


def _known(contexts: Mapping[str, Value]) -> str:
    return f"known are {', '.join(sorted(contexts))}" if contexts else "no context is known"


def uses(text: str, *names: str) -> bool:
    """Say whether an expression calls one of these functions or names one of these contexts."""
    wanted = {fold(name) for name in names}
    return any(
        isinstance(part, Name | FunctionCall) and fold(part.name) in wanted
        for part in parts(parse(text))
    )


def parts(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and all below it."""
    yield tree
    match tree:
        case FunctionCall():
            below: tuple[Tree, ...] = tree.arguments
        case BinaryOperation():
            below = tree.operands
        case Index():
            below = (tree.of, tree.key)
        case _:
            below = ()
    for one in below:
        yield from parts(one)


class _Evaluation:
    """One evaluation, from the leaves up; && || and case look only at what they need."""

    def __init__(self, contexts: Mapping[str, Value], given: Mapping[str, Function]) -> None:
        self.contexts = contexts
        self.given = given

    def value(self, tree: Tree) -> Value:
        """Evaluate a tree; raises ``ExpressionError`` for a wildcard outside of an index."""
        match tree:
            case Literal():
                return tree.value
            case Name():
                return self.contexts[key_of(self.contexts, tree.name) or ""]
            case BinaryOperation():
                return self.operation(tree)
            case Index():
                return self.index(tree)
            case FunctionCall(name="case"):
                return self.case(tree.arguments)
            case FunctionCall():
                return self.call(tree)
            case _:
                raise ExpressionError("parsing", "unexpected `*`")

    def operation(self, tree: BinaryOperation) -> Value:
        if tree.operator == "!":
            return not truthy(self.value(tree.operands[0]))
        if tree.operator in COMPARE:
            left, right = (self.value(one) for one in tree.operands)
            return COMPARE[tree.operator](left, right)
        goes_on = tree.operator == "&&"
        found: Value = None
        for one in tree.operands:
            found = self.value(one)
            if truthy(found) is not goes_on:
                break
        return found

    def index(self, tree: Index) -> Value:
        of = self.value(tree.of)
        if isinstance(tree.key, Wildcard):
            inner = of if isinstance(of, Filtered) else [of]
            return checked(Filtered(item for one in inner for item in _items(one)))
        key = self.value(tree.key)
        if isinstance(of, Filtered):
            return Filtered(item for one in of for item in _entry(one, key))
        return next(iter(_entry(of, key)), None)

    def case(self, arguments: tuple[Tree, ...]) -> Value:
        """Give the value after the first predicate that is true, else the last argument.

        Raises ``ExpressionError`` if a predicate is neither true nor false.
        """
        for at in range(0, len(arguments) - 1, 2):
            predicate = self.value(arguments[at])
            if not isinstance(predicate, bool):
                raise ExpressionError("evaluation", "a predicate of case must be true or false")
            if predicate:
                return self.value(arguments[at + 1])
        return self.value(arguments[-1])

    def call(self, tree: FunctionCall) -> Value:
        function = self.given[tree.name] if tree.name in GIVEN else FUNCTIONS[tree.name]
        return checked(function(*(self.value(one) for one in tree.arguments)))


def _items(value: Value) -> list[Value]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if is_list(value) else []


def _entry(value: Value, key: Value) -> list[Value]:
    """Give the entry of a key or index in a list of one, or nothing."""
    if isinstance(value, Mapping):
        name = key_of(value, to_text(key)) if is_primitive(key) else None
        return [] if name is None else [value[name]]
    number = to_number(key)
    if is_list(value) and math.isfinite(number) and 0 <= number < len(value):
        return [value[int(number)]]
    return []
