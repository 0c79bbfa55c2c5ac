"""A platform that may be hurt: its two servers, its processes, its customers and the two witnesses, on one machine."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg

from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.tenants import create_token
from shared.adapters.sealing.sealer import Sealer, create_key_file
from tests.chaos.customer import ChaosCampaign, Customer
from tests.chaos.fleet import Fleet
from tests.chaos.servers import Postgres, Redis, quiet_port, remove_data
from tests.chaos.witnesses import TelephonyWitness, WebhookWitness

#: Call time runs this much faster: a call takes from a fraction of a second to five.
SPEED: Final = 5.0
#: Short, so that a frozen dialer loses its calls within the run.
LEASE_SECONDS: Final = 3.0
RING_SECONDS: Final = 15.0
LONGEST_CALL_SECONDS: Final = 5.0
MARGIN_SECONDS: Final = 1.0
#: From an intent that nobody reports on to the honest Unknown.
QUARANTINE_SECONDS: Final = RING_SECONDS + LONGEST_CALL_SECONDS + MARGIN_SECONDS

TENANTS: Final = ("north", "south")


@dataclass(kw_only=True)
class Stage:
    """Everything that a run needs at hand."""

    folder: Path
    postgres: Postgres
    redis: Redis
    fleet: Fleet
    telephony: TelephonyWitness
    webhooks: WebhookWitness
    key_file: Path
    customers: dict[str, Customer] = field(default_factory=dict)
    #: What was still there when everything had been ended.
    left_over: list[str] = field(default_factory=list)

    @property
    def campaigns(self) -> list[ChaosCampaign]:
        """Every campaign of every customer."""
        return [campaign for customer in self.customers.values() for campaign in customer.campaigns]

    async def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the database itself, as one who sees every tenant."""
        connection = await self.postgres.connect()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def is_quiet(self) -> bool:
        """Tell whether every number is final and every result has been delivered."""
        (row,) = await self.sql(
            "SELECT EXISTS (SELECT 1 FROM number WHERE state <> 'FINAL')"
            " OR EXISTS (SELECT 1 FROM delivery WHERE state <> 'DELIVERED') AS busy"
        )
        return not row["busy"]


@asynccontextmanager
async def stage(
    folder: Path,
    *,
    services: Mapping[str, int],
    settings: Mapping[str, str] | None = None,
    rng: random.Random | None = None,
    dropped_share: float = 0.0,
) -> AsyncIterator[Stage]:
    """Start a platform in the folder, and end all of it with the block."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(remove_data, folder)
        postgres = await asyncio.to_thread(Postgres, folder)
        redis = await asyncio.to_thread(Redis, folder)
        await asyncio.gather(postgres.start(), redis.start())
        stack.push_async_callback(postgres.stop)
        stack.push_async_callback(redis.kill)
        await migrate(postgres.url)
        key_file = folder / "secret.key"
        create_key_file(key_file)
        port = quiet_port()
        environment = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "PACELINE_API_PORT": str(port),
            "PACELINE_SECRET_KEY_FILE": str(key_file),
            "PACELINE_SIMULATOR_WITNESS": str(folder / "telephony.witness"),
            **_SETTINGS,
            **(settings or {}),
        }
        this = Stage(
            folder=folder,
            postgres=postgres,
            redis=redis,
            fleet=Fleet(folder, environment),
            telephony=TelephonyWitness(folder / "telephony.witness"),
            webhooks=WebhookWitness(rng=rng or random.Random(1), dropped_share=dropped_share),
            key_file=key_file,
        )
        receiver = await stack.enter_async_context(this.webhooks.served())
        stack.push_async_callback(_close, this)
        await this.fleet.start(services)
        for tenant in TENANTS:
            this.customers[tenant] = await _customer(
                this, stack, tenant, f"http://127.0.0.1:{port}", receiver
            )
        yield this


_SETTINGS: Final = {
    "PACELINE_EGRESS_ALLOW": '["127.0.0.0/8"]',
    "PACELINE_SIMULATOR_SPEED": str(SPEED),
    "PACELINE_LEASE_SECONDS": str(LEASE_SECONDS),
    "PACELINE_RING_SECONDS": str(RING_SECONDS),
    "PACELINE_LONGEST_CALL_SECONDS": str(LONGEST_CALL_SECONDS),
    "PACELINE_QUARANTINE_MARGIN_SECONDS": str(MARGIN_SECONDS),
    # What is late is withheld and planned again; a busy machine should not spend its time on that.
    "PACELINE_SEND_TOLERANCE_MS": "500",
    # A delivery that dies with its dialer is due again when its lease is over, a few times this.
    "PACELINE_WEBHOOK_SECONDS": "2",
    "PACELINE_WEBHOOKS_PER_ORIGIN": "32",
    "PACELINE_DATABASE_POOL_SIZE": "6",
    "PACELINE_DRAIN_SECONDS": "5",
}


async def _customer(this: Stage, stack: AsyncExitStack, tenant: str, api: str, receiver: str) -> Customer:
    token = await create_token(
        this.postgres.url, tenant=tenant, name="chaos", sealer=Sealer.from_key_file(this.key_file)
    )
    session = await stack.enter_async_context(
        aiohttp.ClientSession(api, headers={"Authorization": f"Bearer {token}"})
    )
    return Customer(session=session, receiver=receiver)


async def _close(this: Stage) -> None:
    this.redis.thaw()
    this.left_over = await this.fleet.close()
    (this.folder / "postgres.log").write_text(this.postgres.log)


async def numbers_by_state(this: Stage) -> dict[str, Any]:
    """Return how many numbers stand where, for a person to read while a run waits."""
    return {row["state"]: row["count"] for row in await this.sql(
        "SELECT state::text, count(*) FROM number GROUP BY state"
    )}  # fmt: skip
