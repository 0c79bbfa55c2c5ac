"""Takes a phone list in: staged by COPY, then numbered, published and counted inside the caller's transaction."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.domain.number_policy import NumberPolicy
from shared.domain.phone_list import PhoneEntry, RefusedLine
from shared.domain.phone_list_line import refused_line
from shared.failpoints import Failpoint, failpoint
from shared.ports.campaigns import TakenIn
from shared.ports.number_zones import NumberZones

_SQL = queries("uploads")

#: Refused lines are counted without end and kept up to here: enough to mend a list by, no way to fill a disk.
KEPT_REFUSED_LINES: Final = 10_000
#: What an answer shows at once.
SHOWN_REFUSED_LINES: Final = 20

_DUPLICATE = "This number with this message_reference is in the campaign already."
_COLUMNS = (
    "line_no", "e164", "ani", "post_dial", "message_reference", "variables", "time_zone", "zones_place",
)  # fmt: skip


@dataclass(slots=True)
class Refusals:
    """Refused lines as they come."""

    count: int = 0
    kept: list[RefusedLine] = field(default_factory=list)

    def add(self, line: RefusedLine) -> None:
        """Count a line, and keep it while there is room."""
        self.count += 1
        if len(self.kept) < KEPT_REFUSED_LINES:
            self.kept.append(line)


@dataclass(slots=True)
class Homes:
    """The sets of time zones in which an upload's numbers are at home, each with its place from 1."""

    number_zones: NumberZones
    #: Where a number is at home of which nothing is known.
    otherwise: str
    places: dict[tuple[str, ...], int] = field(default_factory=dict)

    def place_of(self, entry: PhoneEntry) -> int:
        """Return the place of an entry's zones: its own word for them first, then what its number says."""
        stated = (entry.time_zone,) if entry.time_zone else self.number_zones.zones_of(entry.e164)
        return self.places.setdefault(stated or (self.otherwise,), len(self.places) + 1)

    def in_order(self) -> list[tuple[str, ...]]:
        """Return the sets by their places, the first of which is 1."""
        return list(self.places)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a campaign's tenant may call, and as whom."""

    policy: NumberPolicy
    #: Shown for a number that brings none of its own.
    caller_id: str | None

    def refused(self, entry: PhoneEntry) -> RefusedLine | None:
        """Return a line as refused that the operator does not allow; None for one that may be called."""
        reason = self.policy.refusal(entry.e164) or self.policy.caller_refusal(entry.ani or self.caller_id)
        if reason is None:
            return None
        written = entry.e164 if entry.message_reference is None else f"{entry.e164},{entry.message_reference}"
        return refused_line(entry.line_no, written, reason)


async def take_in(
    connection: asyncpg.Connection,
    tenant_id: int,
    campaign_id: int,
    lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
    *,
    file_name: str | None,
    number_zones: NumberZones,
) -> TakenIn:
    """Publish the lines as the campaign's next batch; nobody sees any of them before the transaction commits."""
    rule = await connection.fetchrow(_SQL["callee_rule"], tenant_id, campaign_id)
    homes = Homes(number_zones, rule["time_zone"]) if rule["by_callee"] else None
    await connection.execute(_SQL["allow_a_long_upload"])
    await connection.execute(_SQL["make_staging"])
    refusals = await stage(connection, lines, homes, await permission(connection, tenant_id, campaign_id))
    batch = tenant_id, campaign_id, await connection.fetchval(_SQL["next_batch"], tenant_id, campaign_id)
    await connection.execute(_SQL["open_batch"], *batch)
    zones = await _zones_taken_in(connection, tenant_id, campaign_id, homes)
    accepted, *ids = await connection.fetchrow(_SQL["publish_numbers"], *batch, zones)
    duplicates: int = await connection.fetchval(_SQL["staged_count"]) - accepted
    if duplicates:
        refusals.kept.extend(await _duplicates(connection, batch))
    await connection.execute(
        _SQL["close_batch"], *batch, file_name, refusals.count, accepted, duplicates, *ids
    )
    await connection.execute(_SQL["count_accepted"], tenant_id, campaign_id, accepted)
    await connection.executemany(
        _SQL["keep_refused_line"], [(*batch, line.line_no, line.text, line.reason) for line in refusals.kept]
    )
    return TakenIn(
        campaign_id=campaign_id,
        accepted=accepted,
        duplicates=duplicates,
        refused=refusals.count,
        refused_lines=tuple(sorted(refusals.kept, key=lambda line: line.line_no)[:SHOWN_REFUSED_LINES]),
    )


async def home_zone(connection: asyncpg.Connection, tenant_id: int, campaign_id: int) -> str:
    """Return where a campaign's numbers are at home of which nothing is known."""
    rule = await connection.fetchrow(_SQL["callee_rule"], tenant_id, campaign_id)
    zone: str = rule["time_zone"]
    return zone


async def permission(connection: asyncpg.Connection, tenant_id: int, campaign_id: int | None) -> Permission:
    """Return what a tenant may call in a campaign, or in one that is not made yet."""
    row = await connection.fetchrow(_SQL["number_policy"], tenant_id, campaign_id)
    policy = NumberPolicy.of(
        row["countries"],
        premium=row["premium_allowed"],
        verified_only=row["verified_callers_only"],
        verified=row["verified"],
    )
    return Permission(policy, row["caller_id"])


async def _zones_taken_in(
    connection: asyncpg.Connection, tenant_id: int, campaign_id: int, homes: Homes | None
) -> list[int]:
    """Return the numbers of the zones by their places."""
    return [
        await connection.fetchval(_SQL["number_zones_taken_in"], tenant_id, campaign_id, list(zones))
        for zones in (homes.places if homes else ())
    ]


async def stage(
    connection: asyncpg.Connection,
    lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]] | None,
    homes: Homes | None,
    permission: Permission,
) -> Refusals:
    """Copy the numbers of a list into the session's staging table and return what is none."""
    refusals = Refusals()
    if lines is None:
        return refusals
    async for chunk in lines:
        entries = []
        for line in chunk:
            if isinstance(line, RefusedLine):
                refusals.add(line)
            elif (refused := permission.refused(line)) is not None:
                refusals.add(refused)
            else:
                entries.append(_row(line, homes))
        if entries:
            await connection.copy_records_to_table("staged_number", records=entries, columns=_COLUMNS)
            await failpoint(Failpoint.UPLOAD_STAGED_IN_PART)
    return refusals


def _row(entry: PhoneEntry, homes: Homes | None) -> tuple[object, ...]:
    return (
        entry.line_no,
        entry.e164,
        entry.ani,
        entry.post_dial,
        entry.message_reference,
        dict(entry.variables) if entry.variables else None,
        entry.time_zone,
        homes.place_of(entry) if homes else None,
    )


async def _duplicates(connection: asyncpg.Connection, batch: tuple[int, int, int]) -> list[RefusedLine]:
    rows = await connection.fetch(_SQL["duplicate_lines"], *batch, KEPT_REFUSED_LINES)
    return [RefusedLine(line_no=row["line_no"], text=row["line"][:200], reason=_DUPLICATE) for row in rows]
