"""What a batch of saved files causes: the least action that makes the running app true again."""

from __future__ import annotations

from dataclasses import replace

from devloop import events
from devloop.loop.decide import cycles as closing
from devloop.loop.decide import inputs as on
from devloop.loop.decide import moves
from devloop.loop.decide.actions import (
    Action,
    CancelBuild,
    Recheck,
    Reload,
    Report,
    Restart,
    Settle,
)
from devloop.loop.decide.moves import Result
from devloop.loop.decide.state import App, Cycle, State, Work
from devloop.project.classify import Impact

FRESH = 0.5
"""A change within so many seconds after a start may be the app's own doing."""
LOOPS, CERTAIN = 3, 6


def changed(state: State, it: on.Changed) -> Result:
    """Open a cycle for a batch, tell what is wrong in it, and answer it."""
    impact = it.impact
    number = state.count + 1
    told: list[Action] = [
        Report("", events.CycleStarted(number, tuple(one.path for one in it.changes)))
    ]
    told += [Report("", events.Notice(text)) for text in impact.warnings]
    if impact.error:
        told.append(Report("", events.Error(impact.error, "the last good state stays in force")))
    new = [path for path, _ in impact.broken if path not in state.broken]
    told += [Recheck("", path) for path in new]
    state = replace(
        state,
        count=number,
        wanted=impact.wanted,
        broken=frozenset(path for path, _ in impact.broken),
    )
    state, plan = _answer(state, it, Cycle(number, it.now, "none", closing.why(impact)))
    return state, (*told, *plan)


def _answer(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Choose the least action for a batch."""
    wanted, impact = it.impact.wanted, it.impact
    if not state.engine:
        return closing.close(state, replace(cycle, cause=closing.NO_ENGINE), it.now, "ok")
    current = state.serving if state.work is Work.IDLE else state.goal
    if not wanted.same(current) and not _hopeless(state, impact):
        return _pursue(state, it, cycle)
    if impact.restarts:
        return _refresh(state, it, cycle)
    return closing.close(state, cycle, it.now, "ok")


def _hopeless(state: State, impact: Impact) -> bool:
    """Say whether what is wanted just failed and this batch cannot mend it."""
    return state.work is Work.IDLE and impact.wanted.same(state.failed) and not impact.mends


def _pursue(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Go for another image or container than what runs or is being made."""
    impact = it.impact
    cause = "; ".join(impact.moved) or (
        f"{impact.settings} changed" if impact.respec else cycle.cause
    )
    cycle = replace(cycle, action="recreate", cause=cause)
    late = (*state.late, *impact.restarts)
    if state.work is Work.SWAP:
        return replace(state, cycles=(*state.cycles, cycle), late=late), ()
    if state.work is Work.IMAGE:
        if impact.wanted.same_image(state.goal):
            joined = (*state.cycles, cycle)
            return replace(state, goal=impact.wanted, cycles=joined, late=late), ()
        cancel = CancelBuild(cause, state.generation)
        state, closed = closing.supersede(replace(state, late=late), it.now)
        told = Report("", events.ImageCancelled(cause))
        if impact.wanted.same(state.serving):
            state, plan = _back(state, it, cycle)
        else:
            state, plan = moves.ensure(replace(state, cycles=(cycle,)), cause)
        return state, (cancel, told, *closed, *plan)
    return moves.ensure(replace(state, cycles=(*state.cycles, cycle), late=late), cause)


def _back(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Go back to what runs: nothing to build, late changes still to be seen."""
    late, app = state.late, state.app
    state = replace(
        state, work=Work.IDLE, goal=None, late=(), generation=state.generation + 1, built_s=None
    )
    if late or app is App.EXITED:
        return moves.restart(state, cycle, closing.names(late), it.now)
    cycle = replace(cycle, action="none", cause="what runs is what is wanted again")
    return closing.close(state, cycle, it.now, "ok")


def _refresh(state: State, it: on.Changed, cycle: Cycle) -> Result:
    """Let the running app see source changes."""
    impact = it.impact
    names = closing.names(impact.restarts)
    if impact.unmoved:
        names += f" (no dependency moved in {closing.names(impact.unmoved)}: no build)"
    if state.work is not Work.IDLE and not (state.work is Work.IMAGE and state.app is App.EXITED):
        waiting = replace(cycle, action="recreate", cause=f"{names}, with the new image")
        late = (*state.late, *impact.restarts)
        return replace(state, cycles=(*state.cycles, waiting), late=late), ()
    if not state.container:
        return closing.close(state, replace(cycle, cause="nothing runs yet"), it.now, "ok")
    state, own = _count_own(state, impact.restarts, it.now)
    if own:
        return _own(state, cycle, own, it.now)
    if impact.reload == "restart" or state.app is App.EXITED:
        return moves.restart(state, cycle, names, it.now)
    cycle = replace(cycle, action="reload", cause=names)
    state, closed = closing.close(state, cycle, it.now, "ok")
    if impact.reload == "none":
        return state, closed
    return state, (Reload(names, impact.reload, impact.reload_argument), *closed)


def _count_own(state: State, paths: tuple[str, ...], now: float) -> tuple[State, str]:
    """Count changes that come right after a start; name the file that all of a batch is about.

    An app that writes one of its own sources would be restarted for ever. Three restarts in a row
    are let through; then the file has to come to rest before each restart; what is written right
    after three of those too is the app's own doing.
    """
    started = state.starts >= state.expected and state.app is not App.EXITED
    if not (started and now - state.started_at < FRESH):
        return replace(state, own=()), ""
    known = {path: (count, start) for path, count, start in state.own}
    own = tuple((path, *_counted(known.get(path), state.starts)) for path in sorted(set(paths)))
    suspect = len(own) == 1 and own[0][1] > LOOPS
    return replace(state, own=own), own[0][0] if suspect else ""


def _counted(known: tuple[int, int] | None, start: int) -> tuple[int, int]:
    """Count a start once, however often the file changes after it."""
    count, last = known or (0, 0)
    return (count if last == start else count + 1), start


def _own(state: State, cycle: Cycle, path: str, now: float) -> Result:
    """Do not restart for a file that the app may be writing: wait, or let it be."""
    if state.own[0][1] > CERTAIN:
        why = f"{path}: the app itself writes it after each start, which restarts nothing"
        state, closed = closing.close(state, replace(cycle, cause=why), now, "ok")
        return state, (Report("", events.Notice(f"{why}; a later save does")), *closed)
    why = f"{path}: changed after each of {LOOPS} restarts, waiting until it rests"
    state, closed = closing.close(state, replace(cycle, cause=why), now, "ok")
    return state, (Settle("", path, cycle.number), *closed)


def settled(state: State, it: on.Settled) -> Result:
    """Restart for a file that has come to rest: nothing that a user saved is lost."""
    if it.cycle != state.count or not state.container or state.work is not Work.IDLE:
        return state, ()
    state = replace(state, expected=state.starts + 1)
    return state, (Restart(it.path),)
