"""Campaigns that share trunks with a rate: no second holds more than it, and each still keeps its own pace.

The oracle sees due instants only, in whole microseconds after the opening.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.pace import Pace
from shared.domain.pacing import PacingState, Stretch, emissions_needed, plan
from shared.domain.trunk_rate import TrunkLoad

OPENING = datetime(2026, 11, 23, 13, tzinfo=UTC)
CLOSING = OPENING + timedelta(hours=2)
SECOND = timedelta(seconds=1)
HORIZON = 2 * SECOND
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


@dataclass
class Campaign:
    """A campaign whose line is never empty."""

    pace: Pace
    state: PacingState = field(default_factory=PacingState)
    dues: list[datetime] = field(default_factory=list)

    @property
    def dues_us(self) -> list[int]:
        """All due instants, as the oracle sees them."""
        return [(due - OPENING) // timedelta(microseconds=1) for due in self.dues]

    def look(self, now: datetime, trunk: TrunkLoad, most: int) -> None:
        """Decide and claim, with what is on its way to the trunks."""
        stretches = [Stretch(opens_at=OPENING, closes_at=CLOSING, pace=self.pace)]
        needed = emissions_needed(self.state, stretches, horizon=HORIZON, most=most)
        offered = plan(
            self.state,
            stretches=stretches,
            started_at=OPENING,
            due_at={number: self.dues[number - 1] for numbers in needed for number in numbers},
            now=now,
            lead=SECOND / 2,
            horizon=HORIZON,
            most=most,
            trunk=trunk,
        )
        assert all(now + SECOND / 2 <= due <= now + HORIZON for due in offered.dues)
        self.dues += offered.dues
        self.state = offered.settle(len(offered.dues)).state


def share_trunks(campaigns: Sequence[Campaign], rate: int, looks: Sequence[tuple[int, int]]) -> None:
    """Let all look in turn, each time so many milliseconds after the time before, for so many calls at most."""
    now = OPENING
    for pause_ms, most in looks:
        now += timedelta(milliseconds=pause_ms)
        for campaign in campaigns:
            on_their_way = [due for each in campaigns for due in each.dues[-200:] if due > now - SECOND]
            campaign.look(now, TrunkLoad(calls_per_second=rate, dues=tuple(on_their_way)), most)


def most_within(dues: Sequence[int], length: int) -> int:
    """Return how many instants lie in the fullest half-open time of a length."""
    return max((bisect_left(dues, due + length) - place for place, due in enumerate(dues)), default=0)


Paces = st.builds(
    Pace,
    period_minutes=st.integers(1, 2),
    amount=st.sampled_from([1, 7, 60, 200, 600]),
    gap_minutes=st.sampled_from([0, 1]),
)
Looks = st.lists(
    st.tuples(st.integers(100, 4000), st.sampled_from([0, 1, 3, 100])), min_size=40, max_size=120
)


@settings(max_examples=60)
@given(paces=st.lists(Paces, min_size=1, max_size=3), rate=st.sampled_from([1, 2, 3, 7, 10, 50]), looks=Looks)
def test_the_trunks_rate_and_every_pace_are_kept(
    paces: list[Pace], rate: int, looks: list[tuple[int, int]]
) -> None:
    """Whoever looks when: what the trunks delay never makes one period hold too many, nor a call come early."""
    campaigns = [Campaign(pace) for pace in paces]
    share_trunks(campaigns, rate, looks)
    assert most_within(sorted(due for each in campaigns for due in each.dues_us), SECOND_US) <= rate
    for campaign in campaigns:
        pace, dues = campaign.pace, campaign.dues_us
        period = pace.period_minutes * MINUTE_US
        assert most_within(dues, period - SECOND_US // 10) <= pace.amount
        assert all((later - earlier) * 5 * pace.amount >= 4 * period for earlier, later in pairwise(dues))
        for cycle in range(0, (dues or [0])[-1] + 1, period + pace.gap_minutes * MINUTE_US):
            of_cycle = [due for due in dues if cycle <= due < cycle + period + pace.gap_minutes * MINUTE_US]
            assert all(
                due >= cycle + place * period // pace.amount and due < cycle + period
                for place, due in enumerate(of_cycle)
            )


@pytest.mark.parametrize(
    ("rate", "wanted", "calls"), [(5, 600, 5 * 58), (20, 600, 600 * 58 // 60), (10, 600, 10 * 58)]
)
def test_what_the_trunks_take_is_used(rate: int, wanted: int, calls: int) -> None:
    """In a minute of looks every half a second: the smaller of pace and rate, but for the first and last instants."""
    campaign = Campaign(Pace(period_minutes=1, amount=wanted))
    share_trunks([campaign], rate, [(500, 500)] * 120)
    assert len([due for due in campaign.dues_us if due < MINUTE_US]) >= calls
