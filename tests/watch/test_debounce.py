from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devloop.watch import debounce
from devloop.watch.debounce import BURST, LOOK, Debounce, Seen

QUIET, LIMIT = 0.03, 1.0


def due(state: Debounce, now: float, *, locked: bool = False, quiet: float = QUIET) -> float | None:
    at = debounce.due(state, now, locked=locked, quiet=quiet, max_wait=LIMIT)
    return None if at is None else round(at, 6)


def added(*times: float, state: Debounce | None = None) -> Debounce:
    found = state or Debounce()
    for now in times:
        found = debounce.add(found, now)
    return found


def test_nothing_is_due_without_an_event() -> None:
    assert due(Debounce(), 5) is None
    assert debounce.unclosed(Debounce(), max_wait=LIMIT) is None


def test_the_first_save_is_due_after_quiet() -> None:
    assert due(added(5), 5) == 5.03


def test_every_event_moves_it_on() -> None:
    assert due(added(5, 5.02, 5.04), 5.04) == 5.07


def test_but_never_past_max_wait() -> None:
    assert due(added(*(5 + step / 50 for step in range(60))), 6.2) == 6


def test_nothing_is_waited_for_with_quiet_zero() -> None:
    state = debounce.flush(added(5), 5)
    assert due(added(5.001, state=state), 5.001, quiet=0) == 5.001


def test_what_follows_a_batch_at_once_is_a_burst() -> None:
    state = debounce.flush(added(5), 5.03)
    assert due(added(5.05, state=state), 5.05) == round(5.05 + BURST, 6)
    assert due(added(5.05 + BURST, state=state), 6) == round(5.05 + BURST + QUIET, 6)


def test_a_burst_is_never_shorter_than_quiet() -> None:
    state = debounce.flush(added(5), 5.03)
    assert due(added(5.05, state=state), 5.05, quiet=0.5) == 5.55


def test_a_flush_ends_the_batch() -> None:
    assert due(debounce.flush(added(5), 5.03), 6) is None


def test_a_batch_without_a_change_makes_no_burst() -> None:
    state = debounce.flush(added(5), None)
    assert due(added(5.04, state=state), 5.04) == 5.07


def test_a_lock_holds_the_batch_back() -> None:
    state = added(5)
    assert due(state, 5.03, locked=True) == round(5.03 + LOOK, 6)
    assert due(state, 5.5, locked=True) == round(5.5 + LOOK, 6)
    assert due(state, 5.5, locked=False) == 5.03


def test_but_never_past_max_wait_either() -> None:
    assert due(added(5), 5.99, locked=True) == 6
    assert due(added(5), 7, locked=True) == 6


def test_a_look_at_everything_does_not_put_off_what_waits() -> None:
    state = debounce.add_look(Debounce(), 5)
    assert due(state, 5) == 5.03
    assert debounce.add_look(state, 5.02) == state


def test_a_write_without_a_close_counts_after_a_while() -> None:
    state = debounce.add_open(debounce.add_open(Debounce(), 5), 5.08)
    assert due(state, 6) is None
    assert debounce.unclosed(state, max_wait=LIMIT) == 5.08 + BURST
    given_up = debounce.give_up(state)
    assert debounce.unclosed(given_up, max_wait=LIMIT) is None
    assert due(given_up, 5.2) == 5.11  # it has waited already


def test_a_long_writer_counts_after_max_wait() -> None:
    state = Debounce()
    for step in range(100):
        state = debounce.add_open(state, 5 + step / 50)
    assert debounce.unclosed(state, max_wait=LIMIT) == 6
    assert due(debounce.give_up(state), 6) == 6


def test_giving_up_keeps_what_waited_before() -> None:
    state = debounce.give_up(debounce.add_open(added(4.9, 5.2), 5))
    assert (state.first, state.last) == (4.9, 5.2)
    assert debounce.give_up(Debounce()) == Debounce()


def test_a_close_ends_the_wait() -> None:
    state = debounce.closed(debounce.add_open(Debounce(), 5))
    assert state == Debounce()


def test_what_was_seen_is_empty_or_not() -> None:
    assert not Seen()
    assert all([Seen(closed=("a",)), Seen(open=("a",)), Seen(folders=("",)), Seen(gone=True)])


TIMES = st.lists(st.floats(0, 3), min_size=1, max_size=20).map(sorted)


@given(TIMES, st.floats(0, 0.3), st.floats(0.01, 2), st.booleans(), st.floats(0, 4))
def test_a_batch_is_due_between_its_first_event_and_max_wait(
    times: list[float], quiet: float, limit: float, locked: bool, now: float
) -> None:
    state = added(*times)
    at = debounce.due(state, max(now, times[-1]), locked=locked, quiet=quiet, max_wait=limit)
    assert at is not None
    assert min(times[-1] + quiet, times[0] + limit) <= at <= times[0] + limit
