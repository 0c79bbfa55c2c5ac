"""A list of a million numbers over HTTP, beside psql's copy of the same rows into a table with the same indexes.

The list is read, checked, freed of duplicates and stored by an API process of its own, whose memory is looked at before
and at its highest; what it stored is then written out and copied into an empty table that has the indexes and checks of
ours. Both on the same server with the same settings, fsync on.
"""

import asyncio
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
from rows import Row, Table
from stage import Stage

from shared.adapters.embedded.binaries import postgres_programs
from shared.adapters.postgres.tenants import create_token
from shared.adapters.sealing.sealer import Sealer

NUMBERS = 1_000_000
#: How many times as long as psql's copy the upload may take.
MOST_TIMES = 2.0
MEBIBYTE = 1024 * 1024
COLUMNS = (
    "tenant_id, campaign_id, number_id, batch_no, line_no, e164, ani, post_dial, message_reference, variables,"
    " time_zone, dedupe_key, state, tries, last_ordinal, next_at, zones_no, canceled_at"
)
EMPTY_TABLE = """
DROP TABLE IF EXISTS number_copied;
CREATE TABLE number_copied (LIKE number INCLUDING ALL);
"""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was measured of the upload."""

    seconds: float
    list_bytes: int
    growth_bytes: int


async def measure(stage: Stage) -> list[Row | Table]:
    """Return both rates, and what the upload cost in memory."""
    campaign_id = await stage.campaign(1, per_minute=1)
    uploaded = await _upload(stage, campaign_id)
    copied_seconds = await _copy(stage, campaign_id)
    copied = Row("psql \\copy of the same rows", NUMBERS / copied_seconds)
    return [
        copied,
        Row("numbers uploaded, checked and stored", NUMBERS / uploaded.seconds, copied, 1 / MOST_TIMES),
        Table(
            "the upload",
            ("", "list, MB", "seconds", "times \\copy", "memory growth of the API, MiB"),
            [
                (
                    f"{NUMBERS:,} numbers",
                    f"{uploaded.list_bytes / 1e6:.0f}",
                    f"{uploaded.seconds:.1f}",
                    f"{uploaded.seconds / copied_seconds:.2f}",
                    f"{uploaded.growth_bytes / MEBIBYTE:.0f}",
                )
            ],
        ),
    ]


def _list(path: Path) -> int:
    """Write a list of a million different lines and return its size."""
    with path.open("w", encoding="ascii") as file:
        for n in range(NUMBERS):
            shuffled = int.from_bytes(hashlib.blake2b(str(n).encode(), digest_size=4).digest()) % 7_999_999
            file.write(f"tel:+1202{2_000_000 + shuffled};ani=+12025550199,{n:07}\n")
    return path.stat().st_size


async def _upload(stage: Stage, campaign_id: int) -> Uploaded:
    path = stage.folder / "million.csv"
    list_bytes = _list(path)
    sealer = Sealer.from_key_file(stage.key_file)
    token = await create_token(stage.urls.database_url, tenant="bench", name="upload", sealer=sealer)
    ready = stage.folder / "api.ready"
    environment = {"PACELINE_API_PORT": "0", "PACELINE_READY_FILE": str(ready)}
    with stage.process("api", **environment) as api:
        while not ready.exists():
            await asyncio.sleep(0.05)
        url = f"http://127.0.0.1:{json.loads(ready.read_text())['port']}/api/campaigns/add-calls"
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            await _post(session, url, campaign_id, b"+12025550100\n")  # so that everything is loaded
            before = _memory(api.pid, "VmRSS")
            began = time.perf_counter()
            with path.open("rb") as file:
                answer = await _post(session, url, campaign_id, file)
            seconds = time.perf_counter() - began
        growth = _memory(api.pid, "VmHWM") - before
    assert answer["accepted"] == NUMBERS, answer
    return Uploaded(seconds, list_bytes, growth)


async def _post(
    session: aiohttp.ClientSession, url: str, campaign_id: int, content: object
) -> dict[str, object]:
    form = aiohttp.FormData({"campaign_id": str(campaign_id)})
    form.add_field("phone_numbers", content, filename="million.csv")
    async with session.post(url, data=form) as answer:
        body: dict[str, object] = await answer.json()
        assert answer.status == 200, body
        return body


def _memory(pid: int, name: str) -> int:
    """Return a figure of a process's memory in bytes: VmRSS, what it holds, or VmHWM, the most it ever held."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


async def _copy(stage: Stage, campaign_id: int) -> float:
    """Return the seconds that psql takes for the rows that the upload stored."""
    rows = stage.folder / "rows.csv"
    own = f"SELECT {COLUMNS} FROM number WHERE campaign_id = {campaign_id} AND ani IS NOT NULL"  # noqa: S608 - ours
    await _psql(stage, f"\\copy ({own} ORDER BY number_id) TO '{rows}' CSV")
    connection = await asyncpg.connect(stage.urls.database_url)
    await connection.execute(EMPTY_TABLE)
    await connection.execute("CHECKPOINT")
    began = time.perf_counter()
    await _psql(stage, f"\\copy number_copied ({COLUMNS}) FROM '{rows}' CSV")
    seconds = time.perf_counter() - began
    assert await connection.fetchval("SELECT count(*) FROM number_copied") >= NUMBERS
    await connection.execute("DROP TABLE number_copied")
    await connection.close()
    return seconds


async def _psql(stage: Stage, command: str) -> None:
    psql = postgres_programs(as_other_user=False) / "psql"
    program = await asyncio.create_subprocess_exec(
        str(psql), stage.urls.database_url, "-q", "-v", "ON_ERROR_STOP=1", "-c", command, env=dict(os.environ)
    )
    assert await program.wait() == 0
