"""The API's view of Postgres."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.calendars import calendar_of
from shared.adapters.postgres.callee_lines import callee_hours
from shared.adapters.postgres.campaign_changes import gone_meanwhile
from shared.adapters.postgres.daily_numbers import count_numbers
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.rehearsals import rehearse
from shared.adapters.postgres.retry_policies import retry_columns, retry_policy
from shared.adapters.postgres.tokens import caller_of
from shared.adapters.postgres.uploads import Homes, home_zone, take_in
from shared.domain.callee_hours import CalleeClock, CalleeHours, open_span_at, why_closed
from shared.domain.calling_window import next_open_interval
from shared.domain.campaign import CAMPAIGN, CampaignEvent, CampaignState, Dialect, UnknownCampaign
from shared.domain.disposition import Outcome
from shared.domain.errors import Unavailable
from shared.domain.pace import Pace
from shared.domain.phone_list import PhoneEntry, RefusedLine
from shared.domain.wall_clock import Weekday
from shared.failpoints import Failpoint, failpoint
from shared.ports.access import Caller
from shared.ports.campaigns import (
    AttachedProfile,
    CampaignOver,
    Campaigns,
    CampaignView,
    NewCampaign,
    Nickname,
    NicknameTaken,
    NumberCounts,
    Profile,
    Schedule,
    Start,
    TakenIn,
)
from shared.ports.number_zones import NoNumberZones, NumberZones
from shared.ports.rehearsal import Rehearsal

_SQL = queries("campaigns")
_CALENDAR = queries("dialing")["calendar"]
_CLOCK = queries("planning")["postgres_now"]

#: By lookup: a list of a thousand campaigns asks a thousand times.
_STATES: Final = {state.value: state for state in CampaignState}
_TITLES: Final = {outcome.value: outcome.title for outcome in Outcome}
#: From values in the order of their fields: by their names it took two to four times as long.
_schedule: Final = Schedule._make
_attached: Final = AttachedProfile._make
_numbers: Final = NumberCounts._make
_campaign: Final = CampaignView._make

#: A tenant with more schedules than this has them made by a program gone wrong.
MOST_LISTED: Final = 10_000


class PostgresCampaigns(Campaigns):
    """Campaigns in Postgres."""

    def __init__(
        self,
        database: Database,
        number_zones: NumberZones | None = None,
        *,
        numbers_per_day: int | None = None,
    ) -> None:
        """Take the pool; `numbers_per_day` is what a tenant may upload, None being no limit."""
        self._database = database
        self._number_zones = number_zones or NoNumberZones()
        self._numbers_per_day = numbers_per_day

    @override
    async def caller_of(self, token_hash: bytes) -> Caller:
        return await caller_of(self._database, token_hash)

    @override
    async def tenant_of(self, token_hash: bytes) -> int:
        return (await self.caller_of(token_hash)).tenant_id

    @override
    async def create_schedule(
        self, tenant_id: int, nickname: Nickname | None, days: Sequence[Weekday]
    ) -> Schedule:
        schedule_id = await self._create_named(
            "create_schedule", tenant_id, nickname, [day.value for day in days]
        )
        return Schedule(
            schedule_id=schedule_id, nickname=nickname.shown if nickname else None, days=tuple(days)
        )

    @override
    async def schedules(self, tenant_id: int) -> list[Schedule]:
        rows = await self._database.rows(_SQL["schedules"], tenant_id, MOST_LISTED, tenant_id=tenant_id)
        return [
            _schedule((schedule_id, nickname, _weekdays(" ".join(days))))
            for schedule_id, nickname, days in rows
        ]

    @override
    async def create_profile(self, tenant_id: int, nickname: Nickname | None, pace: Pace) -> Profile:
        profile_id = await self._create_named(
            "create_profile", tenant_id, nickname, pace.period_minutes, pace.amount, pace.gap_minutes
        )
        return Profile(profile_id=profile_id, nickname=nickname.shown if nickname else None, pace=pace)

    @override
    async def profiles(self, tenant_id: int) -> list[Profile]:
        rows = await self._database.rows(_SQL["profiles"], tenant_id, MOST_LISTED, tenant_id=tenant_id)
        return [
            Profile(
                profile_id=row["profile_id"],
                nickname=row["nickname"],
                pace=Pace(
                    period_minutes=row["period_minutes"],
                    amount=row["amount_per_period"],
                    gap_minutes=row["gap_minutes"],
                ),
            )
            for row in rows
        ]

    @override
    async def create_campaign(
        self,
        tenant_id: int,
        campaign: NewCampaign,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]] | None,
        *,
        file_name: str | None = None,
        start: Start | None = None,
    ) -> TakenIn:
        try:
            async with self._database.transaction(tenant_id=tenant_id) as connection:
                campaign_id = await _make(connection, tenant_id, campaign)
                taken = TakenIn(campaign_id=campaign_id, accepted=0, duplicates=0, refused=0)
                if lines is not None:
                    taken = await take_in(
                        connection, tenant_id, campaign_id, lines, file_name=file_name,
                        number_zones=self._number_zones,
                    )  # fmt: skip
                    await count_numbers(connection, tenant_id, taken.accepted, most=self._numbers_per_day)
                if start is not None:
                    await _start(connection, tenant_id, campaign_id, start.preflight)
        except asyncpg.ForeignKeyViolationError as error:
            raise gone_meanwhile(error) from error
        return taken

    @override
    async def add_numbers(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
        *,
        file_name: str | None = None,
    ) -> TakenIn:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await _state(connection, "campaign_to_add_to", tenant_id, dialect, campaign_id)
            await _refuse_when_over(connection, tenant_id, campaign_id)
            taken = await take_in(
                connection,
                tenant_id,
                campaign_id,
                lines,
                file_name=file_name,
                number_zones=self._number_zones,
            )
            await count_numbers(connection, tenant_id, taken.accepted, most=self._numbers_per_day)
            await connection.execute(_SQL["wake_pacer"], tenant_id, campaign_id, False)
        return taken

    @override
    async def rehearse_campaign(
        self,
        tenant_id: int,
        campaign: NewCampaign,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]] | None,
    ) -> Rehearsal:
        homes = Homes(self._number_zones, campaign.time_zone)
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            return await rehearse(connection, (tenant_id, None), lines, homes)

    @override
    async def rehearse_numbers(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
    ) -> Rehearsal:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await _state(connection, "campaign_to_add_to", tenant_id, dialect, campaign_id)
            await _refuse_when_over(connection, tenant_id, campaign_id)
            homes = Homes(self._number_zones, await home_zone(connection, tenant_id, campaign_id))
            return await rehearse(connection, (tenant_id, campaign_id), lines, homes)

    @override
    async def start(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        *,
        preflight: Mapping[str, str] | None = None,
    ) -> None:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            state = await _state(connection, "campaign_to_change", tenant_id, dialect, campaign_id)
            if not CAMPAIGN.takes(state, CampaignEvent.START):
                return
            await _start(connection, tenant_id, campaign_id, preflight)

    @override
    async def stop(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, hang_up: bool = False
    ) -> None:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await _state(connection, "campaign_to_change", tenant_id, dialect, campaign_id)
            await connection.execute(_SQL["stop_campaign"], tenant_id, campaign_id, hang_up)
            await failpoint(Failpoint.STOP_NOT_COMMITTED)

    @override
    async def campaigns(self, tenant_id: int, dialect: Dialect, *, most: int) -> list[CampaignView]:
        rows = await self._database.rows(
            _SQL["campaign_views"], tenant_id, dialect.value, None, most, tenant_id=tenant_id
        )
        return [_view(row) for row in reversed(rows)]

    @override
    async def campaign(self, tenant_id: int, dialect: Dialect, campaign_id: int) -> CampaignView:
        row = await self._database.row(
            _SQL["campaign_views"], tenant_id, dialect.value, campaign_id, 1, tenant_id=tenant_id
        )
        if row is None:
            raise UnknownCampaign(campaign_id)
        return _view(row)

    @override
    async def works(self) -> bool:
        try:
            return await self._database.row(_SQL["works"]) is not None
        except Unavailable:
            return False

    async def _create_named(
        self, statement: str, tenant_id: int, nickname: Nickname | None, *values: object
    ) -> int:
        shown, key = (nickname.shown, nickname.key) if nickname else (None, None)
        try:
            async with self._database.transaction(tenant_id=tenant_id) as connection:
                made: int = await connection.fetchval(_SQL[statement], tenant_id, shown, key, *values)
        except asyncpg.UniqueViolationError as error:
            raise NicknameTaken from error
        return made


async def _state(
    connection: asyncpg.Connection, statement: str, tenant_id: int, dialect: Dialect, campaign_id: int
) -> CampaignState:
    state = await connection.fetchval(_SQL[statement], tenant_id, campaign_id, dialect.value)
    if state is None:
        raise UnknownCampaign(campaign_id)
    return CampaignState(state)


async def _make(connection: asyncpg.Connection, tenant_id: int, campaign: NewCampaign) -> int:
    campaign_id: int = await connection.fetchval(
        _SQL["create_campaign"], tenant_id, campaign.dialect.value, campaign.name, campaign.first_date,
        campaign.last_date, campaign.time_zone, campaign.schedule_id, campaign.start_url,
        campaign.result_url, *retry_columns(campaign.retry), *_hours_columns(campaign.callee_hours),
    )  # fmt: skip
    for number, window in enumerate(campaign.windows, start=1):
        await connection.execute(
            _SQL["attach_window"], tenant_id, campaign_id, number, window.opens_minute,
            window.closes_minute, window.profile_id,
        )  # fmt: skip
    return campaign_id


async def _start(
    connection: asyncpg.Connection, tenant_id: int, campaign_id: int, preflight: Mapping[str, str] | None
) -> None:
    await _refuse_when_over(connection, tenant_id, campaign_id)
    answers = None if preflight is None else dict(preflight)
    await connection.execute(_SQL["start_campaign"], tenant_id, campaign_id, answers)
    await connection.execute(_SQL["wake_pacer"], tenant_id, campaign_id, True)


async def _refuse_when_over(connection: asyncpg.Connection, tenant_id: int, campaign_id: int) -> None:
    rows = await connection.fetch(_CALENDAR, tenant_id, campaign_id)
    if not rows:
        raise UnknownCampaign(campaign_id)
    if next_open_interval(calendar_of(rows), await connection.fetchval(_CLOCK)) is None:
        raise CampaignOver


def _hours_columns(hours: CalleeHours | None) -> tuple[int | None, int | None]:
    return (None, None) if hours is None else (hours.from_minute, hours.until_minute)


def _withheld(
    zones_in_line: Sequence[Sequence[str]] | None, hours: CalleeHours, now: datetime
) -> tuple[str, ...]:
    """Say of each set of zones with numbers in line why they are not called now; those that are say nothing."""
    clocks = (CalleeClock(hours=hours, zones=tuple(zones)) for zones in zones_in_line or ())
    shut = (clock for clock in clocks if open_span_at(clock, now) is None)
    return tuple(dict.fromkeys(why_closed(clock, now) for clock in shut))


@lru_cache(maxsize=2**7)  # there are fewer sets of weekdays, and a list has many schedules with few of them
def _weekdays(names: str) -> tuple[Weekday, ...]:
    """Return the days that are named with spaces between them: one text is found sooner than seven."""
    return tuple(Weekday(name) for name in names.split())


def _view(row: asyncpg.Record) -> CampaignView:
    # In the order of the query's columns: asked for by their names, they took half of what a list of campaigns takes.
    (
        campaign_id, name, state, first_date, last_date, time_zone, start_url, result_url, preflight,
        schedule_id, schedule_nickname, profiles, held_because,
        tries, retry_seconds, retry_seconds_by_outcome, callee_from_minute, callee_until_minute,
        zones_in_line, now, accepted, waiting, in_attempt, calls_in_progress, refused, duplicates, ended,
    ) = row  # fmt: skip
    outcomes: dict[str, int] = {}
    results: dict[str, int] = {}
    final = 0
    for outcome, result, numbers in ended:
        final += numbers
        title = _TITLES[outcome]
        outcomes[title] = outcomes.get(title, 0) + numbers
        results[result] = results.get(result, 0) + numbers
    ready = accepted - waiting - in_attempt - final
    hours = callee_hours(callee_from_minute, callee_until_minute)
    return _campaign((
        campaign_id, name, _STATES[state], first_date, last_date, time_zone, start_url, result_url,
        schedule_id, schedule_nickname, tuple(map(_attached, profiles)), held_because, preflight,
        _numbers((accepted, ready, waiting, in_attempt, final, refused, duplicates)), calls_in_progress,
        retry_policy(tries, retry_seconds, retry_seconds_by_outcome),
        hours, _withheld(zones_in_line, hours, now) if hours else (), outcomes, results,
    ))  # fmt: skip
