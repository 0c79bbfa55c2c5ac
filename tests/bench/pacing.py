"""How well a pace is kept: ours beside the four ways in which others do it, on one simulated clock.

All of them send the same campaign's calls under the same outages, in which nothing works at all: an ordinary bad
day, with pauses of 0.05 to 2 seconds every two minutes, a failover of 2 to 15 seconds every hour, and once 45 seconds.
All are a few milliseconds late with what they send. Excess and shortfall are counted from the instants of the calls.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random

from rows import Table

from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.pace import Pace
from shared.domain.wall_clock import WEEK
from tests.simulation.oracle import LATENESS_US, MINUTE_US, Opening, Rate, calls_in, periods
from tests.simulation.world import World, in_microseconds

TODAY = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
MIDNIGHT_US = in_microseconds(MIDNIGHT)
SECOND_US = 1_000_000
#: A timer fires up to this much late.
JITTER_US = 4000
#: The tenth of an amount that a token bucket may save up.
SAVED_SHARE = 10
SEED = 1

CASES = [
    (Pace(period_minutes=30, amount=100, gap_minutes=10), 24),
    (Pace(period_minutes=1, amount=30), 24),
    (Pace(period_minutes=10, amount=600), 12),
    (Pace(period_minutes=10, amount=6000), 2),
]


async def measure() -> list[Table]:
    """Return a table for each campaign."""
    return [await asyncio.to_thread(compare, pace, hours) for pace, hours in CASES]


@dataclass(frozen=True, slots=True)
class Day:
    """A campaign's hours, and when nothing works."""

    pace: Pace
    hours: int
    #: When they begin and end, in microseconds since 1970.
    outages: list[tuple[int, int]]

    @property
    def rate(self) -> Rate:
        """The pace in microseconds."""
        pace = self.pace
        return Rate(
            amount=pace.amount, period=pace.period_minutes * MINUTE_US, gap=pace.gap_minutes * MINUTE_US
        )

    @property
    def closes(self) -> int:
        """The end of the day."""
        return MIDNIGHT_US + self.hours * 60 * MINUTE_US

    def works(self, at: int) -> int:
        """Return the next instant at which something works."""
        place = bisect_left(self.outages, (at + 1, 0)) - 1
        return max(at, self.outages[place][1]) if place >= 0 else at

    def periods(self) -> Iterator[tuple[int, int]]:
        """Yield when its periods begin and end."""
        opening = Opening(opens=MIDNIGHT_US, closes=self.closes, rate=self.rate)
        return ((each.begins, each.ends) for each in periods([opening], [(0, None)]))


def bad_day(pace: Pace, hours: int) -> Day:
    """Return a day with its outages, the same for everybody."""
    rng = Random(SEED)
    outages = [(120 * (number + rng.random()), rng.uniform(0.05, 2)) for number in range(hours * 30)]
    outages += [(3600 * (number + rng.random()), rng.uniform(2, 15)) for number in range(hours)]
    outages += [(rng.uniform(0, hours * 3600 - 60), 45)]
    joined = list[tuple[int, int]]()
    for begins, length in sorted(outages):
        begins_us = MIDNIGHT_US + int(begins * SECOND_US)
        ends_us = begins_us + int(length * SECOND_US)
        if joined and begins_us <= joined[-1][1]:
            begins_us, ends_us = joined[-1][0], max(joined.pop()[1], ends_us)
        joined.append((begins_us, ends_us))
    return Day(pace, hours, joined)


def late(rng: Random) -> int:
    """Return how late a timer fires."""
    return rng.randrange(JITTER_US + 1)


def sleep_loop(day: Day) -> Iterator[int]:
    """Send one, sleep for the spacing, and so on; after an amount, sleep for the gap."""
    rng, rate, at, sent = Random(SEED), day.rate, MIDNIGHT_US, 0
    while (at := day.works(at + late(rng))) < day.closes:
        yield at
        sent += 1
        at += rate.period // rate.amount + (rate.gap if sent % rate.amount == 0 else 0)


def fixed_window(day: Day) -> Iterator[int]:
    """Count in each period, and send as long as the count permits."""
    rng = Random(SEED)
    for begins, ends in day.periods():
        at = day.works(begins + late(rng))
        yield from [at] * (day.rate.amount if at < ends else 0)


def token_bucket(day: Day) -> Iterator[int]:
    """Send as long as there are tokens; they come evenly, and a tenth of an amount can be saved up."""
    rng, rate = Random(SEED), day.rate
    most = max(1.0, rate.amount / SAVED_SHARE)
    tokens, filled_at = 1.0, MIDNIGHT_US
    for begins, ends in day.periods():
        at = day.works(begins + late(rng))
        while at < ends:
            tokens = min(most, tokens + (at - filled_at) * rate.amount / rate.period)
            filled_at = at
            yield from [at] * int(tokens)
            tokens -= int(tokens)
            at = day.works(at + int((1 - tokens) * rate.period / rate.amount) + 1 + late(rng))


def gcra(day: Day) -> Iterator[int]:
    """Send when the theoretical arrival time has come, and count it on from then: no burst is tolerated."""
    rng, rate, expected = Random(SEED), day.rate, MIDNIGHT_US
    for begins, ends in day.periods():
        at = day.works(max(begins, expected) + late(rng))
        while at < ends:
            yield at
            expected = max(at, expected) + rate.period // rate.amount
            at = day.works(expected + late(rng))


def ours(day: Day, *, pacers_only: bool = False) -> Iterator[int]:
    """Run the pacer's decisions, with a second pacer beside it and a dialer that withholds what is late.

    In an outage all of it stands still, or the pacers only: then what they have rung ahead is sent on time.
    """
    window = CallingWindow(opens_minute=0, closes_minute=day.hours * 60, key=0)
    calendar = Calendar(
        first_date=TODAY, last_date=TODAY, weekdays=frozenset(WEEK), zone="UTC", windows=(window,)
    )
    world = World(
        calendar=calendar, profiles=[day.pace], now=MIDNIGHT - timedelta(minutes=1), rng=Random(SEED)
    )
    world.start()
    for begins, ends in day.outages:
        pause, length = begins - in_microseconds(world.now), timedelta(microseconds=ends - begins)
        for outage in (
            [partial(world.kill, each) for each in world.pacers] if pacers_only else [world.cut_off]
        ):
            world.later(timedelta(microseconds=pause), partial(outage, length))
    world.run(MIDNIGHT + timedelta(days=1))
    return iter(world.witness)


WAYS: dict[str, Callable[[Day], Iterator[int]]] = {
    "sleep loop": sleep_loop,
    "fixed window": fixed_window,
    "token bucket, a tenth saved": token_bucket,
    "GCRA": gcra,
    "ours": ours,
    "ours, outages of both pacers": partial(ours, pacers_only=True),
}


def compare(pace: Pace, hours: int) -> Table:
    """Return a line for each way."""
    day = bad_day(pace, hours)
    gap = f", {pace.gap_minutes} between" if pace.gap_minutes else ""
    lost = sum(ends - begins for begins, ends in day.outages) / SECOND_US
    return Table(
        f"{pace.amount} in {pace.period_minutes} minutes{gap}, {hours} hours, {lost:.0f} s of them lost to outages",
        ("", "mean error", "worst period", "periods over", "most over", "over in P - 100 ms", "most in 1 s"),
        [(name, *figures(sorted(way(day)), day)) for name, way in WAYS.items()],
    )


def figures(calls: Sequence[int], day: Day) -> tuple[str, ...]:
    """Return what one way's calls come to."""
    rate, whole = day.rate, [each for each in day.periods() if each[1] - each[0] == day.rate.period]
    held = [calls_in(calls, begins, ends) for begins, ends in whole]
    over = [number - rate.amount for number in held if number > rate.amount]
    return (
        f"{(sum(held) / (len(whole) * rate.amount) - 1) * 100:+.2f} %",
        f"{(min(held) / rate.amount - 1) * 100:+.1f} %",
        f"{len(over)} of {len(whole)}",
        f"{max(over, default=0):+d}",
        f"{max(0, most_in(calls, rate.period - LATENESS_US) - rate.amount):+d}",
        f"{most_in(calls, SECOND_US)}",
    )


def most_in(calls: Sequence[int], length: int) -> int:
    """Return the most calls in any time of a length, wherever it begins."""
    return max((calls_in(calls, at, at + length) for at in calls), default=0)
