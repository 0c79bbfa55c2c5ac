"""When a callee may be called: hours on the wall clocks of the place where the number is at home.

A number belongs to one zone or to several: an area code may lie across a border of zones, and a toll-free number
may ring anywhere in a continent. Where it is not known which one it is, every clock must show an allowed time:
the hours of a number are the intersection of the hours in all its zones, so that nobody is called too early in the
west or too late in the east. A number of which no zone is known at all is taken to be at home in its campaign's.

Hours mean what the wall clock shows, as calling windows do, and each is allowed every day: weekdays and dates are
the campaign's business. So both nights on which clocks change need no rule of their own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

from shared.domain.calling_window import Calendar, CallingWindow, intervals_of_day, next_open_interval
from shared.domain.errors import Invalid
from shared.domain.time_zone import as_utc
from shared.domain.wall_clock import FIRST_YEAR, LAST_YEAR, WEEK, WallTime

_DAY: Final = timedelta(days=1)
#: Clocks that are never allowed together today and tomorrow are asked again tomorrow.
_LOOK_AHEAD: Final = 2 * _DAY
#: A year holds every state that the clocks of several zones can be in towards each other, and some days more: what
#: does not open within it does not open.
_FARTHEST: Final = timedelta(days=400)
#: Two days for each of a continent's groups of zones are a few hundred.
_CACHED_DAYS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class CalleeHours:
    """From when to when a callee's clock must be, in minutes since midnight; raises `Invalid`."""

    from_minute: int
    #: Not included; 1440 is the end of the day.
    until_minute: int

    def __post_init__(self) -> None:
        if WallTime(self.until_minute) <= WallTime(self.from_minute):
            raise Invalid("callee_hours", f"The hours {self} end at or before they begin.")

    def __str__(self) -> str:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        return f"{WallTime(self.from_minute)}-{WallTime(self.until_minute)}"

    @classmethod
    def parse(cls, text: str, *, field: str) -> Self:
        """Read `08:00-21:00`; raises `Invalid` naming `field`."""
        begins, dash, ends = text.partition("-")
        if not dash:
            raise Invalid(field, f"The {field} are off, on ({USUAL_HOURS}) or hours such as 09:00-20:00.")
        from_minute = WallTime.parse(begins.strip(), field=field).minute
        until_minute = WallTime.parse(ends.strip(), field=field, as_end=True).minute
        if until_minute <= from_minute:
            raise Invalid(field, f"The {field} {text.strip()} end at or before they begin.")
        return cls(from_minute=from_minute, until_minute=until_minute)


#: What the United States allow for sales calls (47 CFR 64.1200(c)(1)).
USUAL_HOURS: Final = CalleeHours(from_minute=8 * 60, until_minute=21 * 60)


def parse_switch(text: str, *, field: str) -> CalleeHours | None:
    """Read `off`, `on` (the usual hours) or `08:00-21:00`; raises `Invalid` naming `field`."""
    word = text.strip().lower()
    if word in {"off", "on"}:
        return USUAL_HOURS if word == "on" else None
    return CalleeHours.parse(word, field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalleeClock:
    """The clocks that a number may be living by, each an IANA name, and the hours that all of them must show."""

    hours: CalleeHours
    #: At least one.
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSpan:
    """A time in which a callee may be called without interruption, in UTC."""

    opens_at: datetime
    #: Not included. Of hours without an end, as 00:00-24:00, as far as was looked.
    closes_at: datetime

    def holds(self, instant: datetime) -> bool:
        """Tell whether the callee may be called at `instant`."""
        return self.opens_at <= instant < self.closes_at


def next_open_span(clock: CalleeClock, now: datetime) -> OpenSpan | None:
    """Return the span that is open at `now`, or else the next; None when none begins within two days."""
    instant = as_utc(now)
    return next(_open_spans(clock, instant, instant + _LOOK_AHEAD), None)


def open_span_at(clock: CalleeClock, now: datetime) -> OpenSpan | None:
    """Return the span that is open at `now`, or None."""
    span = next_open_span(clock, now)
    return span if span is not None and span.holds(now) else None


def next_callable(calendar: Calendar, clock: CalleeClock | None, earliest: datetime) -> datetime | None:
    """Return the first instant from `earliest` on that both the campaign and the callee allow.

    None when there will be none: the last window is over by then, or the two never agree. `clock` is None where
    the callee's hours do not matter.
    """
    instant = as_utc(earliest)
    interval = next_open_interval(calendar, instant)
    farthest = instant if interval is None else interval.opens_at + _FARTHEST
    while interval is not None and interval.opens_at <= farthest:
        begins_at = max(interval.opens_at, instant)
        if clock is None:
            return begins_at
        span = next(_open_spans(clock, begins_at, interval.closes_at), None)
        if span is not None:
            return max(begins_at, span.opens_at)
        interval = next_open_interval(calendar, interval.closes_at)
    return None


def why_closed(clock: CalleeClock, now: datetime) -> str:
    """Say by which of the clocks it is too early or too late: `20:05 America/New_York, allowed until 20:00`."""
    for zone in clock.zones:
        here = now.astimezone(ZoneInfo(zone))
        minute = here.hour * 60 + here.minute
        if minute < clock.hours.from_minute:
            return f"{here:%H:%M} {zone}, allowed from {WallTime(clock.hours.from_minute)}"
        if minute >= clock.hours.until_minute:
            return f"{here:%H:%M} {zone}, allowed until {WallTime(clock.hours.until_minute)}"
    return f"{now.astimezone(UTC):%H:%M} UTC, outside the hours {clock.hours} of {', '.join(clock.zones)}"


def _open_spans(clock: CalleeClock, begins_at: datetime, ends_at: datetime) -> Iterator[OpenSpan]:
    """Yield the spans that have not closed at `begins_at` and open before `ends_at`, in order."""
    held: OpenSpan | None = None
    for span in _pieces(clock, begins_at.date(), ends_at.date() + _DAY):
        if held is not None and held.closes_at == span.opens_at:
            held = replace(held, closes_at=span.closes_at)  # midnight in UTC is nobody's closing time
            continue
        if held is not None and begins_at < held.closes_at:
            yield held
        if span.opens_at >= ends_at:
            return
        held = span
    if held is not None and begins_at < held.closes_at:
        yield held


def _pieces(clock: CalleeClock, first: date, last: date) -> Iterator[OpenSpan]:
    day = first
    while day <= last:
        yield from _spans_of_day(clock, day)
        day += _DAY


@lru_cache(maxsize=_CACHED_DAYS)
def _spans_of_day(clock: CalleeClock, day: date) -> tuple[OpenSpan, ...]:
    """Return the time of a day of UTC in which every clock shows an allowed time."""
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    spans: tuple[OpenSpan, ...] = (OpenSpan(opens_at=midnight, closes_at=midnight + _DAY),)
    for zone in clock.zones:
        spans = tuple(_common(spans, _allowed(clock.hours, zone, day)))
    return spans


def _allowed(hours: CalleeHours, zone: str, day: date) -> list[OpenSpan]:
    """Return when one clock shows an allowed time, from before a day of UTC to after it."""
    calendar = _calendar(hours, zone)
    return [
        OpenSpan(opens_at=interval.opens_at, closes_at=interval.closes_at)
        for local_day in (day - _DAY, day, day + _DAY)
        for interval in intervals_of_day(calendar, local_day)
    ]


@lru_cache(maxsize=_CACHED_DAYS)
def _calendar(hours: CalleeHours, zone: str) -> Calendar:
    return Calendar(
        first_date=date(FIRST_YEAR, 1, 1),
        last_date=date(LAST_YEAR, 12, 31),
        weekdays=frozenset(WEEK),
        zone=zone,
        windows=(CallingWindow(opens_minute=hours.from_minute, closes_minute=hours.until_minute),),
    )


def _common(ours: Iterable[OpenSpan], theirs: list[OpenSpan]) -> Iterator[OpenSpan]:
    """Yield what both allow; a day has a handful of spans, so that every pair may be looked at."""
    found = (
        OpenSpan(opens_at=max(one.opens_at, other.opens_at), closes_at=min(one.closes_at, other.closes_at))
        for one in ours
        for other in theirs
    )
    yield from sorted((span for span in found if span.opens_at < span.closes_at), key=_opens_at)


def _opens_at(span: OpenSpan) -> datetime:
    return span.opens_at
