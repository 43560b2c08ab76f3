"""Closing cycles: every batch that was begun is told its end, with its cause and its times."""

from __future__ import annotations

from dataclasses import replace

from devloop import events
from devloop.loop.decide.actions import Action, Plan, Report
from devloop.loop.decide.state import Cycle, State
from devloop.project.classify import Impact

SHOWN_PATHS = 3
NO_ENGINE = "the engine is gone"


def supersede(state: State, now: float) -> tuple[State, Plan]:
    """Close every open cycle because a newer change took over."""
    return finish(state, now, "superseded")


def finish(state: State, now: float, outcome: str) -> tuple[State, Plan]:
    """Close every open cycle with one outcome."""
    closed = tuple(_closed(state, cycle, now, outcome) for cycle in state.cycles)
    return replace(state, cycles=(), built_s=None, gap_since=None), closed


def close(state: State, cycle: Cycle, now: float, outcome: str) -> tuple[State, Plan]:
    """Close a cycle that needed no waiting."""
    finished = events.CycleFinished(
        cycle.number, cycle.action, cycle.cause, outcome, now - cycle.started
    )
    return state, (Report("", finished),)


def _closed(state: State, cycle: Cycle, now: float, outcome: str) -> Action:
    action, gap = cycle.action, None
    if action == "recreate" and state.built_s is not None:
        action = "rebuild"
    if outcome == "ok" and state.gap_since is not None and action != "restart":
        gap = now - state.gap_since
    built = state.built_s if action == "rebuild" else None
    return Report(
        "",
        events.CycleFinished(
            cycle.number, action, cycle.cause, outcome, now - cycle.started, built, gap
        ),
    )


def cause(state: State) -> str:
    """Give the newest open cycle's cause."""
    return state.cycles[-1].cause if state.cycles else "start"


def why(impact: Impact) -> str:
    """Say why a batch needs nothing, should it come to that."""
    return "; ".join(impact.idle[:SHOWN_PATHS]) or impact.error or "nothing changed"


def names(paths: tuple[str, ...]) -> str:
    """List paths, shortly."""
    unique = list(dict.fromkeys(paths))
    more = len(unique) - SHOWN_PATHS
    return ", ".join(unique[:SHOWN_PATHS]) + (f" and {more} more" if more > 0 else "")
