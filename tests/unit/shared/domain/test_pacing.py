"""When calls are due: each rule of the pacer, on a short story of a campaign."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.calling_window import CallingWindow, OpenInterval
from shared.domain.pace import LARGEST_AMOUNT, Pace
from shared.domain.pacing import PacingState, Plan, Stretch, emissions_needed, plan

OPENING = datetime(2026, 11, 23, 13, tzinfo=UTC)
LEAD_SECONDS = 0.3
HORIZON_SECONDS = 2.0


def at(seconds: float) -> datetime:
    """Return an instant some seconds after the opening."""
    return OPENING + timedelta(seconds=seconds)


def a_minute(amount: int, *, minutes: int = 1, gap_minutes: int = 0) -> Pace:
    """Return a pace of so many calls a minute, or in so many minutes."""
    return Pace(period_minutes=minutes, amount=amount, gap_minutes=gap_minutes)


def stretch(pace: Pace, opens: float = 0, closes: float = 36_000) -> Stretch:
    """Return a stretch from and to so many seconds after the opening."""
    return Stretch(opens_at=at(opens), closes_at=at(closes), pace=pace)


@dataclass
class Campaign:
    """A campaign's row and its emissions; instants are seconds after the opening."""

    stretches: list[Stretch]
    started: float = -1000
    state: PacingState = field(default_factory=PacingState)
    dues: list[float] = field(default_factory=list)
    wake: float | None = None

    def offer(self, now: float, *, most: int = 100, waiting: bool = False) -> Plan:
        """Return what would be offered, with no more knowledge of the past than was asked for."""
        ahead = [one for one in self.stretches if one.closes_at > at(now)][:2]
        horizon = timedelta(seconds=HORIZON_SECONDS)
        needed = emissions_needed(self.state, ahead, horizon=horizon, most=most)
        return plan(
            self.state,
            stretches=ahead,
            started_at=at(self.started),
            due_at={number: at(self.dues[number - 1]) for numbers in needed for number in numbers},
            now=at(now),
            lead=timedelta(seconds=LEAD_SECONDS),
            horizon=horizon,
            most=most,
            waiting=waiting,
        )

    def look(self, now: float, *, queue: int = 1000, most: int = 100, waiting: bool = False) -> list[float]:
        """Plan, claim as many as are queued, settle; return the due instants."""
        offered = self.offer(now, most=most, waiting=waiting)
        assert offered.first_emission_number == len(self.dues) + 1
        taken = [(due - OPENING).total_seconds() for due in offered.dues][:queue]
        settled = offered.settle(len(taken))
        self.state, self.dues = settled.state, self.dues + taken
        self.wake = None if settled.wake_at is None else (settled.wake_at - OPENING).total_seconds()
        return taken

    def run(self, since: float, until: float, step: float = 0.5) -> list[float]:
        """Look again and again; return the due instants."""
        looks = int((until - since) / step) + 1
        return [due for number in range(looks) for due in self.look(since + number * step)]


def test_calls_are_offered_up_to_the_horizon_and_due_at_their_slots() -> None:
    """Of 60 calls a minute, the first second's looks see those of the next two seconds, each on its second."""
    campaign = Campaign([stretch(a_minute(60))])
    assert campaign.look(-10) == []
    assert campaign.wake == -2  # when the first slot comes into the horizon
    assert campaign.look(-2) == [0]
    assert campaign.wake == -1
    assert campaign.look(0.5) == [1, 2]
    assert campaign.wake == 1
    assert campaign.look(0.6) == []


def test_nothing_is_offered_without_a_stretch() -> None:
    """When all windows are behind, there is nothing to do and nothing to wait for."""
    campaign = Campaign([stretch(a_minute(60), closes=60)])
    assert campaign.look(60) == []
    assert campaign.wake is None


def test_a_campaign_that_starts_in_a_window_begins_there() -> None:
    """The anchor is the start; the first call is due as soon as a worker can have it, the others at their slots."""
    campaign = Campaign([stretch(a_minute(6))], started=100)
    assert campaign.run(100.1, 131) == [100.4, 110, 120, 130]


def test_a_call_is_never_due_sooner_than_a_worker_can_have_it() -> None:
    """The lead is kept even for slots that are overdue."""
    campaign = Campaign([stretch(a_minute(60))])
    assert campaign.look(5)[0] == 5 + LEAD_SECONDS


def test_a_campaign_that_is_behind_catches_up_at_five_quarters_of_its_pace() -> None:
    """After ten seconds in which nobody looked, calls are 0.8 instead of 1 second apart until they are on time."""
    campaign = Campaign([stretch(a_minute(60))])
    campaign.run(-2, 10)
    late = campaign.run(20, 59)
    assert late[:4] == pytest.approx([20.3, 21.1, 21.9, 22.7])  # slots 13 to 16
    assert late[36:38] == pytest.approx([49.1, 50])  # slot 49, the last that is late, and slot 50
    assert campaign.dues[-1] == 60 + 1
    assert len(campaign.dues) == 60 + 2


def test_what_catching_up_cannot_carry_is_spent_at_the_end_of_the_period() -> None:
    """Thirty seconds lost in the middle of a minute cost calls of that minute, and none of the next."""
    campaign = Campaign([stretch(a_minute(60))])
    campaign.run(-2, 20)
    campaign.run(52, 130)
    first, second = ([due for due in campaign.dues if start <= due < start + 60] for start in (0, 60))
    assert len(first) == 23 + 10  # slots 0 to 22, and 7.7 seconds at 5/4
    assert len(second) == 60


def test_the_slots_that_went_by_while_nothing_was_waiting_are_spent() -> None:
    """Numbers that arrive after twenty idle seconds are called at the pace, not faster."""
    campaign = Campaign([stretch(a_minute(60))])
    assert campaign.look(-2, queue=0) == []
    assert campaign.wake == 0  # when the due instant that nobody took has come
    assert campaign.look(20.5) == [21, 22]


def test_slots_ahead_are_not_spent_before_their_time() -> None:
    """A slot that nobody took can still be taken by a number that arrives before it is due."""
    campaign = Campaign([stretch(a_minute(6))])
    assert campaign.look(8.5, queue=1) == [pytest.approx(8.8)]  # slot 0, late
    assert campaign.look(15.5, queue=0) == []  # slot 1 was offered, late
    assert campaign.look(18.1, queue=0) == []  # so it is spent; slot 2 is offered
    assert campaign.look(19.5) == [20]


def test_fewer_numbers_than_offered_take_the_first_slots() -> None:
    """Two numbers for five calls: the rest that is overdue is spent, because nothing more was waiting."""
    campaign = Campaign([stretch(a_minute(60))])
    assert len(campaign.offer(10).dues) == 3
    assert campaign.look(10, queue=2) == pytest.approx([10.3, 11.1])
    assert campaign.state.idle_since == at(10)
    assert campaign.look(12) == [13, 14]


def test_once_something_waits_the_slots_that_nobody_looked_at_are_owed() -> None:
    """An idle campaign that learns of numbers before its window opens loses nothing if the pacer opens it late."""
    for waiting, expected in ((True, 10.3), (False, 11)):
        campaign = Campaign([stretch(a_minute(60), closes=5), stretch(a_minute(60), opens=10)])
        campaign.look(2, queue=0)
        assert campaign.look(7, waiting=waiting) == []
        assert campaign.look(10)[0] == expected


def test_a_start_ends_idleness() -> None:
    """A campaign that was idle, is stopped, filled and started again gets the slot at its start."""
    campaign = Campaign([stretch(a_minute(1, minutes=60))])
    campaign.look(-2, queue=0)
    assert campaign.look(100, queue=0) == []
    campaign.started = 200
    assert campaign.look(200.5) == [200.5 + LEAD_SECONDS]


def test_between_two_periods_there_is_a_gap() -> None:
    """Three calls in a minute, a minute without any, and so on."""
    campaign = Campaign([stretch(a_minute(3, gap_minutes=1))])
    assert campaign.run(-2, 250) == [0, 20, 40, 120, 140, 160, 240]


def test_a_changed_pace_waits_for_the_next_cycle() -> None:
    """From three a minute to six: the minute that has begun goes on as it was, even while no call is due in it."""
    campaign = Campaign([stretch(a_minute(3, gap_minutes=1))])
    campaign.run(-2, 10)
    campaign.stretches = [stretch(a_minute(6))]
    assert campaign.run(10.5, 139) == [20, 40, 120, 130, 140]


def test_a_cycle_that_has_begun_keeps_its_pace_even_if_it_has_had_no_call() -> None:
    """A change that is made in an idle minute waits for the next minute as any other."""
    campaign = Campaign([stretch(a_minute(3))])
    campaign.look(-2, queue=0)
    campaign.look(61, queue=0)
    campaign.stretches = [stretch(a_minute(6))]
    assert campaign.run(70, 121) == [80, 100, 120]


def test_a_changed_pace_is_in_force_where_a_stretch_begins() -> None:
    """A window brings its own pace, and its own first slot, in the middle of a period of the one before."""
    campaign = Campaign([stretch(a_minute(1, minutes=10), closes=45), stretch(a_minute(4), opens=45)])
    assert campaign.run(-2, 76) == [0, 45, 60, 75]


def test_the_first_call_of_a_window_need_not_keep_its_distance_from_the_window_before() -> None:
    """A window that opens a second after the last call of another is no catching up: both calls are on time."""
    pace = a_minute(6)
    campaign = Campaign([stretch(pace, closes=21), stretch(pace, opens=21)])
    assert campaign.run(-2, 39) == [0, 10, 20, 21, 31, 41]


def test_after_a_change_to_a_smaller_pace_the_first_period_is_whole() -> None:
    """Sixty a minute, then three: the three come at their slots, although sixty have just been called."""
    campaign = Campaign([stretch(a_minute(60))])
    campaign.run(-2, 10)
    campaign.stretches = [stretch(a_minute(3))]
    campaign.run(10.5, 119)
    assert [due for due in campaign.dues if due >= 60] == [60, 80, 100, 120]


def test_a_call_that_is_late_does_not_hold_up_a_larger_pace() -> None:
    """Once an hour, 90 seconds late; then once a minute: that the old pace wants an hour in between is past."""
    campaign = Campaign([stretch(a_minute(1, minutes=60))])
    assert campaign.look(90) == [90.3]
    campaign.stretches = [stretch(a_minute(1))]
    assert campaign.look(3598) == [3600]
    assert campaign.wake == 3658


def test_the_ring_goes_on_over_windows() -> None:
    """Two calls an hour: the first window's two keep the second window waiting until the first is an hour old."""
    pace = a_minute(2, minutes=60)
    campaign = Campaign([stretch(pace, closes=2000), stretch(pace, opens=2000)])
    assert campaign.run(-2, 9000, step=2) == [0, 1800, 3600, 5400, 7200, 9000]


def test_stopping_and_starting_again_and_again_makes_no_burst() -> None:
    """Each start has a slot, but calls stay four fifths of the spacing apart, and N a period."""
    campaign = Campaign([stretch(a_minute(6))])
    for second in range(60):
        campaign.started = second
        campaign.look(second)
    steps = [later - earlier for earlier, later in zip(campaign.dues, campaign.dues[1:], strict=False)]
    assert campaign.dues[0] == LEAD_SECONDS
    assert min(steps) == pytest.approx(8)
    assert len([due for due in campaign.dues if due < 60.3]) == 6


def test_nothing_is_due_at_or_after_the_closing() -> None:
    """A slot at the very instant of closing is none, and what is late at the closing is spent."""
    campaign = Campaign([stretch(a_minute(60), closes=30)])
    assert campaign.run(-2, 29) == [float(second) for second in range(30)]
    campaign = Campaign([stretch(a_minute(60), closes=30)])
    assert campaign.run(29.5, 30) == pytest.approx([29.8])


def test_a_call_must_have_left_before_its_period_and_its_stretch_are_over() -> None:
    """What is late may not be counted in the next period, nor be heard after the closing, nor in a gap."""
    campaign = Campaign([stretch(a_minute(60, gap_minutes=1), closes=150)])
    assert campaign.offer(58.5).send_before == (at(60), at(60))
    assert campaign.offer(118.5).send_before == (at(150),)
    campaign = Campaign([stretch(a_minute(60))])
    assert campaign.offer(58.5).send_before == (at(60), at(60), at(120))


def test_the_first_call_of_a_window_is_offered_while_the_one_before_is_open() -> None:
    """Where windows touch, ringing ahead goes over the border, and does not come back."""
    campaign = Campaign([stretch(a_minute(60), closes=10), stretch(a_minute(30), opens=10)])
    assert campaign.run(-2, 9.5, step=0.25) == [*range(11)]
    assert campaign.run(9.75, 14, step=0.25) == [12, 14, 16]


def test_catching_up_into_the_next_window_asks_for_enough_of_the_past() -> None:
    """As many calls as can be offered at once, three of one window and one of the next, each find their past."""
    pace = a_minute(60)
    campaign = Campaign([stretch(pace, closes=101.95), stretch(pace, opens=101.95)])
    campaign.run(-2, 95, step=1)
    assert campaign.look(100) == pytest.approx([100.3, 101.1, 101.9, 101.95])
    assert campaign.wake == pytest.approx(100.95)


def test_a_window_that_is_moved_while_it_is_ahead_is_followed() -> None:
    """Looking at a window in the future binds nothing: it may be moved to an earlier time."""
    campaign = Campaign([stretch(a_minute(1, minutes=60), opens=3000)])
    assert campaign.look(0) == []
    assert campaign.wake == 2998
    campaign.stretches = [stretch(a_minute(1, minutes=60), opens=100)]
    assert campaign.look(98) == [100]


def test_a_window_that_can_hold_no_call_is_looked_at_again_when_it_closes() -> None:
    """One call a day, made this morning: today's other windows stay empty, and tomorrow's comes into view."""
    daily = a_minute(1, minutes=24 * 60)
    hours = [stretch(daily, opens=hour * 3600, closes=hour * 3600 + 600) for hour in (0, 1, 2, 24)]
    campaign = Campaign(hours)
    assert campaign.look(0) == [LEAD_SECONDS]
    assert campaign.wake == 600
    assert campaign.look(600) == []
    assert campaign.wake == 3600 + 600
    assert campaign.look(3600 + 600) == []
    assert campaign.wake == 24 * 3600 + LEAD_SECONDS - HORIZON_SECONDS


def test_calls_that_were_held_back_stay_owed() -> None:
    """When the caller has room for one call only, the next look offers the others, at once."""
    campaign = Campaign([stretch(a_minute(60))])
    assert campaign.look(-0.5, most=1) == [0]
    assert campaign.wake == -0.5
    assert campaign.look(0.5, most=0) == []
    assert campaign.look(0.5) == [1, 2]


def test_a_crash_before_the_decision_is_stored_loses_nothing() -> None:
    """A plan that is not settled has changed nothing: the next look offers the same calls."""
    campaign = Campaign([stretch(a_minute(60))])
    lost = campaign.offer(0)
    assert len(lost.dues) == 3
    assert campaign.offer(0) == lost


def test_a_pacer_whose_clock_is_behind_does_no_harm() -> None:
    """Another pacer has settled later calls already: due instants only rise, and no slot is used twice."""
    campaign = Campaign([stretch(a_minute(60))])
    campaign.run(-2, 10)
    assert campaign.look(8) == []
    assert campaign.look(9.2) == []
    assert campaign.run(10.5, 20)[0] == 13


def test_a_hundred_years_without_a_look_and_a_billion_calls_cost_nothing() -> None:
    """Neither the cycles that went by nor the slots in them are walked over."""
    century = 100 * 365 * 86_400.0
    pace = a_minute(LARGEST_AMOUNT, minutes=366 * 24 * 60)
    campaign = Campaign([stretch(pace, closes=2 * century)])
    assert len(campaign.look(0, most=5)) == 5
    found = campaign.look(century, most=5)
    assert found[0] >= century
    assert len(found) == 5


def test_a_lead_as_long_as_the_horizon_is_refused() -> None:
    """Nothing could ever be offered then, so it is a mistake in the settings."""
    with pytest.raises(ValueError, match="nothing could be offered"):
        plan(
            PacingState(),
            stretches=[],
            started_at=at(0),
            due_at={},
            now=at(0),
            lead=timedelta(seconds=2),
            horizon=timedelta(seconds=2),
            most=1,
        )


def test_a_window_without_a_pace_has_the_trunks() -> None:
    """An open interval makes a stretch with its window's pace, or with the one given for windows that have none."""
    own, trunk = a_minute(3), a_minute(600)
    for pace, expected in ((own, own), (None, trunk)):
        interval = OpenInterval(
            opens_at=at(0),
            closes_at=at(60),
            window=CallingWindow(opens_minute=480, closes_minute=481, pace=pace),
        )
        assert Stretch.of(interval, unpaced=trunk) == stretch(expected, closes=60)
