"""How many numbers a tenant may upload in a day: counted in Postgres, in the transaction that takes them in.

What an upload that is refused or undone had counted is undone with it.
"""

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.domain.limits import LimitReached

_SQL = queries("daily_numbers")


async def count_numbers(
    connection: asyncpg.Connection, tenant_id: int, numbers: int, *, most: int | None
) -> None:
    """Count numbers that were taken in; raises LimitReached beyond `most`, None being no limit."""
    if most is None or not numbers:
        return
    row = await connection.fetchrow(_SQL["count_numbers"], tenant_id, numbers)
    if row["numbers"] > most:
        before = row["numbers"] - numbers
        raise LimitReached(
            f"A day (of UTC) takes {most} numbers, and it has {before} already; of this list nothing was taken.",
            retry_after_seconds=row["seconds_left"],
        )
