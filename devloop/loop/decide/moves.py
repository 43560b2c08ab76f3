"""The moves that several decisions come to: make an image, restart the app."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from devloop.loop.decide import cycles as closing
from devloop.loop.decide.actions import EnsureImage, Plan, Restart
from devloop.loop.decide.state import App, Cycle, State, Work

Result: TypeAlias = tuple[State, Plan]


def ensure(state: State, cause: str) -> Result:
    """Have the image made that is wanted, and the app run from it."""
    wanted = state.wanted
    if wanted is None:
        return state, ()
    generation = state.generation + 1
    order = EnsureImage(cause, generation, wanted, state.forced)
    state = replace(
        state, work=Work.IMAGE, goal=wanted, generation=generation, built_s=None, forced=False
    )
    return state, (order,)


def restart(state: State, cycle: Cycle, names: str, now: float) -> Result:
    """Restart the app; cycles whose restart has not been answered yet are superseded."""
    superseded: Plan = ()
    if state.work is Work.IDLE:
        state, superseded = closing.supersede(state, now)
    cycle = replace(cycle, action="restart", cause=names or cycle.cause)
    state = replace(
        state,
        cycles=(*state.cycles, cycle),
        expected=state.starts + 1,
        app=App.STARTING,
        gap_since=None,
    )
    return state, (*superseded, Restart(cycle.cause))


def late_restart(state: State) -> Result:
    """Restart the app for changes that waited for work which has ended."""
    if not state.late or not state.container:
        return replace(state, late=()), ()
    cause = closing.names(state.late)
    state = replace(state, late=(), expected=state.starts + 1, app=App.STARTING)
    return state, (Restart(cause),)
