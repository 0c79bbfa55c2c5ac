"""What the tests of the repositories share: one database with every repository on it, and short ways to set a stage.

The database is the module's, and each test finds it empty. Every repository connects in the role of the process
that owns it; only `sql` is the superuser's, who sees through row-level security and can do what no process does:
let a lease run out, put a row into any state, break a rule on purpose.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.api import preflight
from services.api.phone_list_upload import lines_of_array
from services.pacer.planner import Conditions, plan_campaign
from shared.adapters.egress import fetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.number_zones.libphonenumber import LibphonenumberZones
from shared.adapters.postgres import database as postgres
from shared.adapters.postgres.attempts import PostgresAttempts
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.deliveries import PostgresDeliveries
from shared.adapters.postgres.invariants import PostgresInvariants
from shared.adapters.postgres.once import PostgresOnce
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.reaping import PostgresReaping
from shared.adapters.postgres.tenants import create_token
from shared.adapters.sealing.sealer import Sealer, create_key_file
from shared.clock import utc_now
from shared.contracts.conclusion import Conclusion, NumberFacts, Receiver, conclude
from shared.contracts.dial_job import DialJob
from shared.domain.access import Role
from shared.domain.attempt import AttemptState
from shared.domain.callee_hours import CalleeHours
from shared.domain.campaign import Dialect
from shared.domain.disposition import CalleeType, CallEnding, Disposition, Outcome, Stage
from shared.domain.egress import EgressPolicy
from shared.domain.pace import Pace
from shared.domain.retry import WaitUntil
from shared.domain.wall_clock import WEEK, parse_calendar_date
from shared.ports.campaigns import NewCampaign, NewWindow
from shared.ports.dialing import Intent, LeasedAttempt
from shared.settings import Settings
from tests.integration.emptying import empty, make_as_new, tables_of_tenants

if TYPE_CHECKING:
    from services.api.rate_limit import RateLimit
    from services.api.routes import Route

#: Ten calls a second: a tick has a handful of slots in sight.
QUICK = Pace(period_minutes=1, amount=600)
#: As the pacer has it: how far ahead attempts are rung.
HORIZON = timedelta(seconds=2)
#: So patient that a busy machine makes no test late; what is late is made so by its test.
SEND_TOLERANCE_SECONDS = 60.0
LEASE_SECONDS = 30.0
#: As long as a busy machine may take for anything: what is given up sooner is given up by its test, and on purpose.
PATIENCE_SECONDS = 60
RESULT_URL = "https://crm.example/results"
WEBHOOK_SECRET = "whsec_c2VjcmV0IG9mIGEgdGVzdCwgMzIgYnl0ZXMgbG9uZw=="
ANSWERED = Disposition(Outcome.ANSWERED, Stage.ANSWERED)
BUSY = Disposition(Outcome.BUSY, Stage.NONE)
HUNG_UP = CallEnding(sip_status=200, callee_type=CalleeType.VOICE, talk_seconds=12.0)
DECLINED = CallEnding(sip_status=486, q850_cause=17)

_counter = itertools.count(1)


@dataclass
class Store:
    """One database, with a repository for each role."""

    url: str
    sealer: Sealer
    #: By role, without its prefix.
    databases: dict[str, Database]
    superuser: asyncpg.Connection
    campaigns: PostgresCampaigns
    planning: PostgresPlanning
    reaping: PostgresReaping
    #: Every table that belongs to tenants.
    tables: tuple[str, ...] = field(default=())

    # Repositories ------------------------------------------------------------------------------------------------

    def attempts(
        self, worker: str = "w1", *, lease_seconds: float = LEASE_SECONDS, callee_gap_seconds: float = 0.0
    ) -> PostgresAttempts:
        """A dialer's store."""
        return PostgresAttempts(
            self.databases["dialer"], worker=worker, lease_seconds=lease_seconds,
            callee_gap_seconds=callee_gap_seconds,
        )  # fmt: skip

    def deliveries(self, *, per_origin: int = 8, lease_seconds: float = LEASE_SECONDS) -> PostgresDeliveries:
        """A deliverer's store."""
        return PostgresDeliveries(
            self.databases["deliverer"], unseal=self.sealer.open, per_origin=per_origin,
            lease_seconds=lease_seconds,
        )  # fmt: skip

    # What a superuser can do ---------------------------------------------------------------------------------------

    async def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run a statement beyond row-level security."""
        rows: list[asyncpg.Record] = await self.superuser.fetch(statement, *arguments)
        return rows

    async def one(self, statement: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever was asked for
        """Return the first value of a statement's first row."""
        return await self.superuser.fetchval(statement, *arguments)

    @asynccontextmanager
    async def session(self, role: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        """Open another connection, the superuser's or a role's."""
        connection = await asyncpg.connect(self.url, server_settings={"role": role} if role else None)
        try:
            yield connection
        finally:
            await connection.close()

    async def picture(self) -> dict[str, list[tuple[object, ...]]]:
        """Return every row of every tenant's table, to show that something changed nothing."""
        # Most are empty, and one question for all of them costs a test less than one for each.
        are_filled = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in self.tables)  # noqa: S608 - tables of ours
        filled = {found for [found] in await self.sql(" UNION ALL ".join(are_filled))}
        return {
            table: sorted((tuple(row) for row in await self.sql(f"SELECT * FROM {table}")), key=repr)  # noqa: S608 - a table of ours
            if table in filled
            else []
            for table in self.tables
        }

    async def empty(self) -> None:
        """Leave no row of an earlier test."""
        await empty(self.superuser, self.tables)

    async def expire_leases(self) -> None:
        """Let every lease have run out a second ago."""
        await self.sql(
            "UPDATE attempt SET lease_until = clock_timestamp() - interval '1 s' WHERE lease_until IS NOT NULL"
        )

    async def make_late(self) -> None:
        """Let the latest instant of every open attempt have passed a second ago."""
        await self.sql(
            "UPDATE attempt SET due_at = due_at - interval '1 h', send_by = clock_timestamp() - interval '1 s'"
            " WHERE ended_at IS NULL"
        )

    async def force(self, job: DialJob, state: AttemptState) -> None:
        """Put an attempt into a state as if it had come there, with its lease run out and its quarantine over."""
        await self.sql(
            """
            UPDATE attempt
            SET state = $2::attempt_state,
                withheld_because = CASE WHEN $2 = 'WITHHELD' THEN 'for a test' END,
                outcome = CASE WHEN $2 = 'DONE' THEN 1 END,
                intent_at = CASE WHEN $2 NOT IN ('PLANNED', 'LEASED') THEN due_at END,
                lease_until = CASE WHEN $2 IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL')
                              THEN clock_timestamp() - interval '1 s' END,
                quarantine_until = CASE WHEN $2 = 'UNKNOWN' THEN clock_timestamp() - interval '1 s' END
            WHERE attempt_id = $1
            """,
            job.attempt_id,
            state.value,
        )

    async def broken_invariants(self, *, dialed_early: bool = False) -> dict[str, list[int]]:
        """Return what breaks an invariant, by its name, asked in the role of the live check.

        `dialed_early` says that the test waited for no due instant, so that its intents lie before theirs.
        """
        findings = PostgresInvariants(self.databases["pacer"]).check(most=10, within_seconds=60)
        found = {
            finding.invariant.name: [offender.id for offender in finding.offenders]
            async for finding in findings
            if not finding.holds
        }
        if dialed_early:
            found.pop("no_call_out_of_its_time", None)
        return found

    # A stage -------------------------------------------------------------------------------------------------------

    async def tenant(self) -> int:
        """Make a tenant without a token."""
        tenant_id: int = await self.one(
            "INSERT INTO tenant (name, webhook_keys) VALUES ($1, $2) RETURNING tenant_id",
            f"t{next(_counter)}",
            [self.sealer.seal(WEBHOOK_SECRET.encode())],
        )
        return tenant_id

    async def campaign(
        self,
        tenant_id: int,
        *lines: str,
        pace: Pace = QUICK,
        start: bool = True,
        result_url: str | None = RESULT_URL,
        last_date: str = "2199-01-01",
        callee_hours: CalleeHours | None = None,
    ) -> int:
        """Make a campaign of lines such as `+12025550100,reference`, open around the clock."""
        campaign = await self.new_campaign(tenant_id, pace=pace, result_url=result_url, last_date=last_date)
        campaign = replace(campaign, callee_hours=callee_hours)
        taken = await self.campaigns.create_campaign(
            tenant_id, campaign, lines_of_array(list(lines)) if lines else None
        )
        assert taken.accepted == len(lines)
        if start:
            await self.campaigns.start(tenant_id, Dialect.PLUM, taken.campaign_id)
        return taken.campaign_id

    async def new_campaign(
        self,
        tenant_id: int,
        *,
        pace: Pace = QUICK,
        result_url: str | None = RESULT_URL,
        last_date: str = "2199-01-01",
    ) -> NewCampaign:
        """Return what a campaign is made of, with a schedule and a profile of its own."""
        schedule = await self.campaigns.create_schedule(tenant_id, None, WEEK)
        profile = await self.campaigns.create_profile(tenant_id, None, pace)
        return NewCampaign(
            dialect=Dialect.PLUM,
            name=None,
            first_date=parse_calendar_date("2026-01-01", field="first_date"),
            last_date=parse_calendar_date(last_date, field="last_date"),
            time_zone=morning_zone(),
            schedule_id=schedule.schedule_id,
            windows=(NewWindow(opens_minute=0, closes_minute=1440, profile_id=profile.profile_id),),
            start_url="https://apps.example/start.vxml",
            result_url=result_url,
        )

    async def add(self, tenant_id: int, campaign_id: int, *lines: str) -> None:
        """Append lines to a campaign, all of which are taken."""
        taken = await self.campaigns.add_numbers(
            tenant_id, Dialect.PLUM, campaign_id, lines_of_array(list(lines))
        )
        assert taken.accepted == len(lines)

    async def dialer(self, capacity: int = 1000, worker: str = "w1") -> None:
        """Let a dialer be there with room for so many calls; a busy machine does not let it fall silent."""
        await self.attempts(worker).advertise(capacity)
        await self.sql(
            "UPDATE dialer SET seen_at = clock_timestamp() + interval '1 h' WHERE worker = $1", worker
        )

    async def tick(
        self,
        campaign_id: int | None = None,
        *,
        planning: PostgresPlanning | None = None,
        doorbell_works: bool = True,
    ) -> list[DialJob]:
        """Tick once, for whichever campaign is due or for this one now; returns what is to be rung."""
        if campaign_id is not None:
            await self.look_now(campaign_id)
        async with (planning or self.planning).tick() as tick:
            if tick is None:
                return []
            return await plan_campaign(tick, Conditions(horizon=HORIZON, doorbell_works=doorbell_works))

    async def look_now(self, campaign_id: int) -> None:
        """Let a campaign be the one that waited longest for a look."""
        await self.sql(
            "UPDATE campaign_pacing SET look_at = '2000-01-01' WHERE campaign_id = $1", campaign_id
        )

    async def planned(
        self,
        line: str = "+12025550100,ref",
        *,
        tenant_id: int | None = None,
        result_url: str | None = RESULT_URL,
    ) -> DialJob:
        """Plan the one attempt of a new running campaign."""
        tenant_id = tenant_id or await self.tenant()
        await self.dialer()
        [job] = await self.tick(await self.campaign(tenant_id, line, result_url=result_url))
        return job

    async def lease(self, job: DialJob, *, worker: str = "w1") -> LeasedAttempt | None:
        """Ask for the lease of one attempt."""
        leases = await self.attempts(worker).lease(job.tenant_id, [job])
        return leases.leased[0] if leases.leased else None

    async def leased(
        self, job: DialJob | None = None, *, worker: str = "w1", result_url: str | None = RESULT_URL
    ) -> LeasedAttempt:
        """Lease an attempt; a new one where none is given."""
        leased = await self.lease(job or await self.planned(result_url=result_url), worker=worker)
        assert leased is not None
        return leased

    async def dialing(
        self, job: DialJob | None = None, *, worker: str = "w1", result_url: str | None = RESULT_URL
    ) -> LeasedAttempt:
        """Commit the intent of an attempt; of a new one where none is given."""
        leased = await self.leased(job, worker=worker, result_url=result_url)
        fence = f"fence-{leased.job.attempt_id}-{leased.epoch}"
        assert isinstance(await self.attempts(worker).commit_intent(leased, fence), Intent)
        return leased

    async def in_state(self, state: AttemptState) -> LeasedAttempt:
        """Bring a new attempt into a state in which a call may be under way, by the methods of the port."""
        leased = await self.dialing()
        if state in {AttemptState.RINGING, AttemptState.IN_CALL}:
            await self.attempts().record_ringing(leased)
        if state is AttemptState.IN_CALL:
            await self.attempts().record_answer(leased)
        if state is AttemptState.UNKNOWN:
            await self.expire_leases()
            assert await self.reaping.quarantine_lost_calls(60, 10) == 1
        return leased

    def conclusion(
        self, leased: LeasedAttempt, disposition: Disposition = ANSWERED, *, called: bool = True
    ) -> Conclusion:
        """Return the end of a leased attempt's number, after one more call or without it."""
        url = leased.result_url
        facts = NumberFacts(
            campaign_id=leased.job.campaign_id,
            number_id=leased.number_id,
            e164=leased.e164,
            message_reference=leased.message_reference,
            tries=leased.tries + called,
            last_attempt_at=datetime(2026, 11, 21, 12, tzinfo=UTC) if called else None,
            receiver=Receiver(url=url, result_format=leased.result_format) if url else None,
            callee_type=CalleeType.VOICE if called else CalleeType.UNKNOWN,
            duration_seconds=12 if called else 0,
            exit_values={"choice": "1"} if called else {},
        )
        return conclude(facts, disposition)

    async def end(self, leased: LeasedAttempt, *, worker: str = "w1") -> bool:
        """Report that an attempt was answered and is over, and with it its number."""
        return await self.attempts(worker).conclude(leased, HUNG_UP, ANSWERED, self.conclusion(leased))

    async def postpone(self, leased: LeasedAttempt, at: datetime, *, worker: str = "w1") -> bool:
        """Report that an attempt found its callee busy, who is to be tried again at an instant."""
        return await self.attempts(worker).postpone(leased, DECLINED, BUSY, WaitUntil(at))

    async def concluded(
        self, line: str = "+12025550100,ref", *, tenant_id: int | None = None, result_url: str = RESULT_URL
    ) -> LeasedAttempt:
        """Bring the one number of a new campaign to its end, so that its result waits to be delivered."""
        leased = await self.dialing(await self.planned(line, tenant_id=tenant_id, result_url=result_url))
        assert await self.end(leased)
        return leased

    # What became of it ---------------------------------------------------------------------------------------------

    async def attempt(self, job: DialJob) -> asyncpg.Record:
        """Return an attempt's row."""
        [row] = await self.sql("SELECT * FROM attempt WHERE attempt_id = $1", job.attempt_id)
        return row

    async def number_of(self, job: DialJob) -> asyncpg.Record:
        """Return the row of an attempt's number."""
        [row] = await self.sql(
            "SELECT n.* FROM number n JOIN attempt a USING (tenant_id, campaign_id, number_id) WHERE attempt_id = $1",
            job.attempt_id,
        )
        return row

    async def lines_of(self, jobs: Sequence[DialJob]) -> list[tuple[int, int]]:
        """Return batch and line of the attempts' numbers, in the order in which they are due."""
        rows = await self.sql(
            "SELECT batch_no, line_no FROM attempt JOIN number USING (tenant_id, campaign_id, number_id)"
            " WHERE attempt_id = ANY($1) ORDER BY due_at",
            [job.attempt_id for job in jobs],
        )
        return [(row["batch_no"], row["line_no"]) for row in rows]

    async def looks_after(self, campaign_id: int, since: datetime, *, least: float, most: float) -> bool:
        """Tell whether a campaign is looked at so many seconds after some instant between `since` and now."""
        found: bool | None = await self.one(
            "SELECT look_at > $2::timestamptz + make_interval(secs => $3)"
            " AND look_at <= clock_timestamp() + make_interval(secs => $4)"
            " FROM campaign_pacing WHERE campaign_id = $1",
            campaign_id, since, least, most,
        )  # fmt: skip
        return bool(found)

    async def look_in_seconds(self, campaign_id: int) -> float | None:
        """Return how long until a campaign is looked at; None when it is left alone."""
        seconds: float | None = await self.one(
            "SELECT extract(epoch FROM look_at - clock_timestamp())::float8"
            " FROM campaign_pacing WHERE campaign_id = $1",
            campaign_id,
        )
        return seconds


def morning_zone() -> str:
    """Return a zone where it is morning now, so that no window closes under a test."""
    return "UTC" if utc_now().hour < 12 else "Etc/GMT+12"


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """What would say that Postgres or a customer's server is away waits for a busy machine instead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "CONNECT_TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(fetcher, "_CONNECT_TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setattr(preflight, "PATIENCE_SECONDS", PATIENCE_SECONDS)
        yield


@pytest.fixture(scope="module")
def module_database_url(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """A migrated database that the tests of a module share."""
    with new_database() as url:
        yield url


@pytest.fixture
def emptied_database_url(module_database_url: str) -> str:
    """The module's database as if it were new, save for the room that dead rows take and what Postgres counted."""
    asyncio.run(make_as_new(module_database_url))
    return module_database_url


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    """What seals the module's webhook keys."""
    path = tmp_path_factory.mktemp("keys") / "secret.key"
    create_key_file(path)
    return Sealer.from_key_file(path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_store(module_database_url: str, sealer: Sealer) -> AsyncIterator[Store]:
    """The module's database with every repository; its connections live on the module's loop."""
    superuser = await asyncpg.connect(module_database_url)
    databases = {
        role: await Database.connect(
            module_database_url,
            role=f"paceline_{role}",
            size=10,
            idle_in_transaction_ms=PATIENCE_SECONDS * 1000,
        )
        for role in ("api", "pacer", "dialer", "deliverer")
    }
    yield Store(
        url=module_database_url,
        sealer=sealer,
        databases=databases,
        superuser=superuser,
        campaigns=PostgresCampaigns(databases["api"], LibphonenumberZones()),
        planning=PostgresPlanning(databases["pacer"], send_tolerance_seconds=SEND_TOLERANCE_SECONDS),
        reaping=PostgresReaping(databases["pacer"]),
        tables=await tables_of_tenants(superuser),
    )
    for database in databases.values():
        await database.close()
    await superuser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def store(module_store: Store) -> Store:
    """The module's database, empty. Its tests are marked `asyncio(loop_scope="module")`."""
    await module_store.empty()
    return module_store


@dataclass
class WholeApi:
    """Every route of the API as its process serves it, over HTTP, on the module's database."""

    store: Store
    client: TestClient[Any, Any]
    routes: "tuple[Route, ...]"

    async def token(self, tenant: str = "acme", *, role: Role = Role.ADMIN, name: str = "test") -> str:
        """Make a token, and its tenant if need be."""
        return await create_token(
            self.store.url, tenant=tenant, name=name, sealer=self.store.sealer, role=role
        )

    async def ask(
        self,
        token: str,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **request: Any,  # noqa: ANN401 - what aiohttp takes
    ) -> tuple[int, Any]:
        """Ask with a token; returns the status and the body, as JSON where it is."""
        wanted = {"Authorization": f"Bearer {token}", **(headers or {})}
        async with self.client.request(method, path, headers=wanted, **request) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()


@asynccontextmanager
async def serving(
    store: Store,
    *,
    limit: "RateLimit | None" = None,
    server: type[TestServer] = TestServer,
    **settings: object,
) -> AsyncIterator[WholeApi]:
    """Serve the API with these settings beside the usual ones."""
    from services.api.server import application  # noqa: PLC0415 - only who asks for the whole API needs all of it
    from services.api.wiring import every_route  # noqa: PLC0415 - likewise

    loopback = [ip_network("127.0.0.0/8")]
    chosen = Settings.model_validate({"egress_allow": loopback, "preflight": "off", **settings})
    database = store.databases["api"]
    async with guarded_session(EgressPolicy(allow=tuple(chosen.egress_allow))) as session:
        routes = every_route(chosen, database, session)
        app = application(PostgresCampaigns(database), routes, limit=limit, once=PostgresOnce(database))
        async with TestClient(server(app)) as client:
            yield WholeApi(store, client, routes)


@pytest_asyncio.fixture(loop_scope="module")
async def whole_api(store: Store) -> AsyncIterator[WholeApi]:
    """Every route over HTTP, on an empty database."""
    async with serving(store) as api:
        yield api
