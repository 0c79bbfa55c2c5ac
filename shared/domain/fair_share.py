"""Whose turn it is when more calls are wanted than there is room for: deficit round-robin, tenants first.

Every tenant, and every campaign within its tenant, has a count of the calls that it was given while room was short.
Room goes one call at a time to whoever was given least, which is a round-robin whose deficits are the distances to
the common level. One that comes to the queue begins at the count of the one that was given least there, so that
nobody saves up turns, and nobody who waits is passed by more than once.

Each campaign asks for itself, at its own look, and leaves the others' part of the room to their looks: so the rule
needs no round that is run for all of them at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """A campaign that wants calls."""

    tenant_id: int
    campaign_id: int
    #: Calls that it was given while room was short.
    served: int
    #: Calls that it would claim now if there was room.
    wants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTurn:
    """A tenant of which some campaign wants calls."""

    tenant_id: int
    #: Calls that its campaigns were given while room was short.
    served: int
    #: Calls that its own cap leaves room for; None without one.
    room: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """All who waited for room at their last look, without the one that asks."""

    claimants: Sequence[Claimant] = ()
    tenants: Sequence[TenantTurn] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one campaign may claim now, and the counts from which it goes on."""

    calls: int
    served: int
    tenant_served: int


def share_of(asking: Claimant, tenant: TenantTurn, queue: Queue, room: int, *, waited: bool) -> Share:
    """Return how much of `room` calls the asking campaign may claim; `queue` is without it.

    One that had not `waited` since its last look begins where the one stands that was given least.
    """
    neighbours = [other for other in queue.claimants if other.tenant_id == asking.tenant_id]
    strangers = [other for other in queue.tenants if other.tenant_id != tenant.tenant_id]
    served = asking.served if waited else _joined(asking.served, neighbours)
    tenant_served = tenant.served if waited or neighbours else _joined(tenant.served, strangers)
    of_tenants = [
        _Flow(tenant_served, _wanted([asking, *neighbours], tenant.room)),
        *(
            _Flow(other.served, _wanted(_campaigns_of(other, queue), other.room))
            for other in sorted(strangers, key=lambda other: other.tenant_id)
        ),
    ]
    of_tenant = _poured(room, of_tenants)[0]
    of_campaigns = [_Flow(served, asking.wants), *(_Flow(other.served, other.wants) for other in neighbours)]
    return Share(calls=_poured(of_tenant, of_campaigns)[0], served=served, tenant_served=tenant_served)


@dataclass(frozen=True, slots=True)
class _Flow:
    served: int
    wants: int

    def taken_at(self, level: int) -> int:
        """Return how much it takes until it has been given `level` calls in all, or all that it wants."""
        return min(max(level - self.served, 0), self.wants)


def _joined(served: int, waiting: Iterable[Claimant | TenantTurn]) -> int:
    return max(served, min((other.served for other in waiting), default=0))


def _campaigns_of(tenant: TenantTurn, queue: Queue) -> list[Claimant]:
    return [claimant for claimant in queue.claimants if claimant.tenant_id == tenant.tenant_id]


def _wanted(claimants: Iterable[Claimant], room: int | None) -> int:
    wanted = sum(claimant.wants for claimant in claimants)
    return wanted if room is None else min(wanted, max(room, 0))


def _poured(room: int, flows: Sequence[_Flow]) -> list[int]:
    """Fill up whoever was given least, to one level, and give the rest in order: as one call at a time would."""
    low, high = 0, max(flow.served + flow.wants for flow in flows)
    while low < high:
        level = (low + high + 1) // 2
        if sum(flow.taken_at(level) for flow in flows) <= room:
            low = level
        else:
            high = level - 1
    given = [flow.taken_at(low) for flow in flows]
    left = max(room - sum(given), 0)
    for place, flow in enumerate(flows):
        more = min(flow.taken_at(low + 1) - given[place], left)
        given[place] += more
        left -= more
    return given
