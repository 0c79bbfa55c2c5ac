"""The promise of the pacer, to the call: counted from the INVITEs that leave, whatever happens.

* No call leaves before its slot, outside of its hours, in a gap, or of a campaign that is stopped.
* No aligned period holds more than its amount.
* No window of P - 100 ms, wherever it begins, holds more than N.

The world has two pacers and a dialer that freeze, die and dawdle, and a Postgres that goes away; its owner stops and
starts, changes paces and hours, and runs out of numbers, in a week with a night on which the clocks are changed.
With `PACELINE_LONG_SIMULATION` in the environment there are more stories.
"""

import os
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.pace import Pace
from shared.domain.wall_clock import WEEK
from tests.simulation.oracle import (
    LATENESS_US,
    MINUTE_US,
    Hours,
    Opening,
    Rate,
    judge,
    judge_sliding,
    judge_sliding_of_one,
    openings,
    rate_at,
)
from tests.simulation.world import MILLISECOND, PLENTY, SECOND, Delays, Invite, World, in_microseconds

stories = settings(
    max_examples=400 if "PACELINE_LONG_SIMULATION" in os.environ else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

DAY = timedelta(days=1)
#: The day on which a story begins: the night after it, clocks are changed, or it is like any other.
EVES = [
    ("America/New_York", date(2026, 3, 7)),
    ("America/New_York", date(2026, 10, 31)),
    ("America/Los_Angeles", date(2026, 10, 31)),
    ("Europe/London", date(2026, 10, 24)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),  # half an hour back
    ("Australia/Lord_Howe", date(2026, 10, 3)),  # half an hour forward
    ("America/Sao_Paulo", date(2018, 11, 3)),  # midnight itself is missing
    ("America/Phoenix", date(2026, 10, 31)),  # no summer time
    ("UTC", date(2026, 11, 21)),
]


def rate_of(pace: Pace) -> Rate:
    """Return a pace in the oracle's words."""
    return Rate(amount=pace.amount, period=pace.period_minutes * MINUTE_US, gap=pace.gap_minutes * MINUTE_US)


def hours_of(windows: tuple[CallingWindow, ...], profiles: list[Pace]) -> list[Hours]:
    """Return windows in the oracle's words."""
    return [
        Hours(
            opens_minute=window.opens_minute,
            closes_minute=window.closes_minute,
            rate=rate_of(profiles[window.key]),
            weekdays=frozenset(WEEK.index(day) for day in window.weekdays or WEEK),
        )
        for window in windows
    ]


def opened_in(world: World) -> list[Opening]:
    """Return when the owner of the campaign wants calls, as it is now."""
    calendar = world.calendar
    return openings(
        calendar.zone, calendar.first_date, calendar.last_date, hours_of(calendar.windows, world.profiles)
    )


# What is drawn.

seconds = st.integers(1, 40).map(lambda number: number * SECOND)
moments = st.integers(1, 4000).map(lambda number: number * MILLISECOND)
minutes = st.integers(1, 25).map(lambda number: number * 60 * SECOND)
paces = st.builds(
    Pace,
    period_minutes=st.sampled_from([1, 1, 2, 3, 10, 30]),
    amount=st.sampled_from([1, 2, 3, 5, 7, 12, 20, 30]),
    gap_minutes=st.sampled_from([0, 0, 1, 5]),
)
delays = st.builds(
    Delays,
    transaction=st.sampled_from([5, 40, 400, 2500]).map(lambda number: number * MILLISECOND),
    ring=st.sampled_from([1, 30, 600]).map(lambda number: number * MILLISECOND),
    lease=st.sampled_from([1, 30, 600]).map(lambda number: number * MILLISECOND),
    intent=st.sampled_from([0, 5, 60, 130]).map(lambda number: number * MILLISECOND),
    send=st.sampled_from([0, 2, 10]).map(lambda number: number * MILLISECOND),
)

Deed = Callable[[World], object]


def freeze(who: int, length: timedelta, world: World) -> None:
    """Freeze one of the three processes."""
    world.freeze((*world.pacers, world.dialer)[who], length)


def kill(who: int, length: timedelta, world: World) -> None:
    """Kill one of the three processes."""
    world.kill((*world.pacers, world.dialer)[who], length)


def cut_off(length: timedelta, world: World) -> None:
    """Take Postgres away."""
    world.cut_off(length)


def stop(length: timedelta, world: World) -> None:
    """Stop the campaign and start it again."""
    world.stop(length)


def have_waiting(numbers: int, world: World) -> None:
    """Change how many numbers wait."""
    world.have_waiting(numbers)


def change_pace(profile: int, pace: Pace, world: World) -> None:
    """Change the pace of a profile."""
    world.change_pace(profile, pace)


def change_windows(windows: tuple[CallingWindow, ...], world: World) -> None:
    """Change the hours."""
    world.change_windows(windows)


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> tuple[CallingWindow, ...]:
    """Draw a few windows, some in the hours in which clocks are changed, some that touch, each with a profile."""
    windows, free_from = list[CallingWindow](), draw(st.sampled_from([0, 0, 45, 115, 480]))
    for _ in range(draw(st.integers(1, 4))):
        closes = min(1440, free_from + draw(st.sampled_from([3, 10, 31, 60, 90])))
        weekdays = draw(st.none() | st.none() | st.frozensets(st.sampled_from(WEEK), min_size=3))
        windows.append(
            CallingWindow(
                opens_minute=free_from, closes_minute=closes, weekdays=weekdays, key=draw(st.integers(0, 1))
            )
        )
        free_from = closes + draw(st.sampled_from([0, 0, 1, 20, 300]))
        if free_from >= 1440:
            break
    return tuple(windows)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a campaign of three days, before its first."""
    zone, eve = draw(st.sampled_from(EVES))
    calendar = Calendar(
        first_date=eve,
        last_date=eve + 2 * DAY,
        weekdays=frozenset(WEEK),
        zone=zone,
        windows=draw(hours_of_a_day()),
    )
    return World(
        calendar=calendar,
        profiles=draw(st.lists(paces, min_size=2, max_size=2)),
        now=datetime(eve.year, eve.month, eve.day, tzinfo=UTC) - DAY,
        rng=Random(draw(st.integers(0, 2**32))),
        delays=draw(delays),
        tick=draw(st.sampled_from([50, 250, 1000])) * MILLISECOND,
    )


lengths = moments | seconds | minutes
faults: st.SearchStrategy[Deed] = st.one_of(
    st.builds(partial, st.just(freeze), st.integers(0, 2), lengths),
    st.builds(partial, st.just(kill), st.integers(0, 2), lengths),
    st.builds(partial, st.just(cut_off), lengths),
    st.builds(partial, st.just(have_waiting), st.sampled_from([0, 3, 40, PLENTY])),
    st.builds(partial, st.just(stop), st.integers(200, 90_000).map(lambda number: number * MILLISECOND)),
)
changes: st.SearchStrategy[Deed] = st.one_of(
    st.builds(partial, st.just(change_pace), st.integers(0, 1), paces),
    st.builds(partial, st.just(change_windows), hours_of_a_day()),
)


@st.composite
def stories_of(draw: st.DrawFn, deeds: st.SearchStrategy[Deed]) -> list[tuple[float, timedelta, Deed]]:
    """Draw deeds, each at a share of the campaign's open time, and a moment after that."""
    return draw(st.lists(st.tuples(st.floats(0, 1), lengths, deeds), min_size=5, max_size=40))


def live(world: World, story: list[tuple[float, timedelta, Deed]]) -> None:
    """Start the campaign, let the story happen while its windows are open, and let it come to its end."""
    world.start()
    opened = opened_in(world)
    open_us = sum(each.closes - each.opens for each in opened)
    begin = world.now
    for share, pause, deed in story:
        left = int(share * open_us)
        at = begin
        for each in opened:
            at = begin + timedelta(microseconds=each.opens + left - in_microseconds(begin))
            if left <= each.closes - each.opens:
                break
            left -= each.closes - each.opens
        world.later(at + pause - begin, partial(deed, world))
    world.run(begin + 6 * DAY)


def runs_of(world: World) -> list[tuple[int, int | None]]:
    """Return when the campaign was running."""
    return [
        (in_microseconds(started), None if stopped is None else in_microseconds(stopped))
        for started, stopped in world.runs
    ]


@stories
@given(world=worlds(), story=stories_of(faults))
def test_whatever_fails_no_call_is_early_or_one_too_many(
    world: World, story: list[tuple[float, timedelta, Deed]]
) -> None:
    """Freezes, deaths, outages, delays, stops and empty lines never add a call to a period, nor to any window."""
    live(world, story)
    opened = opened_in(world)
    event(f"calls: {len(world.witness) // 200 * 200}")
    event(f"withheld: {world.withheld > 0}")
    judge(world.witness, opened, runs_of(world))
    judge_sliding([(at, rate_at(at, opened)) for at in world.witness])


@stories
@given(world=worlds(), story=stories_of(faults | changes | changes))
def test_whatever_is_changed_the_larger_pace_bounds_and_no_hour_is_left(
    world: World, story: list[tuple[float, timedelta, Deed]]
) -> None:
    """Paces and hours that are changed under way count from the next period on, and at once."""
    versions: list[tuple[int, list[Opening]]] = []

    def noted(deed: Deed, world: World) -> None:
        deed(world)
        versions.append((in_microseconds(world.now), opened_in(world)))

    versions.append((0, opened_in(world)))
    live(world, [(share, pause, partial(noted, deed)) for share, pause, deed in story])
    event(f"calls: {len(world.witness) // 200 * 200}")
    for at in world.witness:
        assert is_open(at, versions)
    judge_periods_as_meant(world.invites)
    judge_sliding([(invite.at, rate_of(invite.attempt.pace)) for invite in world.invites])


def is_open(at: int, versions: list[tuple[int, list[Opening]]]) -> bool:
    """Tell whether some window is open by what the owner wanted at the time, or a moment before."""
    last = [version for since, version in versions if since <= at][-1]
    lately = [version for since, version in versions if at - LATENESS_US <= since <= at]
    before = [version for since, version in versions if since <= at - LATENESS_US][-1]
    return any(each.opens <= at < each.closes for version in (last, before, *lately) for each in version)


def judge_periods_as_meant(invites: list[Invite]) -> None:
    """Check each period that the pacer says a call belongs to, since a change may have moved the grid."""
    meant = defaultdict[tuple[int, Pace], list[int]](list)
    for invite in invites:
        meant[in_microseconds(invite.attempt.period_began_at), invite.attempt.pace].append(invite.at)
    for (begins, pace), calls in meant.items():
        whole = Opening(opens=begins, closes=begins + rate_of(pace).period, rate=rate_of(pace))
        judge(calls, [whole], [(0, None)])


@pytest.mark.parametrize("gap_minutes", [0, 1])
def test_a_call_that_leaves_late_is_not_one_too_many_in_the_next_period(gap_minutes: int) -> None:
    """At twenty calls a second, the last of a period could leave when the next one has begun: it is withheld."""
    pace = Pace(period_minutes=1, amount=1200, gap_minutes=gap_minutes)
    world = World(
        calendar=Calendar(
            first_date=date(2026, 11, 23),
            last_date=date(2026, 11, 23),
            weekdays=frozenset(WEEK),
            zone="UTC",
            windows=(CallingWindow(opens_minute=0, closes_minute=5),),
        ),
        profiles=[pace],
        now=datetime(2026, 11, 22, 23, 59, tzinfo=UTC),
        rng=Random(1),
        delays=Delays(intent=60 * MILLISECOND),
    )
    world.start()
    world.run(world.now + 6 * 60 * SECOND)
    judge(world.witness, opened_in(world), runs_of(world))
    judge_sliding_of_one(world.witness, rate_of(pace))
    assert 0 < world.withheld < len(world.witness) / 100
