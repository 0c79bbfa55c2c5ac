"""Several dialers on two trunks, and what each trunk saw of them: never more calls at a time than it has channels."""

import asyncio
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import pytest

from tests.acceptance.test_sip_road import Customer, campaign, customer, folder, until
from tests.sip.callee import callee, need
from tests.sip.ear import open_ear

__all__ = ["customer"]  # a fixture is found by its name
pytestmark = [pytest.mark.acceptance, pytest.mark.drill]

CHANNELS: Final = {"first": 3, "second": 5}
NUMBERS: Final = 40


def calls_at_once(messages: str) -> int:
    """Return how many calls a SIPp had at most, from an INVITE to its BYE; it writes in the order in which it reads."""
    live: set[str] = set()
    most = 0
    for method, call_id in re.findall(
        r"^(INVITE|BYE) sip:.*?^Call-ID: (\S+)", messages, flags=re.MULTILINE | re.DOTALL
    ):
        (live.add if method == "INVITE" else live.discard)(call_id)
        most = max(most, len(live))
    return most


async def test_four_dialers_overshoot_no_trunk(
    start_platform: Callable[..., Any], paceline: Callable[..., Any], tmp_path: Path, customer: Customer
) -> None:
    """All of them prefer the first trunk, and ten calls a second are wanted; what finds no place costs no try."""
    need("espeak-ng", "espeak-ng")
    platform = start_platform(
        tmp_path / "data",
        options=["--telephony", "sip", "--dialers", "4"],
        environment={"PACELINE_SIP_TRUNK": "", "PACELINE_SIP_LISTEN": "127.0.0.1:0"},
    )
    await asyncio.to_thread(platform.wait_ready)
    headers = {"Authorization": f"Bearer {platform.token}"}
    async with aiohttp.ClientSession(platform.api, headers=headers) as session, open_ear() as (_, ear_port):
        options = ("-key", "ear_port", str(ear_port), "-key", "formats", "0 101", "-timeout", "600s")
        async with (
            callee(folder(tmp_path, "first"), "road", calls=1000, options=options) as first,
            callee(folder(tmp_path, "second"), "road", calls=1000, options=options) as second,
        ):
            await add(paceline, platform, "first", first.port, priority=1)
            await add(paceline, platform, "second", second.port, priority=2)
            numbers = [f"+120255502{last:02}" for last in range(NUMBERS)]
            await campaign(session, customer, *(f"tel:{number},{number}" for number in numbers))
            await until(lambda: len(customer.results) == NUMBERS)
            at_once = {"first": calls_at_once(first.messages()), "second": calls_at_once(second.messages())}
            connection = await asyncpg.connect(platform.database_url)
            tries = await connection.fetchval("SELECT sum(tries) FROM number")
            await connection.close()
            assert await asyncio.to_thread(platform.stop) == 0
    assert all(0 < at_once[name] <= channels for name, channels in CHANNELS.items()), at_once
    assert tries == NUMBERS
    assert {result["outcome"] for result in customer.results} == {"Answered"}


async def add(
    paceline: Callable[..., Any],
    platform: Any,  # noqa: ANN401 - a Platform
    name: str,
    port: int,
    *,
    priority: int,
) -> None:
    """Add a trunk as an operator of this platform does."""
    stored = (platform.data_dir / "environment").read_text(encoding="utf-8").splitlines()
    words = (shlex.split(line.removeprefix("export "))[0].partition("=") for line in stored)
    added = await asyncio.to_thread(
        paceline, "trunk", "add", name, f"sip:127.0.0.1:{port}", "--priority", str(priority),
        "--channels", str(CHANNELS[name]), **{key: value for key, _, value in words},
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
