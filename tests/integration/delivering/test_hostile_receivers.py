"""Receivers that hang, drip, flood and lead astray: whoever is beside them must not notice."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from services.dialer.deliverer import Deliverer
from tests.integration.delivering.outbox import Outbox

#: Tenants whose receivers behave, and how their results come in: eighty a second, in small bursts.
WELL_BEHAVED = 4
BURSTS, PAUSE_SECONDS = 100, 0.05
#: How long such a receiver thinks about a result: little, for one that is reached through a network.
ANSWER_SECONDS = 0.025
#: What waits for each hostile receiver when the second phase begins.
BACKLOG = 300
#: So short that receivers that hang take and free their places several times while we measure.
TRY_SECONDS = 1.0
#: A machine that does something else for a moment spoils a measurement; it does not spoil three.
MEASUREMENTS = 3
#: A machine that is busy all the time spoils them all, for hostile receivers cost processor time. It does not change
#: whose turn it is: this many of the hostile tries may come first, and 1,800 wait.
TRIES_AHEAD = 150

_TIMES = """
SELECT extract(epoch FROM delivered_at - created_at) * 1000 AS ms FROM delivery
WHERE number_id = ANY ($1) AND state = 'DELIVERED' ORDER BY 1
"""

_OTHERS = """
WITH hostile AS MATERIALIZED (
    SELECT t.tried_at FROM delivery_try t JOIN delivery USING (tenant_id, campaign_id, number_id) WHERE url <> ALL ($2)
)
SELECT (SELECT count(*) FROM hostile WHERE tried_at BETWEEN d.created_at AND d.delivered_at) AS others FROM delivery d
WHERE number_id = ANY ($1) AND state = 'DELIVERED' ORDER BY 1
"""


@dataclass
class Stopwatch:
    """Receivers that behave, and how long each result takes from its making to its record as delivered."""

    outbox: Outbox
    deliverer: Deliverer
    urls: dict[int, str] = field(default_factory=dict)
    campaigns: dict[int, int] = field(default_factory=dict)

    async def receive(self, request: web.BaseRequest) -> web.Response:
        """Take a result."""
        await request.read()
        await asyncio.sleep(ANSWER_SECONDS)
        return web.Response()

    async def p99(self) -> tuple[float, int]:
        """Let results come in for those that behave; returns what their delivery costs all but one in a hundred.

        In milliseconds, and in tries of others that were recorded between the result's making and its record.
        """
        call_ids: list[int] = []
        for _ in range(BURSTS):
            for tenant_id, url in self.urls.items():
                call_ids += await self.put(tenant_id, url)
                self.deliverer.wake()
            await asyncio.sleep(PAUSE_SECONDS)
        await self.outbox.until_all("DELIVERED", *call_ids)
        taken = [float(row["ms"]) for row in await self.outbox.sql(_TIMES, call_ids)]
        before = [
            int(row["others"]) for row in await self.outbox.sql(_OTHERS, call_ids, list(self.urls.values()))
        ]
        assert len(taken) == len(before) == BURSTS * WELL_BEHAVED
        place = int(len(taken) * 0.99) - 1
        return taken[place], before[place]

    async def put(self, tenant_id: int, url: str, count: int = 1) -> list[int]:
        """Let results wait for a receiver."""
        return await self.outbox.put(tenant_id, url, count, campaign_id=self.campaigns[tenant_id])

    async def tenant(self) -> int:
        """Make a tenant with a campaign."""
        tenant_id = await self.outbox.tenant()
        self.campaigns[tenant_id] = await self.outbox.campaign(tenant_id)
        return tenant_id


@pytest.fixture
async def hostile_urls() -> AsyncIterator[dict[str, str]]:
    """The addresses of the hostile receivers, by what they do, in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.delivering.rogues", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


@pytest.fixture
async def stopwatch(outbox: Outbox) -> AsyncIterator[Stopwatch]:
    """A deliverer, and receivers that behave."""
    async with AsyncExitStack() as stack:
        deliverer = await stack.enter_async_context(outbox.deliverer(try_seconds=TRY_SECONDS))
        this = Stopwatch(outbox, deliverer)
        for _ in range(WELL_BEHAVED):
            server = await stack.enter_async_context(RawTestServer(this.receive, access_log=None))
            this.urls[await this.tenant()] = str(server.make_url("/results"))
        yield this


async def test_hostile_receivers_slow_nobody_elses_results(
    stopwatch: Stopwatch, hostile_urls: dict[str, str]
) -> None:
    """The p99 of the others stays within twice its undisturbed value of the same run, or at least their turn comes."""
    hostile = {name: (await stopwatch.tenant(), url) for name, url in hostile_urls.items()}
    measured = []
    for _ in range(MEASUREMENTS):
        alone_ms, _ = await stopwatch.p99()
        for tenant_id, url in hostile.values():
            await stopwatch.put(tenant_id, url, BACKLOG)
        beside_ms, ahead = await stopwatch.p99()
        measured.append((alone_ms, beside_ms, ahead))
        figures = (
            f"p99 alone {alone_ms:.1f} ms, beside hostile receivers {beside_ms:.1f} ms, behind {ahead} tries"
        )
        print(figures)  # noqa: T201 - for whoever reads the log
        tries = {name: await _tries(stopwatch.outbox, url) for name, (_, url) in hostile.items()}
        print(f"tries by hostile receiver: {tries}")  # noqa: T201 - likewise
        assert all(tries.values())  # each of them did have its chance to do harm
        if beside_ms <= 2 * alone_ms:
            return
        await _forget_hostility(stopwatch.outbox)
    if min(ahead for *_, ahead in measured) > TRIES_AHEAD:
        pytest.fail(f"Three times more than twice as long, and behind the tries of others: {measured}")


async def _tries(outbox: Outbox, url: str) -> int:
    """Count the tries to a receiver, those under way included."""
    return await outbox.one(
        "SELECT sum(tries) + count(*) FILTER (WHERE state = 'SENDING') FROM delivery WHERE url = $1", url
    )


async def _forget_hostility(outbox: Outbox) -> None:
    """Begin anew: circuits closed, and nothing waits any more."""
    await outbox.sql("DELETE FROM receiver_circuit")
    await outbox.sql("UPDATE delivery SET state = 'FAILED' WHERE state IN ('QUEUED', 'RETRY')")
