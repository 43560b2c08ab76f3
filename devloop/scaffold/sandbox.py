"""Runs a template: it sees the values that it is given, and reaches nothing else.

Templates only fill in and repeat. There is no access to Python's own attributes, no power of
numbers, and no more than ``MOST_ROUNDS`` rounds of ``range`` in all.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from jinja2 import FunctionLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from devloop.errors import UserError

if TYPE_CHECKING:
    from jinja2.runtime import Context

MOST_ROUNDS = 10_000

Sources = Mapping[str, tuple[str, str]]
"""Text and place of each template by its name."""


class _Unknown(StrictUndefined):
    """A name that stands for nothing: an error wherever it is used."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, owner = self._undefined_name, self._undefined_obj
        if self._undefined_hint:  # an attribute that is there, and not for templates
            return self._undefined_hint
        if owner is missing:
            return f"there is no placeholder {name}"
        known = f": it has {', '.join(owner)}" if isinstance(owner, Mapping) else ""
        return f"there is no {name} in this placeholder{known}"


class _Sandbox(SandboxedEnvironment):
    """Jinja with nothing in it but what fills in."""

    intercepted_binops = frozenset({"**"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> NoReturn:
        """Refuse an operator that makes numbers which nobody can wait for.

        Raises ``SecurityError``.
        """
        del context, left, right
        raise SecurityError(f"templates cannot use {operator}")


def fill(sources: Sources, name: str, values: Mapping[str, object]) -> str:
    """Fill the template of this name.

    Raises ``UserError`` with its file and line if it does not parse, names what it is not given,
    or does anything else that fails or that a template may not do.
    """
    try:
        return _environment(sources).get_template(name).render(values)
    except TemplateSyntaxError as error:
        place = f"{error.filename or name}:{error.lineno}"
        said = f"the template does not parse: {error.message}"
        raise UserError(said, location=place, hint="mend it") from None
    except UndefinedError as error:
        hint = f"this template knows {', '.join(sorted(values))}"
        raise UserError(
            str(error.message), location=_place(error, sources, name), hint=hint
        ) from None
    except TemplateNotFound as error:
        hint = "put a file of that name beside it"
        said = f"there is no template {error.name}"
        raise UserError(said, location=_place(error, sources, name), hint=hint) from None
    except Exception as error:  # noqa: BLE001 - a template is a program: it fails in any way
        said = f"the template cannot be filled: {str(error) or type(error).__name__}"
        raise UserError(said, location=_place(error, sources, name), hint="mend it") from None


def _environment(sources: Sources) -> _Sandbox:
    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text, place = sources.get(name, (None, ""))
        return (text, place, lambda: True) if text is not None else None

    made = _Sandbox(
        loader=FunctionLoader(load),
        undefined=_Unknown,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # no HTML; the values are quoted already
    )
    made.globals = {"range": _budget()}
    return made


def _budget() -> Callable[..., range]:
    """Give a ``range`` whose rounds are counted over the whole template."""
    left = MOST_ROUNDS

    def counted(*bounds: int) -> range:
        nonlocal left
        found = range(*bounds)
        left -= len(found[: MOST_ROUNDS + 1])
        if left < 0:
            raise SecurityError(f"templates repeat no more than {MOST_ROUNDS} times")
        return found

    return counted


def _place(error: BaseException, sources: Sources, name: str) -> str:
    """Give the file and line of the innermost template that an error went through.

    An error from before it was run has the file alone.
    """
    places = {place for _, place in sources.values()}
    frames = traceback.extract_tb(error.__traceback__)
    return next(
        (f"{one.filename}:{one.lineno}" for one in reversed(frames) if one.filename in places),
        sources.get(name, ("", ""))[1],
    )
