"""Builds a campaign's calendar from the rows of the `calendar` query."""

from collections.abc import Sequence

import asyncpg

from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.pace import Pace
from shared.domain.wall_clock import WEEK, Weekday


def calendar_of(rows: Sequence[asyncpg.Record]) -> Calendar:
    """Return the calendar; the rows are one campaign's, one per window, and not empty."""
    campaign = rows[0]
    days = campaign["campaign_days"]
    return Calendar(
        first_date=campaign["first_date"],
        last_date=campaign["last_date"],
        weekdays=frozenset(WEEK) if days is None else _weekdays(days),
        zone=campaign["time_zone"],
        windows=tuple(_window(row) for row in rows),
    )


def _window(row: asyncpg.Record) -> CallingWindow:
    return CallingWindow(
        opens_minute=row["opens_minute"],
        closes_minute=row["closes_minute"],
        weekdays=None if row["days"] is None else _weekdays(row["days"]),
        on_date=row["on_date"],
        pace=_pace(row),
        key=row["window_no"],
    )


def _pace(row: asyncpg.Record) -> Pace | None:
    if row["period_minutes"] is None:
        return None
    return Pace(
        period_minutes=row["period_minutes"], amount=row["amount_per_period"], gap_minutes=row["gap_minutes"]
    )


def _weekdays(days: Sequence[str]) -> frozenset[Weekday]:
    return frozenset(Weekday(day) for day in days)
