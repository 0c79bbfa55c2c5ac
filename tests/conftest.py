"""What every test may ask for: real servers of its own, and an empty database on them.

The servers are the embedded ones, started once per test run on free ports and gone with it, so that tests run
beside a platform and beside one another.
"""

import asyncio
import gc
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import redis
from hypothesis import HealthCheck, settings

from shared.adapters.embedded import postgres
from shared.adapters.embedded.servers import EmbeddedServers, ServerUrls
from shared.adapters.postgres.migrations import migrate

# No test is timed: a busy machine is no defect. What fails says how it is drawn again.
settings.register_profile(
    "paceline", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("paceline")

# A shell that runs this in the background lets it ignore Ctrl-C, and so would everything that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests start hundreds of processes of Paceline: each would compile what another has compiled already.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Tests ask nothing of their own server about power cuts, and every database of theirs is dropped in the end.
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE = "paceline_template"
_counter = itertools.count(1)


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what pytest keeps of thousands of tests to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUrls]:
    """Postgres and Redis for this run, with a migrated template database."""
    embedded = EmbeddedServers(tmp_path_factory.mktemp("servers"))
    with asyncio.Runner() as runner:
        with patch.dict(postgres.SETTINGS, _UNSAFE):
            urls = runner.run(embedded.start())
        try:
            runner.run(_let_it_be_easily_asked(urls.database_url))
            runner.run(_make_template(urls.database_url))
            yield urls
        finally:
            runner.run(embedded.stop())
            runner.run(embedded.remove_data())


@pytest.fixture(scope="session")
def new_database(servers: ServerUrls) -> Callable[[], AbstractContextManager[str]]:
    """What makes an empty, migrated database for the length of a block."""

    @contextmanager
    def made() -> Iterator[str]:
        name = f"test_{os.getpid()}_{next(_counter)}"
        asyncio.run(_execute(servers.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"'))
        yield _with_database(servers.database_url, name)
        asyncio.run(_execute(servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)'))

    return made


@pytest.fixture
def database_url(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """An empty, migrated database of the test's own."""
    with new_database() as url:
        yield url


@pytest.fixture
def redis_url(servers: ServerUrls) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A secret key file."""
    from shared.adapters.sealing.sealer import create_key_file  # noqa: PLC0415 - only who seals pays for it

    path = tmp_path / "secret.key"
    create_key_file(path)
    return path


async def _let_it_be_easily_asked(url: str) -> None:
    """Take the thousands of rounds from a password that is a new one for every run: each connection paid for them."""
    asked = urlsplit(url)
    await _execute(url, f"SET scram_iterations = 1; ALTER ROLE {asked.username} PASSWORD '{asked.password}'")


async def _make_template(url: str) -> None:
    await _execute(url, f'CREATE DATABASE "{_TEMPLATE}"')
    await migrate(_with_database(url, _TEMPLATE))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
