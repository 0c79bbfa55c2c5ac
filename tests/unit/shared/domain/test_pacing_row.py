"""The pacing state as the columns of a row."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pace import LARGEST_AMOUNT, LONGEST_GAP_MINUTES, LONGEST_PERIOD_MINUTES, Pace
from shared.domain.pacing import Cycle, PacingState
from shared.domain.pacing_ring import Bound, Ring
from shared.domain.pacing_row import PacingRow

instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - so asks hypothesis
paces = st.builds(
    Pace,
    period_minutes=st.integers(1, LONGEST_PERIOD_MINUTES),
    amount=st.integers(1, LARGEST_AMOUNT),
    gap_minutes=st.integers(0, LONGEST_GAP_MINUTES),
)
bounds = st.builds(Bound, pace=paces, counted_after=st.integers(0, 2**63), until=st.none() | instants)
states = st.builds(
    PacingState,
    cycle=st.none()
    | st.builds(Cycle, started_at=instants, pace=paces, next_slot=st.integers(0, LARGEST_AMOUNT)),
    ring=st.builds(
        Ring,
        emitted=st.integers(0, 2**63),
        last_due_at=st.none() | instants,
        bounds=st.lists(bounds, max_size=8).map(tuple),
    ),
    idle_since=st.none() | instants,
)


@given(state=states)
def test_a_state_comes_back_from_its_row_as_it_was(state: PacingState) -> None:
    """Every instant, to the microsecond, and every number survives the columns."""
    row = PacingRow.of(state)
    assert row.state() == state
    assert row.ring_bounds.isascii()
    assert len(row.ring_bounds) < 1000


def test_a_campaign_that_was_never_paced_has_nulls() -> None:
    """Its row is what a table's defaults give."""
    row = PacingRow(None, None, None, None, None, 0, None, "[]", None)
    assert PacingRow.of(PacingState()) == row
    assert row.state() == PacingState()


def test_the_columns_can_be_read_by_a_person() -> None:
    """The cycle is in columns of its own; the bounds are short lists of numbers."""
    opening = datetime(2026, 11, 23, 13, tzinfo=UTC)
    pace = Pace(period_minutes=30, amount=100, gap_minutes=10)
    ring = Ring().under(pace).grown(opening)
    row = PacingRow.of(PacingState(cycle=Cycle(started_at=opening, pace=pace, next_slot=1), ring=ring))
    assert row == (opening, 30, 100, 10, 1, 1, opening, "[[30, 100, 10, 0, null]]", None)
    slower = ring.under(Pace(period_minutes=30, amount=50)).grown(opening + timedelta(minutes=40))
    assert PacingRow.of(PacingState(ring=slower)).ring_bounds == (
        "[[30, 100, 10, 0, 1795440600000000], [30, 50, 0, 1, null]]"
    )
