"""How many calls a tenant's campaigns may have at once, all together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCap:
    """One tenant's cap and what counts against it."""

    tenant: str
    calls_at_once: int
    #: Everything from the plan to the end, lost calls in quarantine included.
    under_way: int


class TenantCaps(Protocol):
    """The caps of all tenants."""

    async def set(self, tenant: str, calls_at_once: int | None) -> None:
        """Set the cap of the tenant of that name, or take it away; raises NotFound."""

    async def standing(self) -> Sequence[TenantCap]:
        """Return the caps there are, by name; the first thousand."""
