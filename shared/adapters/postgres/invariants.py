"""The invariants, asked of a live database.

All of them are asked in one read-only snapshot: what is under way is in it wholly or not at all, so that whatever
breaks an invariant there has broken it for good. It locks nobody out, but holds back vacuum while it lasts, and a
migration waits for it: hence the time limit.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import comments, queries
from shared.domain.errors import Unavailable
from shared.ports.invariants import Finding, Invariant, Invariants, Offender

_STATEMENTS: Final = queries("invariants")
#: A Postgres that has not ended an overdue question after this long is frozen, or cut off.
SILENCE_SECONDS: Final = 3.0
#: Sees every tenant, save for the log of deliveries.
ROLE: Final = "paceline_pacer"
_ROLES: Final = {"tries_are_logged": "paceline_deliverer"}

_HEADING: Final = re.compile(r"(?P<number>I[0-9]+) \((?P<kind>[a-z ]+)\)\. (?P<sentence>.+?\.)(?: |$)")


class Unasked(Unavailable):
    """Not every invariant could be asked."""


class PostgresInvariants(Invariants):
    """The invariants in Postgres; the database is one in `ROLE`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def check(self, *, most: int, within_seconds: float) -> AsyncGenerator[Finding, None]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_seconds
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for invariant in INVARIANTS:
                with _told_as_a_sentence(invariant, within_seconds):
                    rows = await _ask(connection, invariant, most, left_seconds=deadline - loop.time())
                yield _finding(invariant, rows)


def _invariant(name: str, comment: str) -> Invariant:
    heading = _HEADING.match(comment)
    assert heading is not None, name  # noqa: S101 - the file is ours, and read when this module is
    return Invariant(name=name, **heading.groupdict())


#: In the order in which they are asked.
INVARIANTS: Final = tuple(_invariant(name, comment) for name, comment in comments("invariants").items())


def _first_and_total(statement: str) -> str:
    """Return a statement for the first `$1` rows of another, each with how many there are."""
    return (
        f"WITH offender AS (SELECT DISTINCT tenant_id, campaign_id, id FROM ({statement}) AS broken)"  # noqa: S608 - ours
        " SELECT tenant_id, campaign_id, id, count(*) OVER () AS total FROM offender"
        " ORDER BY tenant_id, campaign_id, id LIMIT $1"
    )


async def _ask(
    connection: asyncpg.Connection, invariant: Invariant, most: int, *, left_seconds: float
) -> list[asyncpg.Record]:
    """Ask in the role that sees what the invariant is about, for as long as there is time left."""
    left_ms = max(1, int(left_seconds * 1000))  # 0 would be no limit at all
    role = _ROLES.get(invariant.name, ROLE)
    statement = _first_and_total(_STATEMENTS[invariant.name])
    try:
        async with asyncio.timeout(left_ms / 1000 + SILENCE_SECONDS):
            await connection.execute(f"SET LOCAL statement_timeout = {left_ms}; SET LOCAL ROLE {role}")
            rows: list[asyncpg.Record] = await connection.fetch(statement, most)
    except TimeoutError:
        connection.terminate()  # whoever does not answer would not answer a rollback either
        raise
    return rows


@contextmanager
def _told_as_a_sentence(invariant: Invariant, within_seconds: float) -> Iterator[None]:
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise Unasked(
            f"The invariants were not all asked within {within_seconds:g} s ({invariant.name} is unknown): give them"
            " more time with --timeout."
        ) from error
    except asyncpg.SyntaxOrAccessError as error:
        raise Unasked(
            f"The invariant {invariant.name} cannot be asked ({error}): run `paceline migrate` of this version, with"
            " the same DATABASE_URL."
        ) from error


def _finding(invariant: Invariant, rows: list[asyncpg.Record]) -> Finding:
    offenders = (Offender(tenant_id=row[0], campaign_id=row[1], id=row[2]) for row in rows)
    return Finding(invariant=invariant, total=rows[0]["total"] if rows else 0, offenders=tuple(offenders))
