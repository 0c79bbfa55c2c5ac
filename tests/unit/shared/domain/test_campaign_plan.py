"""What a campaign's plan promises: every slot of every window once, in a window, on both nights of the clocks too.

The oracle counts slot by slot, cycle by cycle, with no arithmetic in between.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.calling_window import Calendar, CallingWindow, next_open_intervals
from shared.domain.campaign import CampaignState
from shared.domain.campaign_plan import CampaignPlan, Start, campaign_plan, start_of
from shared.domain.looks import UNPACED
from shared.domain.pace import Pace
from shared.domain.pacing import Cycle, PacingState
from shared.domain.pacing_ring import Bound, Ring
from shared.domain.wall_clock import WEEK, Weekday

EASTERN = "America/New_York"
HALF_HOUR = Pace(period_minutes=30, amount=100)
#: A Monday without anything special about its clocks, seven in the morning in New York.
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def window(opens: str, closes: str, pace: Pace | None = HALF_HOUR) -> CallingWindow:
    """Return a window from `08:00` to `21:00`."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (opens, closes)]
    return CallingWindow(opens_minute=minutes[0], closes_minute=minutes[1], pace=pace)


def calendar(
    *windows: CallingWindow,
    first: date = date(2026, 11, 23),
    last: date = date(2026, 11, 27),
    zone: str = EASTERN,
    weekdays: frozenset[Weekday] = frozenset(WEEK),
) -> Calendar:
    """Return a calendar of a week's working days, from eight to nine unless windows are given."""
    return Calendar(
        first_date=first, last_date=last, weekdays=weekdays, zone=zone, windows=windows or (window("08:00", "09:00"),)
    )  # fmt: skip


def fresh(now: datetime = MONDAY) -> Start:
    """Return the start of a campaign that was never started."""
    return start_of(CampaignState.READY, started_at=None, pacing=PacingState(), now=now)


def planned(of: Calendar, numbers: int, *, start: Start | None = None, most_days: int = 100) -> CampaignPlan:
    """Plan a campaign."""
    return campaign_plan(of, start or fresh(), numbers=numbers, most_days=most_days)


def eastern(text: str) -> datetime:
    """Read an instant with its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


# Days, windows and periods -----------------------------------------------------------------------------------------


def test_a_plan_fills_windows_in_order() -> None:
    """Windows of two hundred calls take four hundred and fifty numbers: two are full, and the third is for the rest."""
    plan = planned(calendar(), 450)
    windows = [window for day in plan.days for window in day.windows]
    assert [(each.slots, each.calls) for each in windows] == [
        (200, 200), (200, 200), (200, 50), (200, 0), (200, 0)
    ]  # fmt: skip
    assert [day.day.isoformat() for day in plan.days] == [f"2026-11-{day}" for day in range(23, 28)]
    assert plan.first_call_at == eastern("2026-11-23T08:00-05:00")
    assert plan.last_call_at == plan.ends_at == eastern("2026-11-25T08:14:42-05:00")
    assert plan.left_over == 0


def test_calls_of_like_periods_are_told_once() -> None:
    """Full periods are one entry however many they are; the one in which the numbers run out is another."""
    [today] = planned(calendar(window("08:00", "21:00")), 2550).days[0].windows
    full, last = today.periods
    assert (full.begins_at, full.periods, full.calls) == (eastern("2026-11-23T08:00-05:00"), 25, 100)
    assert (last.begins_at, last.periods, last.calls) == (eastern("2026-11-23T20:30-05:00"), 1, 50)


def test_numbers_that_no_window_is_left_for_are_told() -> None:
    """What does not fit is left over, and the campaign ends with its last window."""
    plan = planned(calendar(), 1200)
    assert (plan.calls, plan.left_over) == (1000, 200)
    assert plan.ends_at == eastern("2026-11-27T09:00-05:00")


def test_a_campaign_without_numbers_still_shows_its_windows() -> None:
    """A plan with nobody to call has days and slots, and no calls."""
    plan = planned(calendar(), 0)
    assert len(plan.days) == 5
    assert (plan.calls, plan.first_call_at, plan.last_call_at, plan.ends_at) == (0, None, None, None)


def test_a_campaign_that_is_over_has_no_days() -> None:
    """After its last window there is nothing to plan, and everybody is left over."""
    plan = planned(calendar(), 10, start=fresh(datetime(2027, 1, 1, tzinfo=UTC)))
    assert (plan.days, plan.calls, plan.left_over, plan.ends_at) == ((), 0, 10, None)


def test_more_days_than_are_listed_are_counted() -> None:
    """The first days are listed; of the others it is told how many there are, and how many have calls."""
    plan = planned(calendar(last=date(2026, 12, 31)), 1000, most_days=3)
    assert len(plan.days) == 3
    assert (plan.more_days, plan.more_days_with_calls) == (36, 2)


def test_years_of_windows_are_looked_at_so_far_and_no_farther() -> None:
    """A plan of two centuries says where it stopped looking, and promises no end that it has not seen."""
    plan = planned(calendar(last=date(2199, 12, 31)), 10**9)
    assert plan.more_days + len(plan.days) == 2000
    assert plan.seen_until == eastern("2032-05-14T09:00-04:00")
    assert plan.ends_at is None
    assert plan.calls == 400_000
    enough = planned(calendar(last=date(2199, 12, 31)), 5)
    assert enough.ends_at == enough.last_call_at


def test_a_window_without_a_pace_is_planned_at_the_pacer_s() -> None:
    """Where a window has no pace, ten calls a second are counted, as the pacer places them."""
    assert planned(calendar(window("08:00", "08:01", None)), 10_000).days[0].windows[0].slots == 600


# The nights on which clocks change ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "opens", "closes", "spans"),
    [
        # In spring the hour from two to three is missing: half of the window is left.
        (date(2026, 3, 8), "01:00", "03:00", [("2026-03-08T01:00-05:00", "2026-03-08T03:00-04:00")]),
        (date(2026, 3, 8), "02:00", "03:00", []),
        (date(2026, 3, 8), "01:30", "03:30", [("2026-03-08T01:30-05:00", "2026-03-08T03:30-04:00")]),
        # In autumn the hour from one to two comes twice.
        (date(2026, 11, 1), "00:30", "03:00", [("2026-11-01T00:30-04:00", "2026-11-01T03:00-05:00")]),
        (
            date(2026, 11, 1), "01:15", "01:45",
            [(f"2026-11-01T01:15-0{offset}:00", f"2026-11-01T01:45-0{offset}:00") for offset in (4, 5)],
        ),
    ],
)  # fmt: skip
def test_both_nights_of_the_clocks_are_right(
    day: date, opens: str, closes: str, spans: list[tuple[str, str]]
) -> None:
    """A window has the slots of the time in which it is really open: an hour less in spring, an hour more in autumn."""
    plan = planned(
        calendar(window(opens, closes), first=day, last=day),
        10_000,
        start=fresh(datetime.combine(day, datetime.min.time(), UTC)),
    )
    windows = [each for day in plan.days for each in day.windows]
    expected = [(eastern(first), eastern(last)) for first, last in spans]
    assert [(each.interval.opens_at, each.interval.closes_at) for each in windows] == expected
    one_slot = timedelta(seconds=18)
    assert [each.calls for each in windows] == [(last - first) // one_slot for first, last in expected]
    assert [each.day for each in plan.days] == [day] * bool(spans)


# From where a campaign goes on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [CampaignState.READY, CampaignState.STOPPED, CampaignState.DONE])
def test_a_campaign_that_does_not_run_is_planned_as_if_started_now(state: CampaignState) -> None:
    """Its first call comes now, in a cycle of its own, whatever cycle an earlier run was in."""
    opened = eastern("2026-11-23T08:00-05:00")
    before = PacingState(
        cycle=Cycle(started_at=opened, pace=HALF_HOUR, next_slot=99),
        ring=Ring(emitted=99, last_due_at=opened + 29 * MINUTE, bounds=(Bound(pace=HALF_HOUR, counted_after=0),)),
    )  # fmt: skip
    now = opened + 29 * MINUTE + timedelta(seconds=7)
    start = start_of(state, started_at=opened, pacing=before, now=now)
    plan = planned(calendar(), 10, start=start)
    assert plan.first_call_at == now
    assert start.pacing.ring == before.ring
    assert plan.days[0].windows[0].slots == 100 + 3


@pytest.mark.parametrize(
    ("next_slot", "idle", "slots", "first"),
    [
        (60, False, 40 + 100, "08:18:00"),  # as far as it is
        (40, False, 60 + 100, "08:18:00"),  # behind: what it owes it calls now, and catches up
        (
            40,
            True,
            39 + 100,
            "08:18:18",
        ),  # nobody was in line: those slots are spent, the one of this instant too
    ],
)
def test_a_running_campaign_goes_on_where_its_period_stands(
    next_slot: int, idle: bool, slots: int, first: str
) -> None:
    """What is left of its period counts, not the whole."""
    opened = eastern("2026-11-23T08:00-05:00")
    now = opened + 18 * MINUTE
    pacing = PacingState(
        cycle=Cycle(started_at=opened, pace=HALF_HOUR, next_slot=next_slot),
        ring=Ring(emitted=next_slot, last_due_at=now, bounds=(Bound(pace=HALF_HOUR, counted_after=0),)),
        idle_since=now - MINUTE if idle else None,
    )
    start = start_of(CampaignState.RUNNING, started_at=opened - MINUTE, pacing=pacing, now=now)
    plan = planned(calendar(), 1000, start=start)
    today = plan.days[0].windows[0]
    assert today.slots == today.calls == slots
    assert today.periods[0].calls == slots - 100
    assert plan.first_call_at == eastern(f"2026-11-23T{first}-05:00")


def test_a_changed_pace_waits_for_the_next_period() -> None:
    """A campaign whose profile was changed keeps its period's old pace, in the plan as in life."""
    opened = eastern("2026-11-23T08:00-05:00")
    old = Pace(period_minutes=30, amount=10)
    pacing = PacingState(
        cycle=Cycle(started_at=opened, pace=old, next_slot=4),
        ring=Ring(emitted=4, last_due_at=opened + 9 * MINUTE, bounds=(Bound(pace=old, counted_after=0),)),
    )
    start = start_of(
        CampaignState.RUNNING, started_at=opened - MINUTE, pacing=pacing, now=opened + 10 * MINUTE
    )
    first, second = planned(calendar(), 1000, start=start).days[0].windows[0].periods
    assert (first.pace, first.calls) == (old, 6)
    assert (second.pace, second.calls, second.begins_at) == (HALF_HOUR, 100, opened + 30 * MINUTE)


# Any calendar --------------------------------------------------------------------------------------------------------

paces = st.builds(
    Pace, period_minutes=st.integers(1, 90), amount=st.integers(1, 200), gap_minutes=st.integers(0, 40)
)


@st.composite
def calendars(draw: st.DrawFn, zones: tuple[str, ...] = (EASTERN, "UTC", "Australia/Lord_Howe")) -> Calendar:
    """Draw some days around a night of the clocks, with windows that may touch."""
    edges = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
    windows = tuple(
        CallingWindow(opens_minute=opens, closes_minute=closes, pace=draw(paces))
        for opens, closes in pairwise(edges)
        if draw(st.booleans())
    )
    first = draw(st.sampled_from([date(2026, 3, 7), date(2026, 10, 31), date(2026, 4, 4), date(2026, 10, 3)]))
    return calendar(*windows, first=first, last=first + timedelta(days=2), zone=draw(st.sampled_from(zones)))


def slots_one_by_one(of: Calendar, now: datetime) -> Iterator[datetime]:
    """Yield the instant of every slot of a campaign that starts now, counted with nothing but additions."""
    for interval in next_open_intervals(of, now, most=1000):
        pace = interval.window.pace or UNPACED
        began = max(interval.opens_at, now)
        while began < interval.closes_at:
            offsets = (pace.slot_offset(slot) for slot in range(pace.amount))
            yield from (began + offset for offset in offsets if began + offset < interval.closes_at)
            began += pace.period + pace.gap_minutes * MINUTE


@given(of=calendars(), minutes=st.integers(0, 3 * 1440), numbers=st.integers(0, 5000))
@settings(deadline=None, max_examples=60)
def test_a_plan_is_the_sum_of_its_slots(of: Calendar, minutes: int, numbers: int) -> None:
    """Totals, windows and periods add up to what counting slot by slot finds, and no call lies outside a window."""
    now = datetime.combine(of.first_date, datetime.min.time(), UTC) + minutes * MINUTE
    plan = planned(of, numbers, start=fresh(now))
    slots = list(slots_one_by_one(of, now))
    windows = [each for day in plan.days for each in day.windows]
    assert sum(each.slots for each in windows) == len(slots)
    assert plan.calls == min(numbers, len(slots)) == sum(each.calls for each in windows)
    assert plan.calls == sum(run.all_calls for each in windows for run in each.periods)
    if plan.calls:
        assert (plan.first_call_at, plan.last_call_at) == (slots[0], slots[plan.calls - 1])
    for each in windows:
        for at in (each.first_call_at, each.last_call_at):
            assert at is None or (each.interval.holds(at) and at >= now)
        for run in each.periods:
            assert each.interval.opens_at <= run.begins_at < each.interval.closes_at
            assert 0 < run.calls <= run.pace.amount
