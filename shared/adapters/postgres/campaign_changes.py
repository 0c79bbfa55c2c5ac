"""Changes of what exists: schedules, profiles and campaigns, each with what it means for those that run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.calendars import calendar_of
from shared.adapters.postgres.callee_lines import hours_of
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.retry_policies import retry_columns, retry_policy_of
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.campaign import Dialect, UnknownCampaign
from shared.domain.errors import Invalid, NotFound
from shared.domain.pace import Pace
from shared.domain.wall_clock import Weekday
from shared.ports.campaign_changes import CampaignChange, CampaignChanges, InUse, PaceChange
from shared.ports.campaigns import NewWindow, Nickname, NicknameTaken, Profile, Schedule

_SQL = queries("campaign_changes")
_ATTACH = queries("campaigns")["attach_window"]
_CALENDAR = queries("dialing")["calendar"]


class PostgresCampaignChanges(CampaignChanges):
    """Changes in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def update_schedule(
        self,
        tenant_id: int,
        schedule_id: int,
        nickname: Nickname | None,
        days: tuple[Weekday, ...] | None,
    ) -> Schedule:
        async with self._naming(tenant_id) as connection:
            before = await _found(connection, "schedule", tenant_id, schedule_id)
            wanted = None if days is None else [day.value for day in days]
            row = await connection.fetchrow(
                _SQL["update_schedule"], tenant_id, schedule_id, *_named(nickname), wanted
            )
            if row["days"] != before["days"]:
                changed = await connection.fetch(_SQL["plan_anew_by_schedule"], tenant_id, schedule_id)
                await _wake(connection, tenant_id, changed)
        return Schedule(
            schedule_id=schedule_id, nickname=row["nickname"], days=tuple(Weekday(day) for day in row["days"])
        )

    @override
    async def delete_schedule(self, tenant_id: int, schedule_id: int) -> None:
        await self._delete("schedule", tenant_id, schedule_id)

    @override
    async def update_profile(
        self, tenant_id: int, profile_id: int, nickname: Nickname | None, pace: PaceChange
    ) -> Profile:
        async with self._naming(tenant_id) as connection:
            before = await _found(connection, "profile", tenant_id, profile_id)
            wanted = _pace(before, pace)
            row = await connection.fetchrow(
                _SQL["update_profile"], tenant_id, profile_id, *_named(nickname), wanted.period_minutes,
                wanted.amount, wanted.gap_minutes,
            )  # fmt: skip
            if wanted != _pace(before, PaceChange()):
                running = await connection.fetch(_SQL["running_by_profile"], tenant_id, profile_id)
                await _wake(connection, tenant_id, running)
        return Profile(profile_id=profile_id, nickname=row["nickname"], pace=wanted)

    @override
    async def delete_profile(self, tenant_id: int, profile_id: int) -> None:
        await self._delete("profile", tenant_id, profile_id)

    @override
    async def update_campaign(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, change: CampaignChange
    ) -> None:
        try:
            async with self._database.transaction(tenant_id=tenant_id) as connection:
                row = await connection.fetchrow(
                    _SQL["campaign_to_update"], tenant_id, campaign_id, dialect.value
                )
                if row is None:
                    raise UnknownCampaign(campaign_id)
                await _Campaign(connection, tenant_id, campaign_id, row).update(change)
        except asyncpg.ForeignKeyViolationError as error:
            raise gone_meanwhile(error) from error

    @override
    async def delete_campaign(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, hang_up: bool = False
    ) -> None:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            row = await connection.fetchrow(_SQL["campaign_to_update"], tenant_id, campaign_id, dialect.value)
            if row is None:
                raise UnknownCampaign(campaign_id)
            await connection.execute(_SQL["delete_campaign"], tenant_id, campaign_id, hang_up)
            await connection.execute(_SQL["keep_paces"], tenant_id, campaign_id)
            await _wake(connection, tenant_id, [row])

    @asynccontextmanager
    async def _naming(self, tenant_id: int) -> AsyncIterator[asyncpg.Connection]:
        """Run a change in which a nickname may turn out to be taken."""
        try:
            async with self._database.transaction(tenant_id=tenant_id) as connection:
                yield connection
        except asyncpg.UniqueViolationError as error:
            raise NicknameTaken from error

    async def _delete(self, kind: str, tenant_id: int, its_id: int) -> None:
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            row = await _found(connection, kind, tenant_id, its_id)
            user = await connection.fetchval(_SQL[f"campaign_using_{kind}"], tenant_id, its_id)
            if user is not None:
                raise InUse(in_use(kind, row["nickname"], its_id, user))
            await connection.execute(_SQL[f"delete_{kind}"], tenant_id, its_id)


def in_use(kind: str, nickname: str | None, its_id: int, campaign_id: int) -> str:
    """Return the documented sentence (PLUM-33, PLUM-45): no space before the bracket where there is a nickname."""
    who = f"{kind.capitalize()} {nickname or ''}(id {its_id})"
    return f"{who} is being used with campaign id {campaign_id}."


def gone_meanwhile(error: asyncpg.ForeignKeyViolationError) -> Invalid:
    """Return what is to be said when a schedule or profile was deleted while it was being attached."""
    field = "schedule" if "schedule" in (error.constraint_name or "") else "profiles"
    return Invalid(field, f"The selected {field} is invalid: it has just been deleted.")


@dataclass(frozen=True, slots=True)
class _Campaign:
    """One locked campaign."""

    connection: asyncpg.Connection
    tenant_id: int
    campaign_id: int
    row: asyncpg.Record

    async def update(self, change: CampaignChange) -> None:
        before = calendar_of(await self.connection.fetch(_CALENDAR, self.tenant_id, self.campaign_id))
        after = _calendar(before, change)
        await self._refuse_late_receiver(change)
        hours = self._callee_hours(change)
        schedule_id = self.row["schedule_id"] if change.schedule_id is None else change.schedule_id
        other_hours = (
            change.windows is not None
            or replace(after, windows=before.windows) != before
            or schedule_id != self.row["schedule_id"]
            or hours != self._callee_hours(CampaignChange())
        )
        await self.connection.execute(
            _SQL["update_campaign"], self.tenant_id, self.campaign_id, change.name or self.row["name"],
            after.first_date, after.last_date, after.zone, schedule_id,
            change.start_url or self.row["start_url"], change.result_url or self.row["result_url"],
            *retry_columns(change.retry.of(retry_policy_of(self.row))), hours, other_hours,
        )  # fmt: skip
        if change.windows is not None:
            await self._attach(change.windows)
        if other_hours:
            await _wake(self.connection, self.tenant_id, [self.row])

    async def _attach(self, windows: tuple[NewWindow, ...]) -> None:
        await self.connection.execute(_SQL["detach_windows"], self.tenant_id, self.campaign_id)
        for number, window in enumerate(windows, start=1):
            await self.connection.execute(
                _ATTACH, self.tenant_id, self.campaign_id, number, window.opens_minute, window.closes_minute,
                window.profile_id,
            )  # fmt: skip

    async def _refuse_late_receiver(self, change: CampaignChange) -> None:
        """Refuse a first result_url after a result: one has a delivery exactly if its campaign has a result_url."""
        if change.result_url is None or self.row["result_url"] is not None:
            return
        await self.connection.execute(_SQL["lock_pacing"], self.tenant_id, self.campaign_id)
        if await self.connection.fetchval(_SQL["anything_dialed"], self.tenant_id, self.campaign_id):
            raise Invalid(
                "result_url",
                "The campaign has called without a result_url, and cannot be given one any more: "
                "read its results at /api/results, or make another campaign.",
            )

    def _callee_hours(self, change: CampaignChange) -> list[int] | None:
        """Return both minutes; raises Invalid where numbers were taken in without their time zones."""
        before = hours_of(self.row)
        after = before if change.callee_hours is None else change.callee_hours.hours
        if before is None and after is not None:
            raise Invalid(
                "callee_hours",
                "The campaign was made without callee_hours, so that its numbers' time zones are not known: "
                "make another campaign.",
            )
        return None if after is None else [after.from_minute, after.until_minute]


def _calendar(before: Calendar, change: CampaignChange) -> Calendar:
    """Return the calendar as it is to be; raises Invalid for one that cannot be kept to."""
    windows = before.windows
    if change.windows is not None:
        windows = tuple(
            CallingWindow(opens_minute=window.opens_minute, closes_minute=window.closes_minute)
            for window in change.windows
        )
    return replace(
        before,
        first_date=change.first_date or before.first_date,
        last_date=change.last_date or before.last_date,
        zone=change.time_zone or before.zone,
        windows=windows,
    )


def _pace(row: asyncpg.Record, change: PaceChange) -> Pace:
    """Return a profile's pace as it is to be; raises Invalid."""
    return Pace(
        period_minutes=row["period_minutes"] if change.period_minutes is None else change.period_minutes,
        amount=row["amount_per_period"] if change.amount is None else change.amount,
        gap_minutes=row["gap_minutes"] if change.gap_minutes is None else change.gap_minutes,
    )


async def _found(connection: asyncpg.Connection, kind: str, tenant_id: int, its_id: int) -> asyncpg.Record:
    row = await connection.fetchrow(_SQL[f"{kind}_to_change"], tenant_id, its_id)
    if row is None:
        raise NotFound(f"There is no {kind} with id {its_id}.")
    return row


async def _wake(connection: asyncpg.Connection, tenant_id: int, campaigns: list[asyncpg.Record]) -> None:
    ids = [row["campaign_id"] for row in campaigns]
    if ids:
        await connection.execute(_SQL["wake_pacers"], tenant_id, ids)


def _named(nickname: Nickname | None) -> tuple[str | None, str | None]:
    return (nickname.shown, nickname.key) if nickname else (None, None)
