"""The dialer's view of Postgres: one method per transition of an attempt."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.calendars import calendar_of
from shared.adapters.postgres.callee_lines import hours_of
from shared.adapters.postgres.clocks import Offset, ask
from shared.adapters.postgres.conclusions import write_conclusion
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.retry_policies import retry_policy_of
from shared.contracts.conclusion import Conclusion
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.callee_hours import CalleeClock
from shared.domain.calling_window import Calendar
from shared.domain.disposition import CallEnding, Disposition
from shared.domain.errors import NotFound
from shared.domain.gate import GateFacts
from shared.domain.number_policy import NumberPolicy, country_of, kind_of
from shared.domain.retry import BackInLine, WaitUntil, Withheld
from shared.ports.dialing import Attempts, Intent, LeasedAttempt, LeaseGone, Leases

_SQL = queries("dialing")
_CLOCK = queries("planning")["postgres_now"]

#: uvloop counts whole milliseconds and drops the rest: without this a call would be due up to one too early.
CLOCK_TICK_SECONDS: Final = 0.001


class PostgresAttempts(Attempts):
    """Attempts in Postgres, for one worker."""

    def __init__(
        self, database: Database, *, worker: str, lease_seconds: float, callee_gap_seconds: float = 0.0
    ) -> None:
        self._database = database
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._callee_gap_seconds = float(callee_gap_seconds)

    @override
    async def lease(self, tenant_id: int, jobs: Sequence[DialJob]) -> Leases:
        asked = tenant_id, [job.campaign_id for job in jobs], [job.attempt_id for job in jobs]
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            _, offset = await ask(connection, asyncio.get_running_loop().time)
            rows = await connection.fetch(_SQL["lease_attempts"], *asked, self._worker, self._lease_seconds)
            missed: int = (
                await connection.fetchval(_SQL["count_missed"], *asked) if len(rows) < len(jobs) else 0
            )
        return Leases([_leased(tenant_id, row, offset) for row in rows], missed)

    @override
    async def commit_intent(self, leased: LeasedAttempt, fence: str) -> Intent | GateFacts | LeaseGone:
        held = (*_key(leased.job), leased.epoch)
        async with self._database.transaction(tenant_id=leased.job.tenant_id) as connection:
            passed = await connection.fetchval(
                _SQL["commit_intent"], *held, fence, leased.e164, self._callee_gap_seconds,
                country_of(leased.e164), kind_of(leased.e164), leased.asked_caller_id,
            )  # fmt: skip
            if passed is not None:
                return Intent(passed)
            facts = await connection.fetchrow(
                _SQL["gate_facts"], *held, leased.e164, self._callee_gap_seconds, leased.asked_caller_id
            )
        return LeaseGone() if facts is None else _gate_facts(facts, leased)

    @override
    async def record_ringing(self, leased: LeasedAttempt) -> None:
        await self._note("record_ringing", leased)

    @override
    async def record_answer(self, leased: LeasedAttempt) -> None:
        await self._note("record_answer", leased)

    @override
    async def renew(self, held: Sequence[LeasedAttempt]) -> set[int]:
        still_held: set[int] = set()
        for tenant_id, mine in _by_tenant(held).items():
            rows = await self._database.rows(
                _SQL["renew_leases"],
                *_columns(tenant_id, mine),
                [leased.epoch for leased in mine],
                self._lease_seconds,
                tenant_id=tenant_id,
            )
            still_held.update(row["attempt_id"] for row in rows)
        return still_held

    @override
    async def to_hang_up(self, held: Sequence[LeasedAttempt]) -> set[int]:
        wanted: set[int] = set()
        for tenant_id, mine in _by_tenant(held).items():
            rows = await self._database.rows(
                _SQL["calls_to_hang_up"], *_columns(tenant_id, mine), tenant_id=tenant_id
            )
            wanted.update(row["attempt_id"] for row in rows)
        return wanted

    @override
    async def conclude(
        self, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition, conclusion: Conclusion
    ) -> bool:
        async with self._database.transaction(tenant_id=leased.job.tenant_id) as connection:
            if not await _end(connection, leased, ending, disposition):
                return False
            await write_conclusion(connection, leased.job.tenant_id, conclusion)
        return True

    @override
    async def postpone(
        self, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition, until: WaitUntil
    ) -> bool:
        async with self._database.transaction(tenant_id=leased.job.tenant_id) as connection:
            if not await _end(connection, leased, ending, disposition):
                return False
            await connection.execute(_SQL["postpone_number"], *_number_key(leased), until.at, 1)
        return True

    @override
    async def withhold(
        self,
        leased: LeasedAttempt,
        reason: Withheld,
        follow_up: Conclusion | WaitUntil | BackInLine,
        *,
        words: str | None = None,
    ) -> bool:
        async with self._database.transaction(tenant_id=leased.job.tenant_id) as connection:
            withheld = await connection.fetchval(
                _SQL["withhold_attempt"], *_key(leased.job), leased.epoch, words or reason.value, leased.e164
            )
            if withheld is None:
                return False
            match follow_up:
                case Conclusion():
                    await write_conclusion(connection, leased.job.tenant_id, follow_up)
                case WaitUntil(at):
                    await connection.execute(_SQL["postpone_number"], *_number_key(leased), at, 0)
                case BackInLine():
                    await connection.execute(_SQL["return_number"], *_number_key(leased))
        return True

    @override
    async def calendar(self, job: DialJob) -> Calendar:
        rows = await self._database.rows(
            _SQL["calendar"], job.tenant_id, job.campaign_id, tenant_id=job.tenant_id
        )
        if not rows:
            raise NotFound("The campaign has no calendar any more.")
        return calendar_of(rows)

    @override
    async def now(self) -> datetime:
        row = await self._database.row(_CLOCK)
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        instant: datetime = row["now"]
        return instant

    @override
    async def advertise(self, capacity: int, *, unable_because: str | None = None) -> None:
        await self._database.row(_SQL["advertise_dialer"], self._worker, capacity, unable_because)

    @override
    async def retire(self) -> None:
        await self._database.row(_SQL["retire_dialer"], self._worker)

    async def _note(self, statement: str, leased: LeasedAttempt) -> None:
        await self._database.row(
            _SQL[statement], *_key(leased.job), leased.epoch, tenant_id=leased.job.tenant_id
        )


def _by_tenant(held: Sequence[LeasedAttempt]) -> dict[int, list[LeasedAttempt]]:
    grouped: dict[int, list[LeasedAttempt]] = defaultdict(list)
    for leased in held:
        grouped[leased.job.tenant_id].append(leased)
    return grouped


def _columns(tenant_id: int, held: Sequence[LeasedAttempt]) -> tuple[int, list[int], list[int]]:
    return (
        tenant_id,
        [leased.job.campaign_id for leased in held],
        [leased.job.attempt_id for leased in held],
    )


def _key(job: DialJob) -> tuple[int, int, int]:
    return job.tenant_id, job.campaign_id, job.attempt_id


def _number_key(leased: LeasedAttempt) -> tuple[int, int, int]:
    return leased.job.tenant_id, leased.job.campaign_id, leased.number_id


def _leased(tenant_id: int, row: asyncpg.Record, offset: Offset) -> LeasedAttempt:
    return LeasedAttempt(
        job=DialJob(tenant_id=tenant_id, campaign_id=row["campaign_id"], attempt_id=row["attempt_id"]),
        epoch=row["epoch"],
        number_id=row["number_id"],
        ordinal=row["ordinal"],
        due=offset.not_before(row["due_at"]) + CLOCK_TICK_SECONDS,
        send_by=offset.not_after(row["send_by"]),
        took_number=row["took_number"],
        e164=row["e164"],
        ani=row["ani"],
        post_dial=row["post_dial"],
        message_reference=row["message_reference"],
        variables=row["variables"] or {},
        tries=row["tries"],
        start_url=row["start_url"],
        start_method=row["start_method"],
        result_url=row["result_url"],
        result_format=ResultFormat(row["result_format"]),
        caller_id=row["caller_id"],
        retry_policy=retry_policy_of(row),
        callee=_callee(row),
        policy=NumberPolicy(countries=frozenset(row["countries"]), premium=row["premium_allowed"]),
    )


def _gate_facts(row: asyncpg.Record, leased: LeasedAttempt) -> GateFacts:
    facts = dict(row)
    policy = NumberPolicy.of(
        facts.pop("countries"),
        premium=facts.pop("premium_allowed"),
        verified_only=facts.pop("verified_callers_only"),
        verified=facts.pop("verified"),
    )
    return GateFacts(
        **facts,
        number_refused=policy.refusal(leased.e164),
        caller_refused=policy.caller_refusal(leased.asked_caller_id),
    )


def _callee(row: asyncpg.Record) -> CalleeClock | None:
    hours = hours_of(row)
    return None if hours is None or not row["zones"] else CalleeClock(hours=hours, zones=tuple(row["zones"]))


async def _end(
    connection: asyncpg.Connection, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition
) -> bool:
    ended_at = await connection.fetchval(
        _SQL["end_attempt"], *_key(leased.job), leased.epoch, ending.sip_status, ending.q850_cause,
        int(disposition.outcome), int(disposition.stage), ending.callee_type.value, leased.e164,
    )  # fmt: skip
    return ended_at is not None
