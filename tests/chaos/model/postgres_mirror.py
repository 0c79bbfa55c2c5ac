"""The walk on the real SQL: every deed of the model, carried out by the repositories as the processes call them.

Each repository has its process' own role. Only time is the superuser's: an instant that has passed in the model is
moved into the past. One database serves all walks, and each finds it as it was made.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import asyncpg
from typing_extensions import override

from services.api.phone_list_upload import lines_of_array
from services.pacer.reaper import unknown
from shared.adapters.postgres.attempts import PostgresAttempts
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.deliveries import PostgresDeliveries
from shared.adapters.postgres.holds import PostgresHolds
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.reaping import PostgresReaping
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.sealing.sealer import Sealer
from shared.contracts.conclusion import Conclusion, NumberFacts, Receiver, conclude
from shared.contracts.dial_job import DialJob
from shared.domain.attempt import HELD, AttemptEvent, AttemptState
from shared.domain.campaign import CampaignEvent, Dialect
from shared.domain.delivery import DeliveryEvent, DeliveryState
from shared.domain.delivery_schedule import Decision, Delivered, Disabled, Failed, RetryAt
from shared.domain.disposition import CallEnding, Disposition, Outcome, Stage
from shared.domain.gate import GateFacts, verdict
from shared.domain.number import NumberState
from shared.domain.pace import Pace
from shared.domain.retry import BackInLine, Conclude, WaitUntil, Withheld, after_withheld
from shared.domain.wall_clock import WEEK, parse_calendar_date
from shared.ports.campaigns import NewCampaign, NewWindow
from shared.ports.delivering import ClaimedDelivery, Room, TryReport
from shared.ports.dialing import Intent, LeasedAttempt
from shared.ports.dialing import LeaseGone as Gone
from shared.ports.planning import Turn
from tests.chaos.model.machine import ALL, WORKERS
from tests.chaos.model.mirror import Mirror
from tests.chaos.model.road import LISTS, WITH_RECEIVER, Copy, LeaseGone, Post, Road

PEOPLE: Final = ("+12025550100", "+12025550101", "+12025550102")
#: Due instants lie ahead by so much, until the model says that one has passed.
AHEAD: Final = timedelta(days=1)
#: No walk lives to see this.
FOR_EVER_SECONDS: Final = 1_000_000.0
#: Numbers wait until then, in the order in which they were told to.
FAR_OFF: Final = datetime(2150, 1, 1, tzinfo=UTC)
ENDING: Final = CallEnding(sip_status=200)
DECISIONS: Final[dict[DeliveryEvent, Decision]] = {
    DeliveryEvent.ACCEPT: Delivered(),
    DeliveryEvent.POSTPONE: RetryAt(delay_seconds=FOR_EVER_SECONDS),
    DeliveryEvent.FAIL: Failed(reason="the last of many tries"),
    DeliveryEvent.PARK: Disabled(reason="410"),
}
#: What the model's instants are in Postgres.
PASS: Final = {
    "lease": "UPDATE attempt SET lease_until = clock_timestamp() - interval '1 s' WHERE attempt_id = $1",
    "send_by": "UPDATE attempt SET due_at = due_at - interval '10 years', send_by = send_by - interval '10 years'"
    " WHERE attempt_id = $1",
    "quarantine": "UPDATE attempt SET quarantine_until = clock_timestamp() - interval '1 s' WHERE attempt_id = $1",
    "next_at": "UPDATE number SET next_at = next_at - interval '200 years' WHERE number_id = $1",
    "delivery lease": "UPDATE delivery SET lease_until = clock_timestamp() - interval '1 s' WHERE number_id = $1",
    "retry": "UPDATE delivery SET next_at = clock_timestamp() - interval '1 s' WHERE number_id = $1",
}
NEED_NOT_WAIT: Final = """
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$;
SET synchronous_commit = off;
"""
RESET: Final = """
SET session_replication_role = replica;
DELETE FROM delivery_try; DELETE FROM delivery; DELETE FROM result; DELETE FROM outcome_count; DELETE FROM live_call;
DELETE FROM callee; DELETE FROM attempt; DELETE FROM hold; DELETE FROM blocklist; DELETE FROM receiver_disabled;
DELETE FROM receiver_circuit;
UPDATE number SET state = 'READY', tries = 0, last_ordinal = 0, next_at = NULL;
UPDATE campaign SET state = 'RUNNING', epoch = 1, hang_up_below_epoch = 0;
UPDATE campaign_pacing SET look_at = NULL, claimed_batch_no = 0, claimed_line_no = 0;
SET session_replication_role = origin;
"""

_T = TypeVar("_T")


class Walkground:
    """One database with two campaigns on it, and every repository."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str, sealer: Sealer) -> None:
        self._loop = loop
        self._url = url
        self._sealer = sealer
        self.run(self._open())

    def run(self, deed: Awaitable[_T]) -> _T:
        """Do one thing, and nothing beside it."""
        return self._loop.run_until_complete(deed)

    async def _open(self) -> None:
        self.superuser = await asyncpg.connect(self._url)
        # Nothing crashes in a walk, so that no commit need wait for the disk.
        await self.superuser.execute(NEED_NOT_WAIT)
        roles = ("api", "pacer", "dialer", "deliverer", "admin")
        self._databases = {
            role: await Database.connect(self._url, role=f"paceline_{role}", size=2) for role in roles
        }
        self.campaigns = PostgresCampaigns(self._databases["api"])
        self.planning = PostgresPlanning(self._databases["pacer"], send_tolerance_seconds=60)
        self.reaping = PostgresReaping(self._databases["pacer"])
        self.holds = PostgresHolds(self._databases["admin"])
        self.workers = [
            PostgresAttempts(self._databases["dialer"], worker=f"w{number}", lease_seconds=FOR_EVER_SECONDS)
            for number in range(WORKERS)
        ]
        self.deliveries = PostgresDeliveries(
            self._databases["deliverer"], unseal=self._sealer.open, per_origin=ALL, lease_seconds=FOR_EVER_SECONDS
        )  # fmt: skip
        token = await create_token(self._url, tenant="t", name="n", sealer=self._sealer)
        self.tenant_id = await self.campaigns.tenant_of(token_hash(token))
        self.campaign_ids = [await self._campaign(place, people) for place, people in enumerate(LISTS)]
        rows = await self.superuser.fetch("SELECT number_id FROM number ORDER BY campaign_id, line_no")
        self.number_ids = [row["number_id"] for row in rows]

    async def _campaign(self, place: int, people: Sequence[int]) -> int:
        schedule = await self.campaigns.create_schedule(self.tenant_id, None, WEEK)
        profile = await self.campaigns.create_profile(self.tenant_id, None, Pace(period_minutes=1, amount=60))
        made = await self.campaigns.create_campaign(
            self.tenant_id,
            NewCampaign(
                dialect=Dialect.PLUM, name=None, first_date=parse_calendar_date("2026-01-01", field="d"),
                last_date=parse_calendar_date("2199-01-01", field="d"), time_zone="UTC",
                schedule_id=schedule.schedule_id,
                windows=(NewWindow(opens_minute=0, closes_minute=1440, profile_id=profile.profile_id),),
                start_url="https://apps.example/start.vxml",
                result_url="https://crm.example/results" if place == WITH_RECEIVER else None,
            ),
            lines_of_array([f"{PEOPLE[person]},line-{line}" for line, person in enumerate(people)]),
        )  # fmt: skip
        assert made.accepted == len(people)
        return made.campaign_id

    def close(self) -> None:
        """Close every connection."""
        for database in self._databases.values():
            self.run(database.close())
        self.run(self.superuser.close())


class PostgresMirror(Mirror):
    """Carries the model's deeds out in Postgres."""

    def __init__(self, ground: Walkground) -> None:
        self._ground = ground
        self._attempt_ids: list[int] = []
        self._leased: dict[tuple[int, int], LeasedAttempt] = {}
        self._claimed: dict[tuple[int, int], ClaimedDelivery] = {}
        self._emissions = 0
        self._turns = 0
        self._do(ground.superuser.execute(RESET))

    def _do(self, deed: Awaitable[_T]) -> _T:
        return self._ground.run(deed)

    # The pacer ---------------------------------------------------------------------------------------------------

    @override
    def plan(self, campaign: int, most: int) -> list[int]:
        """One tick."""
        jobs = self._do(self._tick(self._ground.campaign_ids[campaign], most))
        self._attempt_ids += [job.attempt_id for job in jobs]
        rows = self._rows(
            "SELECT a.number_id FROM unnest($1::bigint[]) WITH ORDINALITY AS w (attempt_id, place)"
            " JOIN attempt a USING (attempt_id) ORDER BY w.place",
            [job.attempt_id for job in jobs],
        )
        return [self._ground.number_ids.index(row["number_id"]) for row in rows]

    async def _tick(self, campaign_id: int, most: int) -> list[DialJob]:
        await self._ground.superuser.execute(
            "UPDATE campaign_pacing SET look_at = CASE WHEN campaign_id = $1 THEN '2000-01-01'::timestamptz END",
            campaign_id,
        )
        async with self._ground.planning.tick() as tick:
            assert tick is not None
            first = tick.campaign.now + AHEAD + timedelta(milliseconds=self._emissions)
            dues = [first + timedelta(milliseconds=place) for place in range(most)]
            jobs = await tick.claim(
                dues, first_emission_no=self._emissions + 1, closes_at=[first + AHEAD] * most
            )
            await tick.keep(tick.campaign.pacing, None, Turn(wants=0, served=0))
        self._emissions += most
        return jobs

    @override
    def reap(self, what: str) -> int:
        """One statement of the reaper's round."""
        reaping = self._ground.reaping
        match what:
            case "quarantine_lost_calls":
                return self._do(reaping.quarantine_lost_calls(FOR_EVER_SECONDS, ALL))
            case "give_up":
                return self._do(reaping.give_up(unknown, ALL))
            case "withhold_late":
                return self._do(reaping.withhold_late(ALL))
            case _:
                return self._do(reaping.free_expired_leases(ALL))

    # The dialers -------------------------------------------------------------------------------------------------

    @override
    def in_order(self, attempts: Sequence[int]) -> list[int]:
        """By id, as the lease locks them."""
        return sorted(attempts, key=lambda place: self._attempt_ids[place])

    @override
    def lease(self, worker: int, attempts: Sequence[int]) -> tuple[set[tuple[int, int, bool]], int]:
        """Lease a handful at once."""
        ids = [self._attempt_ids[place] for place in attempts]
        rows = self._rows("SELECT attempt_id, campaign_id FROM attempt WHERE attempt_id = ANY ($1)", ids)
        campaign_of = {row["attempt_id"]: row["campaign_id"] for row in rows}
        tenant_id = self._ground.tenant_id
        jobs = [DialJob(tenant_id=tenant_id, campaign_id=campaign_of[each], attempt_id=each) for each in ids]
        leases = self._do(self._ground.workers[worker].lease(tenant_id, jobs))
        got = set()
        for leased in leases.leased:
            place = self._attempt_ids.index(leased.job.attempt_id)
            self._leased[place, leased.epoch] = leased
            got.add((place, leased.epoch, leased.took_number))
        return got, leases.missed

    @override
    def intend(self, copy: Copy) -> Withheld | LeaseGone | None:
        """Commit the intent; a refusal is told as the worker would tell it."""
        answer = self._do(self._worker(copy).commit_intent(self._of(copy), f"{copy.attempt}/{copy.epoch}"))
        match answer:
            case Intent():
                return None
            case Gone():
                return LeaseGone()
            case GateFacts() as facts:
                reason = verdict(facts)
                assert reason is not None, "refused, and no gate is shut"
                return reason

    @override
    def progress(self, copy: Copy, event: AttemptEvent) -> None:
        """It rings, or is answered."""
        worker = self._worker(copy)
        note = worker.record_ringing if event is AttemptEvent.RING else worker.record_answer
        self._do(note(self._of(copy)))

    @override
    def withhold(self, copy: Copy, reason: Withheld) -> bool:
        """With what the domain says must follow."""
        leased = self._of(copy)
        follow_up: Conclusion | WaitUntil | BackInLine
        match after_withheld(reason, now=FAR_OFF):
            case Conclude(disposition):
                follow_up = self._conclusion(leased, disposition, calls=0)
            case WaitUntil():
                follow_up = self._later()
            case BackInLine():
                follow_up = BackInLine()
        return self._do(self._worker(copy).withhold(leased, reason, follow_up))

    @override
    def report(self, copy: Copy, outcome: Outcome, *, again: bool) -> bool:
        """The end of a call."""
        leased, disposition = self._of(copy), Disposition(outcome, Stage.NONE)
        if again:
            return self._do(self._worker(copy).postpone(leased, ENDING, disposition, self._later()))
        conclusion = self._conclusion(leased, disposition, calls=1)
        return self._do(self._worker(copy).conclude(leased, ENDING, disposition, conclusion))

    @override
    def renew(self, worker: int, copies: Sequence[Copy]) -> set[int]:
        """A sign of life."""
        kept = self._do(self._ground.workers[worker].renew([self._of(copy) for copy in copies]))
        return {self._attempt_ids.index(attempt_id) for attempt_id in kept}

    def _worker(self, copy: Copy) -> PostgresAttempts:
        return self._ground.workers[copy.worker]

    def _of(self, copy: Copy) -> LeasedAttempt:
        return self._leased[copy.attempt, copy.epoch]

    def _later(self) -> WaitUntil:
        self._turns += 1
        return WaitUntil(FAR_OFF + timedelta(seconds=self._turns))

    def _conclusion(self, leased: LeasedAttempt, disposition: Disposition, *, calls: int) -> Conclusion:
        url = leased.result_url
        facts = NumberFacts(
            campaign_id=leased.job.campaign_id,
            number_id=leased.number_id,
            e164=leased.e164,
            message_reference=leased.message_reference,
            tries=leased.tries + calls,
            last_attempt_at=None,
            receiver=None if url is None else Receiver(url=url, result_format=leased.result_format),
        )
        return conclude(facts, disposition)

    # The owner ---------------------------------------------------------------------------------------------------

    @override
    def command(self, campaign: int, event: CampaignEvent) -> None:
        """Start or stop."""
        campaigns = self._ground.campaigns
        command = campaigns.start if event is CampaignEvent.START else campaigns.stop
        self._do(command(self._ground.tenant_id, Dialect.PLUM, self._ground.campaign_ids[campaign]))

    @override
    def hold(self, *, stands: bool) -> None:
        """The platform's hold."""
        holds = self._ground.holds
        self._do(holds.place(0, "a drill") if stands else holds.release(0))

    @override
    def block(self, person: int) -> None:
        """The tenant's blocklist."""
        self._rows(
            "INSERT INTO blocklist (tenant_id, e164) VALUES ($1, $2)", self._ground.tenant_id, PEOPLE[person]
        )

    # The deliverer -----------------------------------------------------------------------------------------------

    @override
    def claim_deliveries(self) -> set[tuple[int, int]]:
        """Claim with room for all."""
        claim = self._do(self._ground.deliveries.claim(Room(posts=ALL, retries=ALL), {}))
        found = {
            (self._ground.number_ids.index(each.number_id), each.epoch): each for each in claim.deliveries
        }
        self._claimed |= found
        return {*found}

    @override
    def body_of(self, post: Post) -> tuple[str, bytes]:
        """What would be sent."""
        webhook = self._claimed[post.number, post.epoch].webhook
        return webhook.webhook_id, webhook.body

    @override
    def record_post(self, post: Post, event: DeliveryEvent) -> bool:
        """Write down what came of it."""
        report = TryReport(
            status=200, error=None, sent=True, resolve_ms=None, connect_ms=1, total_ms=1, answer=b"",
            retry_after=None,
        )  # fmt: skip
        claimed = self._claimed[post.number, post.epoch]
        return self._do(self._ground.deliveries.record(claimed, report, DECISIONS[event]))

    # Time, and what stands there -------------------------------------------------------------------------------------

    @override
    def let_pass(self, what: str, place: int) -> None:
        """Move an instant into the past; a worker's own deadline is no row."""
        if what in PASS:
            of_attempt = what in {"lease", "send_by", "quarantine"}
            ids = self._attempt_ids if of_attempt else self._ground.number_ids
            self._rows(PASS[what], ids[place])

    @override
    def differences(self, road: Road) -> list[str]:
        """Compare every row."""
        stands, wanted = self._do(self._picture()), self._wanted(road)
        return [
            f"{what}: the model has {wanted[what]}, Postgres {stands[what]}"
            for what in wanted
            if stands[what] != wanted[what]
        ]

    def _rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = self._do(self._ground.superuser.fetch(statement, *arguments))
        return rows

    async def _picture(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for what, statement in PICTURE.items():
            found[what] = {tuple(row) for row in await self._ground.superuser.fetch(statement)}
        return found

    def _wanted(self, road: Road) -> dict[str, Any]:
        number_ids, attempt_ids = self._ground.number_ids, self._attempt_ids
        finals = [number for number in road.numbers if number.outcome is not None]
        return {
            "campaigns": {
                (self._ground.campaign_ids[place], one.state, one.epoch, one.cursor)
                for place, one in enumerate(road.campaigns)
            },
            "numbers": {
                (
                    number_ids[place], one.state, one.tries, one.ordinal,
                    one.is_due if one.state is NumberState.WAITING else None,
                )
                for place, one in enumerate(road.numbers)
            },
            "attempts": {
                (
                    attempt_ids[place], number_ids[one.number], one.ordinal, one.state, one.epoch,
                    one.campaign_epoch, one.withheld, one.outcome,
                    one.lease_is_over if one.state in HELD else None,
                    one.quarantine_is_over if one.state is AttemptState.UNKNOWN else None,
                )
                for place, one in enumerate(road.attempts)
            },
            "live calls": {(PEOPLE[person], attempt_ids[place]) for person, place in road.live_calls.items()},
            "results": {
                (number_ids[place], one.outcome, one.tries)
                for place, one in enumerate(road.numbers)
                if one.outcome is not None
            },
            "deliveries": {
                (
                    number_ids[place], one.state, one.epoch, one.tries,
                    one.lease_is_over if one.state is DeliveryState.SENDING else None,
                )
                for place, one in road.deliveries.items()
            },
            "counts": {(len(finals),)},
        }  # fmt: skip


#: Every fact that the model has too; of an instant, whether it has passed.
PICTURE: Final = {
    "campaigns": "SELECT c.campaign_id, c.state::text, c.epoch, p.claimed_line_no"
    " FROM campaign c JOIN campaign_pacing p USING (tenant_id, campaign_id)",
    "numbers": "SELECT number_id, state::text, tries, last_ordinal, next_at < clock_timestamp() FROM number",
    "attempts": "SELECT attempt_id, number_id, ordinal, state::text, epoch, campaign_epoch, withheld_because, outcome,"
    " lease_until < clock_timestamp(), quarantine_until < clock_timestamp() FROM attempt",
    "live calls": "SELECT e164, attempt_id FROM live_call",
    "results": "SELECT number_id, outcome, attempts FROM result",
    "deliveries": "SELECT number_id, state::text, epoch, tries, lease_until < clock_timestamp() FROM delivery",
    "counts": "SELECT COALESCE(sum(numbers), 0)::integer FROM outcome_count",
}
