"""The blocklist in Postgres."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.uploads import SHOWN_REFUSED_LINES
from shared.domain.errors import Invalid, NotFound
from shared.domain.phone_list import PhoneEntry, RefusedLine
from shared.ports.blocklist import Blocked, BlockedNumber, Blocklist

_SQL = queries("blocklist")

#: A sentence or two, as for a hold.
LONGEST_WORDS_CHARACTERS: Final = 500


class PostgresBlocklist(Blocklist):
    """The blocklist in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def page(self, tenant_id: int, *, after: str, limit: int) -> list[BlockedNumber]:
        rows = await self._database.rows(
            _SQL["blocked_numbers"], tenant_id, after, limit, tenant_id=tenant_id
        )
        return [BlockedNumber(**dict(row)) for row in rows]

    @override
    async def add(
        self,
        tenant_id: int,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
        *,
        reason: str | None,
        source: str | None,
    ) -> Blocked:
        _refuse_long_words("reason", reason)
        _refuse_long_words("source", source)
        staged = refused = 0
        shown: list[RefusedLine] = []
        async with self._database.transaction(tenant_id=tenant_id) as connection:
            await connection.execute(_SQL["allow_a_long_blocklist"])
            await connection.execute(_SQL["make_blocklist_staging"])
            async for chunk in lines:
                entries = [line for line in chunk if isinstance(line, PhoneEntry)]
                staged += len(entries)
                refused += len(chunk) - len(entries)
                shown += [line for line in chunk if isinstance(line, RefusedLine)]
                del shown[SHOWN_REFUSED_LINES:]
                await connection.copy_records_to_table(
                    "staged_block",
                    records=[(entry.e164, entry.message_reference or reason) for entry in entries],
                    columns=("e164", "reason"),
                )
            added: int = await connection.fetchval(_SQL["block_numbers"], tenant_id, source)
        return Blocked(added=added, already=staged - added, refused=refused, refused_lines=tuple(shown))

    @override
    async def remove(self, tenant_id: int, e164: str) -> None:
        if await self._database.row(_SQL["allow_number"], tenant_id, e164, tenant_id=tenant_id) is None:
            raise NotFound(f"The number {e164} is not on the blocklist.")


def _refuse_long_words(field: str, words: str | None) -> None:
    if words is not None and len(words) > LONGEST_WORDS_CHARACTERS:
        raise Invalid(field, f"The {field} may have at most {LONGEST_WORDS_CHARACTERS} characters.")
