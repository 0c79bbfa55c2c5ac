"""Requests that are done once, in Postgres: one transaction for all that a request does, its answer included.

The stores know nothing of it. Inside an attempt their transactions become savepoints of one transaction, which begins
with the first of them, so that nothing is held while a client sends its request, and commits when there is an answer.
Its key is an advisory lock of that transaction: no lease that would have to run out, no row that a crash would leave.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import CONNECTION_LOST, Database, DatabaseAway, UnitOfWork, joined_in
from shared.adapters.postgres.queries import queries
from shared.ports.once import AnsweredBefore, Attempt, KeptAnswer, KeyInUse, KeyReused, OnceOnly

_SQL = queries("once")


class PostgresOnce(OnceOnly):
    """Keeps answers in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    @asynccontextmanager
    async def attempt(
        self, tenant_id: int, key: str, fingerprint: Callable[[], Awaitable[bytes]]
    ) -> AsyncIterator[Attempt]:
        attempt = _Attempt(self._database, tenant_id, key, fingerprint)
        try:
            with joined_in(attempt):
                yield attempt
        finally:
            await attempt.abandon()


class _NotKept(Exception):
    """Nothing of this is to stay."""


class _Attempt(Attempt, UnitOfWork):
    """One transaction, begun by the first that needs it. One after the other: a connection serves one at a time."""

    def __init__(
        self, database: Database, tenant_id: int, key: str, fingerprint: Callable[[], Awaitable[bytes]]
    ) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._key = key
        self._fingerprint_of = fingerprint
        self._fingerprint = b""
        self._transaction = AsyncExitStack()
        self._connection: asyncpg.Connection | None = None
        self._joinable = True
        self._parts = 0

    @override
    def takes(self, database: Database, tenant_id: int | None) -> bool:
        return self._joinable and database is self._database and tenant_id == self._tenant_id

    @override
    @asynccontextmanager
    async def part(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            connection = await self._begun()
            self._parts += 1
            name = f"part_{self._parts}"
            await connection.execute(f"SAVEPOINT {name}")
            try:
                yield connection
            except BaseException:
                if not connection.is_closed():
                    await connection.execute(f"ROLLBACK TO {name}; RELEASE {name}")
                raise
            await connection.execute(f"RELEASE {name}")
        except CONNECTION_LOST as error:
            raise DatabaseAway from error

    @override
    async def keep(self, answer: KeptAnswer) -> None:
        connection = await self._begun()
        await self._write(connection, answer)

    @override
    async def undo(self, answer: KeptAnswer) -> None:
        connection = await self._begun()
        try:
            await connection.execute("ROLLBACK TO done_once")
        except CONNECTION_LOST as error:
            raise DatabaseAway from error
        await self._write(connection, answer)

    @override
    async def rest(self) -> None:
        if self._connection is not None:
            await self.abandon()
            self._joinable = True

    async def abandon(self) -> None:
        """Undo what is not committed."""
        self._joinable = False
        if self._connection is not None:
            self._connection = None
            await self._transaction.__aexit__(_NotKept, _NotKept(), None)

    async def _begun(self) -> asyncpg.Connection:
        if self._connection is not None:
            return self._connection
        self._fingerprint = await self._fingerprint_of()
        self._joinable = False  # this one is no part of itself
        self._connection = await self._transaction.enter_async_context(
            self._database.transaction(tenant_id=self._tenant_id)
        )
        try:
            await self._take_key(self._connection)
        except BaseException:
            await self.abandon()
            raise
        self._joinable = True
        return self._connection

    async def _take_key(self, connection: asyncpg.Connection) -> None:
        """Hold the key; the answer is looked for before, so that two who ask again do not meet, and once more after."""
        await self._refuse_what_was_done(connection)
        if not await connection.fetchval(_SQL["take_key"], self._tenant_id, self._key):
            raise KeyInUse
        await self._refuse_what_was_done(connection)
        await connection.execute("SAVEPOINT done_once")

    async def _refuse_what_was_done(self, connection: asyncpg.Connection) -> None:
        row = await connection.fetchrow(_SQL["kept_answer"], self._tenant_id, self._key)
        if row is None:
            return
        if row["fingerprint"] != self._fingerprint:
            raise KeyReused
        raise AnsweredBefore(
            KeptAnswer(status=row["status"], content_type=row["content_type"], body=row["body"])
        )

    async def _write(self, connection: asyncpg.Connection, answer: KeptAnswer) -> None:
        try:
            await connection.execute(
                _SQL["keep_answer"], self._tenant_id, self._key, self._fingerprint, answer.status,
                answer.content_type, answer.body,
            )  # fmt: skip
            await connection.execute(_SQL["forget_old_answers"], self._tenant_id)
        except CONNECTION_LOST as error:
            raise DatabaseAway from error
        self._joinable, self._connection = False, None
        await self._transaction.aclose()
