"""What a list endpoint costs at the least: `bare_api.py URL POOL_SIZE` prints its port and serves until it is ended.

A bare aiohttp handler on uvloop: it looks the token up and asks for the rows by the statements of the API, in
transactions that name the token and the tenant as the API's do, on a pool of the same size in the same role, and
answers the rows as they come. No routes beside, no middleware, no roles, no limits, no shape of an answer.
"""

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable

import asyncpg
import orjson
import uvloop
from aiohttp import web

from services.api.plum import campaigns as rooms
from shared.adapters.postgres import campaigns
from shared.adapters.postgres.queries import queries
from shared.domain.campaign import Dialect

Handler = Callable[[web.Request], Awaitable[web.Response]]

ROLE = "paceline_api"
CALLER = queries("tokens")["caller"]
SCHEDULES = queries("campaigns")["schedules"], (campaigns.MOST_LISTED,)
CAMPAIGNS = queries("campaigns")["campaign_views"], (Dialect.PLUM.value, None, rooms.MOST_LISTED)


def listing(pool: asyncpg.Pool, statement: str, arguments: tuple[object, ...]) -> Handler:
    """Return the handler of one list."""

    async def answer(request: web.Request) -> web.Response:
        presented = hashlib.sha256(request.headers["Authorization"].removeprefix("Bearer ").encode()).digest()
        async with pool.acquire() as connection:
            await connection.execute(f"BEGIN; SET LOCAL app.token_hash = '{presented.hex()}'")
            caller = await connection.fetchrow(CALLER, presented)
            await connection.execute("COMMIT")
        if caller is None:
            raise web.HTTPUnauthorized
        async with pool.acquire() as connection:
            await connection.execute(f"BEGIN; SET LOCAL app.tenant = '{caller['tenant_id']}'")
            rows = await connection.fetch(statement, caller["tenant_id"], *arguments)
            await connection.execute("COMMIT")
        body = orjson.dumps([dict(row) for row in rows])
        return web.Response(body=body, content_type="application/json")

    return answer


async def _speak_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Spare the round trip that the API spares, too."""


async def main(url: str, pool_size: int) -> None:
    """Serve."""
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=pool_size, init=_speak_json, reset=_nothing_to_reset,
        server_settings={"role": ROLE, "timezone": "UTC", "jit": "off"},
    )  # fmt: skip
    app = web.Application()
    app.router.add_get("/api/schedules", listing(pool, *SCHEDULES))
    app.router.add_get("/api/campaigns", listing(pool, *CAMPAIGNS))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
