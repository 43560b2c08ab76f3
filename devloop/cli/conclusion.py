"""Ends the verbs that need an engine: error and ``end`` event are reported, exit code given."""

from __future__ import annotations

import signal
from collections.abc import Callable

from devloop import events
from devloop.cli.project import Report
from devloop.errors import ConfigError, DevloopError, HostError, RefusedError
from devloop.image.engine_build import BuildCancelledError, BuildFailedError
from devloop.loop.signals import INTERRUPTED, ending

Signals = tuple[signal.Signals, ...]


def interruptible(signals: Signals = ()) -> Signals:
    """Let SIGTERM and a closed terminal end a verb as Ctrl-C does: nothing is left behind.

    ``signals`` are those that it gave before, to take them back from a loop that has ended.
    """
    chosen = signals or ending()
    for one in chosen:
        signal.signal(one, signal.default_int_handler)
    return chosen


def concluded(report: Report, work: Callable[[], int]) -> int:
    """Do a verb's work; report its error and the ``end`` event; give its exit code."""
    try:
        code = work()
    except BuildFailedError as error:
        report(events.ImageFailed(error.step, error.message))
        code = error.exit_code
    except (BuildCancelledError, KeyboardInterrupt):
        code = INTERRUPTED
    except RefusedError as error:
        report(events.Error(f"the engine refused: {error.message}"))
        code = HostError.exit_code
    except DevloopError as error:
        code = error.exit_code
        for problem in error.problems if isinstance(error, ConfigError) else (error,):
            report(events.Error(str(problem), problem.hint))
    report(events.End(code))
    return code
