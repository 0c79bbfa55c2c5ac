"""Lists over HTTP by the API, beside a bare aiohttp handler that looks the same token up and asks for the same rows.

Both are processes of their own with as many connections to the same Postgres, and are asked in turns, so that what
else the machine does falls on both. The asking is a few lines on sockets: a client that costs as much as a server would
be measured in both rates and hide what lies between them. Beside the rates stands the processor's time of each server,
which says the same without what the client and Postgres take of two cores.
"""

import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from rows import Row, Table
from stage import ROOT, Stage

from services.api.phone_list_upload import lines_of_array
from shared.adapters.postgres.tenants import create_token, token_hash
from shared.adapters.sealing.sealer import Sealer
from shared.domain.campaign import Dialect
from shared.domain.pace import Pace
from shared.domain.wall_clock import WEEK, parse_calendar_date
from shared.ports.campaigns import NewCampaign, NewWindow
from shared.settings import Settings

#: Of each kind: what a client's list holds.
ENTRIES = 100
#: In each campaign, so that its counts count something.
NUMBERS = 10
#: Connections that are kept open, each with one request at a time.
CONNECTIONS = 32
ROUNDS = 12
REQUESTS_PER_ROUND = 320
#: Of the bare handler's rate.
TARGET = 0.8
#: Out of the way: what is measured is what a request costs, not when it is refused.
MOST_REQUESTS_PER_SECOND = "100000"
PATHS = ("/api/schedules", "/api/campaigns")


@dataclass(slots=True)
class Served:
    """A server under measurement, and what it did so far."""

    name: str
    pid: int
    port: int
    requests: int = 0
    #: Of each round that counts.
    seconds: list[float] = field(default_factory=list)
    processor_seconds: float = 0
    answer_bytes: int = 0


async def measure(stage: Stage) -> list[Row | Table]:
    """Return the rates of both lists from both servers."""
    token = await _tenant_with_lists(stage)
    found: list[Row | Table] = []
    lines = []
    for path in PATHS:
        async with AsyncExitStack() as servers:
            bare = await servers.enter_async_context(_bare(stage))
            ours = await servers.enter_async_context(_ours(stage))
            await _take_turns((bare, ours), path, token)
        beside = Row(f"GET {path} by a bare aiohttp handler", bare.requests / sum(bare.seconds))
        found += [beside, Row(f"GET {path}", ours.requests / sum(ours.seconds), beside, TARGET)]
        lines += [_line(path, bare), (*_line(path, ours)[:-1], _by_rounds(bare, ours))]
    columns = ("", "served by", "requests", "answer, bytes", "processor, ms a request", "by rounds")
    return [*found, Table(f"{ENTRIES} entries, {CONNECTIONS} connections", columns, lines)]


def _line(path: str, served: Served) -> tuple[str, ...]:
    milliseconds = 1000 * served.processor_seconds / served.requests
    return path, served.name, f"{served.requests:,}", f"{served.answer_bytes:,}", f"{milliseconds:.2f}", ""


def _by_rounds(bare: Served, ours: Served) -> str:
    """Say what of the bare rate each round had: the median, the least and the most."""
    shares = sorted(theirs / own for theirs, own in zip(bare.seconds, ours.seconds, strict=True))
    return f"{statistics.median(shares):.2f} ({shares[0]:.2f} to {shares[-1]:.2f})"


async def _tenant_with_lists(stage: Stage) -> str:
    """Make a tenant with so many schedules and campaigns; return its token."""
    sealer = Sealer.from_key_file(stage.key_file)
    token = await create_token(stage.urls.database_url, tenant="lists", name="bench", sealer=sealer)
    tenant_id = await stage.store.tenant_of(token_hash(token))
    profile = await stage.store.create_profile(tenant_id, None, Pace(period_minutes=1, amount=1))
    for number in range(ENTRIES):
        schedule = await stage.store.create_schedule(tenant_id, None, WEEK)
        campaign = NewCampaign(
            dialect=Dialect.PLUM, name=f"campaign {number}",
            first_date=parse_calendar_date("2026-01-01", field="d"),
            last_date=parse_calendar_date("2199-01-01", field="d"), time_zone="UTC",
            schedule_id=schedule.schedule_id,
            windows=(NewWindow(opens_minute=0, closes_minute=1440, profile_id=profile.profile_id),),
            start_url=stage.receiver, result_url=stage.receiver,
        )  # fmt: skip
        lines: list[object] = [f"tel:+1202555{line:04},{line}" for line in range(NUMBERS)]
        await stage.store.create_campaign(tenant_id, campaign, lines_of_array(lines))
    connection = await asyncpg.connect(stage.urls.database_url)
    await connection.execute("VACUUM ANALYZE")  # or it would come in the midst of somebody's turn
    await connection.close()
    return token


@asynccontextmanager
async def _ours(stage: Stage) -> AsyncIterator[Served]:
    ready = stage.folder / "api_lists.ready"
    ready.unlink(missing_ok=True)
    environment = {
        "PACELINE_API_PORT": "0",
        "PACELINE_READY_FILE": str(ready),
        "PACELINE_REQUESTS_PER_SECOND": MOST_REQUESTS_PER_SECOND,
    }
    with stage.process("api", **environment) as api:
        while not ready.exists():
            await asyncio.sleep(0.05)
        yield Served("the API", api.pid, json.loads(ready.read_text())["port"])


@asynccontextmanager
async def _bare(stage: Stage) -> AsyncIterator[Served]:
    pool_size = Settings().database_pool_size
    program = await asyncio.create_subprocess_exec(
        sys.executable, Path(__file__).with_name("bare_api.py"), stage.urls.database_url, str(pool_size),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert program.stdout is not None
    try:
        yield Served("a bare handler", program.pid, int(await program.stdout.readline()))
    finally:
        program.terminate()
        await program.wait()


async def _take_turns(servers: Sequence[Served], path: str, token: str) -> None:
    """Ask the servers in turns, the first one second in every other round; the first round only warms them."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(_connected(served.port)) for served in servers]
        turns = list(zip(servers, connections, strict=True))
        for number in range(ROUNDS + 1):
            for served, connected in turns[:: 1 if number % 2 else -1]:
                await _ask(served, connected, request, counted=number > 0)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[list[Streams]]:
    connections = [await asyncio.open_connection("127.0.0.1", port, limit=2**20) for _ in range(CONNECTIONS)]
    try:
        yield connections
    finally:
        for _, writer in connections:
            writer.close()


async def _ask(served: Served, connections: Sequence[Streams], request: bytes, *, counted: bool) -> None:
    """Let one server have its turn."""
    left = itertools.repeat(request, REQUESTS_PER_ROUND)
    began, processor_began = time.perf_counter(), _processor_seconds(served.pid)
    sizes = await asyncio.gather(*(_keep_asking(*streams, left) for streams in connections))
    seconds, processor_seconds = time.perf_counter() - began, _processor_seconds(served.pid) - processor_began
    if counted:
        served.requests += REQUESTS_PER_ROUND
        served.seconds.append(seconds)
        served.processor_seconds += processor_seconds
        served.answer_bytes = max(sizes)


async def _keep_asking(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: Iterator[bytes]
) -> int:
    """Send what is left of the requests, one after the other; return the size of the last answer in bytes."""
    size_bytes = 0
    for request in left:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        size_bytes = int(head.split(b"Content-Length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(size_bytes)
    return size_bytes


def _processor_seconds(pid: int) -> float:
    """Return what a process has had of the processors so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
