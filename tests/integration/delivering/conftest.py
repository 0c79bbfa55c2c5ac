"""What the tests of delivery may ask for: a database with deliveries, and receivers on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.sealing.sealer import Sealer
from tests.integration.delivering.outbox import Outbox


@pytest.fixture
async def new_outbox(database_url: str, key_file: Path) -> AsyncIterator[Outbox]:
    """An empty database of the test's own, and a key that seals secrets."""
    this = await _outbox(database_url, key_file)
    yield this
    await this.close()


@pytest.fixture
async def emptied_outbox(emptied_database_url: str, key_file: Path) -> AsyncIterator[Outbox]:
    """The same on the module's database, which is far cheaper."""
    this = await _outbox(emptied_database_url, key_file)
    yield this
    await this.close()


@pytest.fixture
def outbox(new_outbox: Outbox) -> Outbox:
    """An empty database; a module that shares one says so."""
    return new_outbox


async def _outbox(url: str, key_file: Path) -> Outbox:
    return Outbox(url=url, sealer=Sealer.from_key_file(key_file), connection=await asyncpg.connect(url))
