"""Trunks in Postgres: what an operator keeps, what a dialer reads, and what nobody reads back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.trunks import PostgresTrunks, PostgresUsableTrunks
from shared.adapters.sealing.sealer import Sealer
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.ports.trunks import TrunkRecord

CARRIER = TrunkRecord(
    name="carrier",
    host="sip.example.net",
    port=5060,
    username="acme",
    password="s3cret",
    caller_id="+12025550199",
    prefix="44",
    priority=10,
    channels=30,
    calls_per_second=5,
    pings=True,
    asserted_identity=True,
)
PLAIN = replace(
    CARRIER, name="plain", username=None, password=None, prefix="", channels=None, asserted_identity=False
)


@pytest.fixture
def database_url(emptied_database_url: str) -> str:
    """A database that this module shares, empty for each test."""
    return emptied_database_url


@pytest.fixture
async def trunks(database_url: str, key_file: Path) -> AsyncIterator[PostgresTrunks]:
    """Trunks as the command line has them."""
    database = await Database.connect(database_url, role="paceline_admin", size=1)
    yield PostgresTrunks(database, seal=Sealer.from_key_file(key_file).seal)
    await database.close()


@pytest.fixture
async def usable(database_url: str, key_file: Path) -> AsyncIterator[PostgresUsableTrunks]:
    """Trunks as a dialer has them."""
    database = await Database.connect(database_url, role="paceline_dialer", size=1)
    yield PostgresUsableTrunks(database, unseal=Sealer.from_key_file(key_file).open)
    await database.close()


async def test_a_dialer_reads_what_an_operator_wrote(
    trunks: PostgresTrunks, usable: PostgresUsableTrunks
) -> None:
    """Password included; a list shows everything but that."""
    await trunks.add(CARRIER)
    await trunks.add(PLAIN)
    assert await usable.usable() == [CARRIER, PLAIN]
    assert await trunks.listed() == [PLAIN, replace(CARRIER, password=None)]
    assert "s3cret" not in repr(await usable.usable())


async def test_a_password_is_nowhere_in_the_clear(database_url: str, trunks: PostgresTrunks) -> None:
    """What is stored is sealed, and the processes that only count calls cannot even read that."""
    await trunks.add(CARRIER)
    connection = await asyncpg.connect(database_url)
    try:
        row = await connection.fetchrow("SELECT trunk::text AS all_of_it, sealed_secret FROM trunk")
        assert b"s3cret" not in row["sealed_secret"]
        assert "s3cret" not in row["all_of_it"]
        for role in ("paceline_pacer", "paceline_api"):
            await connection.execute(f"SET ROLE {role}")
            await connection.fetch(
                "SELECT name, channels, calls_per_second FROM trunk WHERE disabled_at IS NULL"
            )
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT sealed_secret FROM trunk")
            await connection.execute("RESET ROLE")
    finally:
        await connection.close()


async def test_a_disabled_trunk_is_listed_and_not_used(
    trunks: PostgresTrunks, usable: PostgresUsableTrunks
) -> None:
    """And comes back as it was."""
    await trunks.add(CARRIER)
    await trunks.switch("carrier", disabled=True)
    assert await usable.usable() == []
    assert [trunk.disabled for trunk in await trunks.listed()] == [True]
    await trunks.switch("carrier", disabled=False)
    assert await usable.usable() == [CARRIER]


async def test_a_row_without_an_address_is_no_way_out(
    database_url: str, trunks: PostgresTrunks, usable: PostgresUsableTrunks
) -> None:
    """It only bounds what may leave."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO trunk (name, channels) VALUES ('bound', 5)")
    await connection.close()
    assert (await trunks.listed(), await usable.usable()) == ([], [])


@pytest.mark.parametrize(
    "trunk",
    [
        replace(CARRIER, name=""),
        replace(CARRIER, name="a trunk"),
        replace(CARRIER, password=None),
        replace(CARRIER, username=None),
        replace(CARRIER, caller_id="12025550199"),
        replace(CARRIER, username="acme\r\nX-Evil: 1"),
        replace(CARRIER, username="a" * 129),
        replace(CARRIER, priority=1_000_001),
        replace(CARRIER, channels=2**40),
        replace(CARRIER, calls_per_second=10_001),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(trunks: PostgresTrunks, trunk: TrunkRecord) -> None:
    """Before Postgres refuses it with a code."""
    with pytest.raises(Invalid):
        await trunks.add(trunk)


async def test_a_name_is_given_once_and_a_trunk_that_is_not_there_is_said(trunks: PostgresTrunks) -> None:
    """With what to do."""
    await trunks.add(PLAIN)
    with pytest.raises(Conflict, match="another name"):
        await trunks.add(PLAIN)
    with pytest.raises(NotFound, match="trunk list"):
        await trunks.switch("nobody", disabled=True)
