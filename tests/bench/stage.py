"""The servers, the tenant and the receiver that benchmarks stand on."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiohttp import web

from services.api.phone_list_upload import lines_of_array
from shared.adapters.embedded.servers import EmbeddedServers, ServerUrls
from shared.adapters.postgres.campaigns import PostgresCampaigns
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.sealing.sealer import Sealer, create_key_file
from shared.adapters.simulator.population import Behaviour, callee_of
from shared.domain.campaign import Dialect
from shared.domain.pace import Pace
from shared.domain.wall_clock import WEEK, parse_calendar_date
from shared.ports.campaigns import NewCampaign, NewWindow
from shared.settings import Settings

ROOT = Path(__file__).parents[2]


def busy_numbers() -> Iterator[str]:
    """Yield numbers whose simulated callees are busy: calls that end at once and need no application."""
    seed = Settings().simulator_seed
    candidates = (f"+1{number}" for number in itertools.count(2_002_000_000))
    return (number for number in candidates if callee_of(number, seed=seed).behaviour is Behaviour.BUSY)


@dataclass
class Stage:
    """Real servers with fsync on, and a receiver on loopback."""

    folder: Path
    urls: ServerUrls
    key_file: Path
    store: PostgresCampaigns
    tenant_id: int
    receiver: str
    arrived: list[float] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[Self]:
        """Start everything; nothing remains afterwards."""
        servers = EmbeddedServers(folder / "servers")
        urls = await servers.start()
        try:
            await migrate(urls.database_url)
            create_key_file(folder / "secret.key")
            sealer = Sealer.from_key_file(folder / "secret.key")
            token = await create_token(urls.database_url, tenant="bench", name="bench", sealer=sealer)
            database = await Database.connect(urls.database_url, role="paceline_api", size=4)
            store = PostgresCampaigns(database)
            tenant_id = await store.tenant_of(token_hash(token))
            stage = cls(folder, urls, folder / "secret.key", store, tenant_id, "")
            async with stage._receiver():
                yield stage
            await database.close()
        finally:
            await servers.stop()
            await servers.remove_data()

    @asynccontextmanager
    async def _receiver(self) -> AsyncIterator[None]:
        async def take(request: web.Request) -> web.Response:
            await request.read()
            self.arrived.append(asyncio.get_running_loop().time())
            return web.Response(text="ok")

        app = web.Application()
        app.router.add_post("/result", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.receiver = f"http://127.0.0.1:{runner.addresses[0][1]}/result"
        yield
        await runner.cleanup()

    async def campaign(self, numbers: int, *, per_minute: int, skip: int = 0, delivers: bool = True) -> int:
        """Make a campaign of busy callees, open around the clock; it is not started.

        One that shall not share callees with others skips theirs; one that delivers posts results to the receiver.
        """
        schedule = await self.store.create_schedule(self.tenant_id, None, WEEK)
        profile = await self.store.create_profile(
            self.tenant_id, None, Pace(period_minutes=1, amount=per_minute)
        )
        campaign = NewCampaign(
            dialect=Dialect.PLUM, name=None, first_date=parse_calendar_date("2026-01-01", field="d"),
            last_date=parse_calendar_date("2199-01-01", field="d"), time_zone="UTC",
            schedule_id=schedule.schedule_id,
            windows=(NewWindow(opens_minute=0, closes_minute=1440, profile_id=profile.profile_id),),
            start_url=self.receiver, result_url=self.receiver if delivers else None,
        )  # fmt: skip
        lines: list[object] = [
            f"tel:{number},{number}" for number in itertools.islice(busy_numbers(), skip, skip + numbers)
        ]
        taken = await self.store.create_campaign(self.tenant_id, campaign, lines_of_array(lines))
        return taken.campaign_id

    @contextmanager
    def process(self, name: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run one of our services for the block."""
        surroundings = os.environ | {
            "DATABASE_URL": self.urls.database_url,
            "REDIS_URL": self.urls.redis_url,
            "PACELINE_SECRET_KEY_FILE": str(self.key_file),
            "PACELINE_EGRESS_ALLOW": '["127.0.0.0/8"]',
            "PACELINE_LOG_LEVEL": "error",
            **environment,
        }
        with subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", name], cwd=ROOT, env=surroundings
        ) as running:
            try:
                yield running
            finally:
                running.terminate()
                running.wait(60)
