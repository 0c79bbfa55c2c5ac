"""Connections to Postgres in one role, and transactions that name their tenant.

Each process takes its own role when it connects; the role owns nothing, and row-level security shows it one
tenant per transaction. `BEGIN` and the tenant's name travel together, so that naming it costs no round trip, and so
does who a change is made for, which the audit log wants to know.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self

import asyncpg
import orjson
from typing_extensions import override

from shared.domain.errors import Unavailable
from shared.ports.audit import acting_now

#: A statement that runs longer is a mistake of ours, not a slow machine; uploads raise it for themselves.
STATEMENT_TIMEOUT_MS = 30_000
#: A process that freezes inside a transaction must not hold others up: Postgres ends the transaction.
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 5

#: What asyncpg raises when Postgres is away, restarting, full or overrun: nothing was written, and it may be tried
#: again. A deadlock and a time-out are among it, since both roll the transaction back.
CONNECTION_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that Postgres has ended and that was used before the client noticed
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.InsufficientResourcesError,  # a full disk, no memory, too many connections
    asyncpg.exceptions.PostgresSystemError,  # its disk or its machine fails
    asyncpg.exceptions.ReadOnlySQLTransactionError,  # it is a replica now
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.QueryCanceledError,
    asyncpg.exceptions.DeadlockDetectedError,
)


class DatabaseAway(Unavailable):
    """Postgres does not answer; try again shortly."""


class UnitOfWork(Protocol):
    """One transaction that everything in a block belongs to, although it asks for one of its own."""

    def takes(self, database: "Database", tenant_id: int | None) -> bool:
        """Tell whether a transaction of this pool and tenant is to be a part of it."""

    def part(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Run statements that are undone together, and that the whole outlives when they are."""


_UNIT: ContextVar[UnitOfWork | None] = ContextVar("unit_of_work", default=None)


@contextmanager
def joined_in(unit: UnitOfWork) -> Iterator[None]:
    """Let the transactions of the block be parts of a unit of work."""
    token = _UNIT.set(unit)
    try:
        yield
    finally:
        _UNIT.reset(token)


@contextmanager
def apart() -> Iterator[None]:
    """Let the transactions of the block be whole ones, each committed by itself, within a unit of work or not."""
    token = _UNIT.set(None)
    try:
        yield
    finally:
        _UNIT.reset(token)


class Database:
    """A pool of connections in one role."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def connect(
        cls, url: str, *, role: str, size: int, idle_in_transaction_ms: int = IDLE_IN_TRANSACTION_TIMEOUT_MS
    ) -> Self:
        """Open the pool; raises DatabaseAway with what went wrong."""
        settings = {
            "role": role,
            "application_name": role,
            "timezone": "UTC",
            "jit": "off",  # no statement here runs as long as it would take to compile
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(idle_in_transaction_ms),
        }
        try:
            pool = await asyncpg.create_pool(
                url, min_size=1, max_size=size, server_settings=settings, init=_speak_json,
                timeout=CONNECT_TIMEOUT_SECONDS, reset=_nothing_to_reset,
            )  # fmt: skip
        except (*CONNECTION_LOST, asyncpg.PostgresError, ValueError) as error:
            raise DatabaseAway(
                f"Postgres refused the connection as {role} ({error}): check DATABASE_URL, and run `paceline migrate`."
            ) from error
        return cls(pool)

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, *, role: str, size: int) -> AsyncIterator[Self]:
        """Hold a pool open while the block lasts; raises DatabaseAway with what went wrong."""
        database = await cls.connect(url, role=role, size=size)
        try:
            yield database
        finally:
            await database.close()

    async def close(self) -> None:
        """Give every connection back."""
        await self._pool.close()

    def transaction(
        self, *, tenant_id: int | None = None, settings: Mapping[str, bytes] | None = None
    ) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Run statements in one transaction as one tenant, or as a role that sees them all.

        Inside a `UnitOfWork` of this pool and tenant it is a part of that transaction. `settings` are made for the
        transaction, in hexadecimal. Raises DatabaseAway when the connection is lost; whether a commit under way took
        place is then unknown.
        """
        unit = _UNIT.get()
        if unit is not None and unit.takes(self, tenant_id):
            return unit.part()
        return _Transaction(self._pool, _begin(tenant_id, settings))

    async def row(
        self, statement: str, *arguments: object, tenant_id: int | None = None
    ) -> asyncpg.Record | None:
        """Run one statement in a transaction of its own and return its first row."""
        async with self._alone(tenant_id) as connection:
            return await connection.fetchrow(statement, *arguments)

    async def rows(
        self, statement: str, *arguments: object, tenant_id: int | None = None
    ) -> list[asyncpg.Record]:
        """Run one statement in a transaction of its own and return its rows."""
        async with self._alone(tenant_id) as connection:
            found: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return found

    def _alone(self, tenant_id: int | None) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Take a connection for one statement; with no tenant to be named it is a transaction by itself."""
        return _Loan(self._pool) if tenant_id is None else self.transaction(tenant_id=tenant_id)


class _Loan:
    """A connection out of the pool, for one block; raises DatabaseAway.

    A class, for a request has several of them, and a generator for each would cost it more than they do.
    """

    __slots__ = ("_connection", "_pool")
    _connection: asyncpg.Connection

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> asyncpg.Connection:
        try:
            return await self._taken()
        except CONNECTION_LOST as error:
            raise DatabaseAway from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            await self._give_back(in_peace=kind is None)
        except CONNECTION_LOST as lost:
            raise DatabaseAway from lost
        if isinstance(error, CONNECTION_LOST):
            raise DatabaseAway from error

    async def _taken(self) -> asyncpg.Connection:
        if self._pool.get_idle_size():  # nobody waits for one, and a timer was a tenth of what a list costs
            self._connection = await self._pool.acquire()
            return self._connection
        # Told to the pool, the time would be measured once more when the connection is given back.
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            self._connection = await self._pool.acquire()
        return self._connection

    async def _give_back(self, *, in_peace: bool) -> None:
        """Return the connection; one that was left in the midst of a statement may have to be waited for."""
        await self._pool.release(self._connection, timeout=None if in_peace else CONNECT_TIMEOUT_SECONDS)


class _Transaction(_Loan):
    """The same within a transaction, which is committed unless the block fails."""

    __slots__ = ("_begin",)

    def __init__(self, pool: asyncpg.Pool, begin: str) -> None:
        super().__init__(pool)
        self._begin = begin

    @override
    async def __aenter__(self) -> asyncpg.Connection:
        try:
            connection = await self._taken()
            try:
                await connection.execute(self._begin)
            except BaseException:
                await self._undo()
                raise
        except CONNECTION_LOST as error:
            raise DatabaseAway from error
        return connection

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._commit()
            else:
                await self._undo()
        except CONNECTION_LOST as lost:
            raise DatabaseAway from lost
        if isinstance(error, CONNECTION_LOST):
            raise DatabaseAway from error

    async def _commit(self) -> None:
        in_peace = False
        try:
            await self._connection.execute("COMMIT")
            in_peace = True
        finally:
            await self._give_back(in_peace=in_peace)

    async def _undo(self) -> None:
        try:
            await _roll_back(self._connection)
        finally:
            await self._give_back(in_peace=False)


def _begin(tenant_id: int | None, settings: Mapping[str, bytes] | None = None) -> str:
    """Return the beginning of a transaction; what it is told is digits alone, so that nothing needs quoting."""
    words = ["BEGIN"]
    if tenant_id is not None:
        words.append(f"SET LOCAL app.tenant = '{int(tenant_id)}'")
    if (actor := acting_now()) is not None:
        words.append(f"SET LOCAL app.actor = '{orjson.dumps(actor.document()).hex()}'")
    words += [f"SET LOCAL {name} = '{value.hex()}'" for name, value in (settings or {}).items()]
    return "; ".join(words)


async def _roll_back(connection: asyncpg.Connection) -> None:
    """Leave the transaction; a connection that is gone has left it already."""
    if not connection.is_closed():
        await connection.execute("ROLLBACK")


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Give a connection back as it is: every setting is LOCAL to its transaction, and each ends in this module.

    asyncpg's own reset costs a round trip for every use of a connection.
    """


async def _speak_json(connection: asyncpg.Connection) -> None:
    """Let jsonb columns come and go as Python values."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),  # the first byte is the format's version
    )
