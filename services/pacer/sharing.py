"""What one campaign may claim at one look: its own caps, and its turn where all campaigns together want too much."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.fair_share import Claimant, Share, TenantTurn, share_of
from shared.domain.looks import CLAIM_AT_MOST
from shared.domain.pacing import Plan
from shared.domain.trunk_rate import TrunkLoad
from shared.ports.planning import DueCampaign, Room, Tick, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """How many calls a campaign may claim, and where it then stands in the queue."""

    calls: int
    wants: int
    #: None when there was enough for all: then nobody's turn is counted.
    share: Share | None

    def turn_after(self, claimed: int, *, served: int) -> Turn:
        """Return the place in the queue after so many were claimed; a line that has nobody left wants nothing."""
        waits = self.wants - claimed if claimed == self.calls else 0
        if self.share is None or (waits == 0 and claimed == 0):
            return Turn(wants=waits, served=served)
        return Turn(
            wants=waits,
            served=self.share.served + claimed,
            tenant_served=self.share.tenant_served + claimed,
        )


def own_limit(room: Room) -> int:
    """Return how many calls a campaign may want at one look."""
    return CLAIM_AT_MOST if room.campaign is None else max(0, min(CLAIM_AT_MOST, room.campaign))


async def grant(tick: Tick, room: Room, offer: Plan, *, lead: timedelta, horizon: timedelta) -> Grant:
    """Return what of an offer the campaign may claim now."""
    wants = len(offer.dues)
    if room.plenty or wants == 0:
        return Grant(calls=wants, wants=wants, share=None)
    campaign, queue = tick.campaign, await tick.queue()
    share = share_of(
        Claimant(
            tenant_id=campaign.tenant_id,
            campaign_id=campaign.campaign_id,
            served=campaign.served,
            wants=wants,
        ),
        TenantTurn(tenant_id=campaign.tenant_id, served=room.tenant_served, room=room.tenant),
        queue,
        shared_by_all(room, campaign, lead=lead, horizon=horizon),
        waited=campaign.waits_for_room,
    )
    nobody_waits = share.calls == wants and not queue.claimants
    return Grant(calls=share.calls, wants=wants, share=None if nobody_waits else share)


def shared_by_all(room: Room, campaign: DueCampaign, *, lead: timedelta, horizon: timedelta) -> int:
    """Return how many calls all campaigns together may still begin within the horizon."""
    limits = [room.dialers]
    if room.channels is not None:
        limits.append(room.channels)
    if room.trunk is not None:
        limits.append(_free_slots(room.trunk, campaign, lead, horizon))
    return min(limits)


def _free_slots(trunk: TrunkLoad, campaign: DueCampaign, lead: timedelta, horizon: timedelta) -> int:
    return trunk.slots().free_between(campaign.now + lead, campaign.now + horizon)
