"""What the tests of delivery may ask for: a database with deliveries, and receivers on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.sealing.sealer import Sealer
from tests.integration.delivering.outbox import Outbox


@pytest.fixture
async def outbox(database_url: str, key_file: Path) -> AsyncIterator[Outbox]:
    """An empty database of the test's own, and a key that seals secrets."""
    this = Outbox(
        url=database_url,
        sealer=Sealer.from_key_file(key_file),
        connection=await asyncpg.connect(database_url),
    )
    yield this
    await this.close()
