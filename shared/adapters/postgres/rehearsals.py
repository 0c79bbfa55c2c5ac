"""What would become of a phone list: staged as an upload is, judged by the same rules, and forgotten.

The staging table empties itself at the end of the transaction, which writes nothing else.
"""

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.adapters.postgres.uploads import SHOWN_REFUSED_LINES, Homes, permission, stage
from shared.domain.phone_list import PhoneEntry
from shared.ports.rehearsal import Rehearsal, ZoneCount
from shared.ports.upload_desk import Lines

_SQL = queries("rehearsals")
_STAGING = queries("uploads")

#: Lines that are shown as they were understood.
SAMPLE_LINES = 10
#: Groups of time zones that are told apart; the world has fewer.
MOST_ZONES = 100


async def rehearse(
    connection: asyncpg.Connection,
    key: tuple[int, int | None],
    lines: Lines | None,
    homes: Homes,
) -> Rehearsal:
    """Judge a list for a campaign, or for one that is not made yet, inside the caller's transaction."""
    await connection.execute(_STAGING["allow_a_long_upload"])
    await connection.execute(_STAGING["make_staging"])
    refusals = await stage(connection, lines, homes, await permission(connection, *key))
    groups = await connection.fetch(_SQL["rehearse"], *key, SAMPLE_LINES)
    valid = [group for group in groups if not group["duplicate"] and not group["blocked"]]
    first = sorted(line for group in valid for line in group["first_lines"])[:SAMPLE_LINES]
    zones = homes.in_order()
    return Rehearsal(
        valid=_total(valid),
        duplicate=_total([group for group in groups if group["duplicate"]]),
        blocked=_total([group for group in groups if group["blocked"]]),
        refused=refusals.count,
        time_zones=tuple(
            ZoneCount(zones=zones[group["zones_place"] - 1], numbers=group["lines"])
            for group in sorted(valid, key=lambda group: (-group["lines"], group["zones_place"]))[:MOST_ZONES]
        ),
        sample=tuple(_entry(row, zones) for row in await connection.fetch(_SQL["rehearsed_lines"], first)),
        refused_lines=tuple(refusals.kept[:SHOWN_REFUSED_LINES]),
    )


def _total(groups: list[asyncpg.Record]) -> int:
    return sum(group["lines"] for group in groups)


def _entry(row: asyncpg.Record, zones: list[tuple[str, ...]]) -> PhoneEntry:
    at_home = zones[row["zones_place"] - 1]
    return PhoneEntry(
        line_no=row["line_no"],
        e164=row["e164"],
        ani=row["ani"],
        post_dial=row["post_dial"],
        message_reference=row["message_reference"],
        variables=tuple((row["variables"] or {}).items()),
        time_zone=at_home[0] if len(at_home) == 1 else None,
    )
