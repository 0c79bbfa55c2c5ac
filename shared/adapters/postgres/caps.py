"""Caps over the pace, counted in the transaction of a claim, and the campaigns that wait for room."""

from dataclasses import dataclass, field
from typing import Final

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.domain.fair_share import Claimant, Queue, TenantTurn
from shared.domain.trunk_rate import PLANNED_SECOND, TrunkLoad
from shared.ports.planning import Room

_SQL = queries("caps")

#: A dialer that was not heard of for this long carries no more calls: three of its own beats.
DIALER_SILENCE_SECONDS: Final = 6.0
#: With room for more than four pacers can claim at a time, nobody has to wait for anybody's count.
PLENTY_CALLS: Final = 2000
#: So long a count may serve for further claims, where so much was left that nobody can have used it up meanwhile: four
#: pacers that claim ten thousand a second each. Every count goes over all calls that ended since the oldest snapshot
#: that any session has open, which behind a long report took half of a tick.
COUNT_LASTS_SECONDS: Final = 0.25
LEFT_BY_A_COUNT_CALLS: Final = 10_000
#: Campaigns that a share is decided among: of more, those that were given least.
QUEUE_AT_MOST: Final = 1000


async def count_room(connection: asyncpg.Connection, campaign: tuple[int, int]) -> Room:
    """Return what every cap leaves to a campaign (tenant and campaign id)."""
    row = await connection.fetchrow(_SQL["room"], *campaign, DIALER_SILENCE_SECONDS)
    trunk = None
    if row["calls_per_second"] is not None:
        dues = await connection.fetch(_SQL["dues_on_their_way"])
        trunk = TrunkLoad(
            calls_per_second=row["calls_per_second"],
            dues=tuple(due["due_at"] for due in dues),
            second=PLANNED_SECOND,
        )
    return Room(
        dialers=row["dialers"],
        channels=row["channels"],
        trunk=trunk,
        tenant=row["tenant"],
        campaign=row["campaign"],
        tenant_served=row["tenant_served"],
        plenty=trunk is None and _smallest(row) >= PLENTY_CALLS,
    )


def _smallest(row: asyncpg.Record) -> int:
    """Return what the tightest cap leaves of those that several campaigns share."""
    limits: list[int] = [row[cap] for cap in ("dialers", "channels", "tenant") if row[cap] is not None]
    return min(limits)


@dataclass(slots=True)
class LastCount:
    """What a pacer's last count left to campaigns without caps, less what it has claimed since."""

    left: int = 0
    #: By a monotonic clock.
    at_seconds: float = float("-inf")
    #: Whether campaigns with caps and without found little room: then the next of the same kind takes the lock at once,
    #: which saves counting twice.
    was_scarce: dict[bool, bool] = field(default_factory=lambda: {True: False, False: False})

    def room(self, now_seconds: float) -> Room | None:
        """Return the room that there is without counting again; None where it must be counted."""
        if now_seconds - self.at_seconds > COUNT_LASTS_SECONDS or self.left < LEFT_BY_A_COUNT_CALLS:
            return None
        return Room(dialers=self.left, plenty=True)

    def keep(self, room: Room, now_seconds: float, *, capped: bool) -> None:
        """Remember a count, made for a campaign with caps of its own or its tenant's, or without."""
        self.left = min(room.dialers, room.dialers if room.channels is None else room.channels)
        self.at_seconds = now_seconds if room.plenty else float("-inf")
        self.was_scarce[capped] = not room.plenty


async def queue_for_room(connection: asyncpg.Connection, campaign: tuple[int, int]) -> Queue:
    """Return the campaigns that wait for room, this one excepted, and their tenants."""
    waiting = await connection.fetch(_SQL["queue_for_room"], *campaign, QUEUE_AT_MOST)
    if not waiting:
        return Queue()
    tenants = await connection.fetch(
        _SQL["tenants_in_the_queue"], sorted({row["tenant_id"] for row in waiting})
    )
    return Queue(
        claimants=tuple(Claimant(**dict(row)) for row in waiting),
        tenants=tuple(TenantTurn(**dict(row)) for row in tenants),
    )
