"""The error tree: each class carries the exit code of the program, each error its remedy.

Exit codes (docs/events.md): 1 the project failed, 2 the user's mistake, 3 the environment.
"""

from __future__ import annotations


def unexpected(error: Exception) -> str:
    """Say what an error of devloop's own is; its traceback is for ``--debug``."""
    return f"devloop itself failed: {type(error).__name__}: {error}"


class DevloopError(Exception):
    """What ends a verb: one sentence of what is wrong and one of what to do.

    ``hint`` may be empty; ``location`` is ``file:line:column`` (from 1) or empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", location: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class ProjectError(DevloopError):
    """The project failed: its build, its app."""


class UserError(DevloopError):
    """The user's mistake: usage or configuration."""

    exit_code = 2


class ConfigError(UserError):
    """A file of the user's is wrong; ``problems`` lists every error of it at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__(first.message, hint=first.hint, location=first.location)
        self.problems = problems


class HostError(DevloopError):
    """The environment: no engine, no disk, a port that somebody else has."""

    exit_code = 3


class EngineGoneError(HostError):
    """The engine does not answer; the loop survives it, a verb that runs once does not."""


class RefusedError(DevloopError):
    """The engine answered a request with an error; ``status`` is the HTTP status."""

    exit_code = 3

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Problem(DevloopError):  # noqa: N818 - one of several in a ConfigError, seldom raised alone
    """One located error of a file."""

    exit_code = 2

    def place(self) -> tuple[int, ...]:
        """Give line and column, to sort by."""
        return tuple(int(part) for part in self.location.split(":")[1:] if part.isdigit())
