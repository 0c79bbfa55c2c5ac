"""How a database that several tests share is emptied between them: far cheaper than one of each test's own."""

from collections.abc import Sequence

import asyncpg

#: What belongs to no tenant and is of the tests' making all the same.
_BESIDE_TENANTS = ("dialer", "receiver_circuit", "trunk", "trunk_place")


async def tables_of_tenants(connection: asyncpg.Connection) -> tuple[str, ...]:
    """Return every table that belongs to tenants."""
    rows = await connection.fetch(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY table_name"
    )
    return tuple(row["table_name"] for row in rows)


async def empty(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Leave no row of an earlier test, in `tables` and in those that belong to no tenant; as the superuser."""
    # Each for itself, so that none waits with locks in its hands; in one message, since a round trip for each took
    # longer than all of them. Foreign keys do not ask for an order of `replica`.
    deletions = "".join(f"BEGIN; DELETE FROM {table}; COMMIT;" for table in (*tables, *_BESIDE_TENANTS))  # noqa: S608 - tables of ours
    await connection.execute(
        f"SET session_replication_role = replica; {deletions} SET session_replication_role = origin"
    )


async def make_as_new(url: str) -> None:
    """Empty a database, and let every number that it gives out begin where it begins in a new one."""
    connection = await asyncpg.connect(url)
    try:
        await empty(connection, await tables_of_tenants(connection))
        await connection.execute("SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence")
    finally:
        await connection.close()
