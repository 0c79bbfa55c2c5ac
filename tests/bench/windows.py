"""Ten years of calling windows in every time zone of the United States, and not one call outside of them.

The pacer's own decisions are run from call to call on a simulated clock. Each due instant, and the last instant at
which that call could leave, is shown to a wall clock of the zone, which knows nothing of intervals: is this one of
the hours of this day? And each day must have had all its calls: on a day without a change of the clocks their number
is a matter of counting slots by hand.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rows import Table

from shared.domain.calling_window import Calendar, CallingWindow, next_open_intervals
from shared.domain.pace import Pace
from shared.domain.pacing import PacingState, Stretch, emissions_needed, plan
from shared.domain.wall_clock import WEEK, Weekday

FIRST, LAST = date(2026, 1, 1), date(2035, 12, 31)
#: Every zone of the fifty states, the district and the territories, by the IANA table of countries.
ZONES = [
    "America/New_York",
    "America/Detroit",
    "America/Kentucky/Louisville",
    "America/Kentucky/Monticello",
    "America/Indiana/Indianapolis",
    "America/Indiana/Vincennes",
    "America/Indiana/Winamac",
    "America/Indiana/Marengo",
    "America/Indiana/Petersburg",
    "America/Indiana/Vevay",
    "America/Chicago",
    "America/Indiana/Tell_City",
    "America/Indiana/Knox",
    "America/Menominee",
    "America/North_Dakota/Center",
    "America/North_Dakota/New_Salem",
    "America/North_Dakota/Beulah",
    "America/Denver",
    "America/Boise",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Juneau",
    "America/Sitka",
    "America/Metlakatla",
    "America/Yakutat",
    "America/Nome",
    "America/Adak",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "America/St_Thomas",
    "Pacific/Guam",
    "Pacific/Saipan",
    "Pacific/Pago_Pago",
]

#: One call an hour, two in forty minutes and a pause of twenty, one every half an hour.
HOURLY, PAIRS, HALF_HOURLY = (
    Pace(period_minutes=60, amount=1),
    Pace(period_minutes=40, amount=2, gap_minutes=20),
    Pace(period_minutes=30, amount=1),
)
WORKDAYS, SUNDAY = frozenset(WEEK[:5]), frozenset({Weekday.SUNDAY})
#: The small hours of Sundays are those in which clocks are changed.
WINDOWS = (
    CallingWindow(opens_minute=45, closes_minute=165, weekdays=SUNDAY, pace=HALF_HOURLY),
    CallingWindow(opens_minute=540, closes_minute=720, weekdays=WORKDAYS, pace=HOURLY),
    CallingWindow(opens_minute=1020, closes_minute=1140, weekdays=WORKDAYS, pace=PAIRS),
    CallingWindow(opens_minute=1410, closes_minute=1440, weekdays=SUNDAY, pace=HALF_HOURLY),
)
#: The same in words that a wall clock can be asked: weekday, from, to.
SPOKEN = [
    *[(day, "09:00", "12:00") for day in range(5)],
    *[(day, "17:00", "19:00") for day in range(5)],
    (6, "00:45", "02:45"),
    (6, "23:30", "24:00"),
]
#: A workday has three and four calls, a Sunday four and one.
CALLS_OF_A_DAY = [7, 7, 7, 7, 7, 0, 5]

LEAD, HORIZON = timedelta(milliseconds=500), timedelta(seconds=2)
#: How late a call may leave.
TOLERANCE = timedelta(milliseconds=100)
MICROSECOND = timedelta(microseconds=1)
MOST = 10


@dataclass(slots=True)
class Tally:
    """What the wall clocks saw."""

    calls: int = 0
    outside: int = 0
    days: int = 0
    days_with_changed_clocks: int = 0
    wrong_days: int = 0


async def measure() -> list[Table]:
    """Return what came of all zones."""
    tally = Tally()
    for zone in ZONES:
        await asyncio.to_thread(look_at, zone, tally)
    return [
        Table(
            f"{LAST.year - FIRST.year + 1} simulated years in {len(ZONES)} time zones",
            ("calls", "outside", "days", "with a change of clocks", "days with a call too few or too many"),
            [
                (
                    f"{tally.calls:,}",
                    f"{tally.outside}",
                    f"{tally.days:,}",
                    f"{tally.days_with_changed_clocks}",
                    f"{tally.wrong_days}",
                )
            ],
        )
    ]


def look_at(zone: str, tally: Tally) -> None:
    """Place the calls of ten years in one zone and show each to its wall clock."""
    clock, by_day = ZoneInfo(zone), Counter[date]()
    for due, send_before in calls_of(zone):
        last = min(due + TOLERANCE, send_before - MICROSECOND)
        tally.calls += 1
        tally.outside += not (is_allowed(due.astimezone(clock)) and is_allowed(last.astimezone(clock)))
        by_day[due.astimezone(clock).date()] += 1
    day = FIRST
    while day <= LAST:
        tally.days += 1
        if clocks_change(clock, day):
            tally.days_with_changed_clocks += 1
        else:
            tally.wrong_days += by_day[day] != CALLS_OF_A_DAY[day.weekday()]
        day += timedelta(days=1)


def is_allowed(wall: datetime) -> bool:
    """Tell whether what a wall clock shows is one of the hours of that day."""
    if not FIRST <= wall.date() <= LAST:
        return False
    shown = f"{wall:%H:%M}"
    return any(wall.weekday() == day and opens <= shown < closes for day, opens, closes in SPOKEN)


def clocks_change(clock: ZoneInfo, day: date) -> bool:
    """Tell whether the day is not as long as others."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=clock)
    tomorrow = day + timedelta(days=1)
    return (
        midnight.utcoffset()
        != datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=clock).utcoffset()
    )


def calls_of(zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield each due instant of ten years, and before when that call must be sent, looking when the pacer would."""
    calendar = Calendar(
        first_date=FIRST, last_date=LAST, weekdays=frozenset(WEEK), zone=zone, windows=WINDOWS
    )
    state, dues = PacingState(), list[datetime]()
    now = started_at = datetime(FIRST.year, 1, 1, tzinfo=UTC) - timedelta(days=1)
    intervals = next_open_intervals(calendar, now, most=2)
    while intervals:
        stretches = [Stretch.of(interval, unpaced=HOURLY) for interval in intervals]
        needed = emissions_needed(state, stretches, horizon=HORIZON, most=MOST)
        offer = plan(
            state,
            stretches=stretches,
            started_at=started_at,
            due_at={number: dues[number - 1] for numbers in needed for number in numbers},
            now=now,
            lead=LEAD,
            horizon=HORIZON,
            most=MOST,
        )
        dues += offer.dues
        yield from zip(offer.dues, offer.send_before, strict=True)
        settled = offer.settle(len(offer.dues))
        state = settled.state
        now = max(now + MICROSECOND, settled.wake_at or intervals[0].closes_at)
        if now >= intervals[0].closes_at:
            intervals = next_open_intervals(calendar, now, most=2)
