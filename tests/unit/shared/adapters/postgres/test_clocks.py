"""Postgres' clock and the loop's: each question makes it better known how they stand to each other."""

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.postgres.clocks import Offset

#: The way to Postgres and the way back, in seconds, and the pause before the next question.
Ways = st.floats(0, 0.2)
Questions = st.lists(st.tuples(Ways, Ways, st.floats(0, 60)), min_size=1, max_size=20)
TRUE_OFFSET = 1_700_000_000.0
#: Of a number as large as seconds since 1970.
ROUNDING = 1e-5


@given(questions=Questions)
def test_the_truth_is_always_within_the_bounds(questions: list[tuple[float, float, float]]) -> None:
    """Whatever the ways there and back were, and no bound is wider than the last question's own."""
    now, known = 0.0, None
    for there, back, pause in questions:
        now += pause
        asked = Offset.asked(postgres=now + there + TRUE_OFFSET, before=now, after=now + there + back)
        known = asked.narrowed(known)
        now += there + back
        assert known.least - ROUNDING <= TRUE_OFFSET <= known.most + ROUNDING
        assert known.most - known.least <= there + back + ROUNDING
        instant = TRUE_OFFSET + now
        assert known.not_after(instant) - ROUNDING <= now <= known.not_before(instant) + ROUNDING
        assert known.latest(now) <= instant + ROUNDING


def test_one_quick_answer_serves_the_slow_ones_after_it() -> None:
    """A machine that is busy for a moment knows the time nevertheless."""
    quick = Offset.asked(postgres=100.001, before=0.0, after=0.002)
    slow = Offset.asked(postgres=101.0, before=0.9, after=1.1).narrowed(quick)
    assert 0.002 <= slow.most - slow.least < 0.004


def test_a_clock_that_was_set_is_believed() -> None:
    """What was known before says nothing any more."""
    before = Offset.asked(postgres=100.0, before=0.0, after=0.0)
    after = Offset.asked(postgres=200.0, before=1.0, after=1.1)
    assert after.narrowed(before) == after
