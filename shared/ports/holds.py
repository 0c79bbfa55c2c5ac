"""Holds: reasons not to dial, written into Postgres, where every gate reads them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: The tenant id under which a hold binds the whole platform.
PLATFORM = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reason not to dial that stands."""

    hold_id: int
    #: PLATFORM for a hold that binds everybody.
    tenant_id: int
    #: None: every campaign of the tenant.
    campaign_id: int | None
    reason: str
    #: Calls under way are ended, too.
    hang_up: bool
    placed_at: datetime


class Holds(Protocol):
    """The holds in the store. They need neither Redis nor a running service."""

    async def place(
        self, tenant_id: int, reason: str, *, campaign_id: int | None = None, hang_up: bool = False
    ) -> Hold:
        """Hold a tenant, one campaign of it, or the platform; raises Invalid and NotFound."""

    async def standing(self, tenant_id: int) -> list[Hold]:
        """Return the holds that bind a tenant, the platform's included, oldest first."""

    async def release(self, tenant_id: int, *, campaign_id: int | None = None) -> int:
        """Release a tenant's holds, or those of one campaign; returns how many stood."""
