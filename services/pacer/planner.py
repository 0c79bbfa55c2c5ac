"""One tick: what one campaign shall do next, decided, claimed and ready to be rung.

Everything happens in one transaction under the campaign's pacing row, so that a crash, a second pacer or a
frozen one changes nothing: the decision and the claim are there together, or neither is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from services.pacer.sharing import grant, own_limit
from shared.contracts.conclusion import conclude
from shared.contracts.dial_job import DialJob
from shared.domain.calling_window import OpenInterval, next_open_intervals
from shared.domain.campaign import CampaignState
from shared.domain.disposition import Result
from shared.domain.looks import LEAD, LOOK_WHILE_UNDER_WAY, SHORTEST_LOOK, STRETCHES, UNPACED
from shared.domain.pacing import Plan, Settlement, Stretch, emissions_needed, plan
from shared.domain.retry import CANCELED, OUT_OF_TIME
from shared.failpoints import Failpoint, failpoint
from shared.ports.planning import Tick

#: Numbers that end without a call are ended in steps of this size.
CONCLUDE_AT_MOST: Final = 500
#: When a hold is in the way, or a doorbell that does not work.
LOOK_WHEN_BLOCKED: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a tick is told from outside Postgres."""

    #: How far ahead attempts are rung.
    horizon: timedelta
    #: Whether the doorbell works: without it nothing is claimed, since nobody would hear.
    doorbell_works: bool


async def plan_campaign(tick: Tick, conditions: Conditions) -> list[DialJob]:
    """Decide for the tick's campaign and claim; returns the attempts to ring for once it is committed."""
    campaign = tick.campaign
    if campaign.state is CampaignState.DELETED:
        await _cancel(tick)
        return []
    if campaign.state not in {CampaignState.RUNNING, CampaignState.DONE} or campaign.started_at is None:
        await tick.look_again(None)
        return []
    intervals = next_open_intervals(await tick.calendar(), campaign.now, most=STRETCHES)
    if not intervals:
        await _run_out_of_time(tick)
        return []
    if campaign.state is CampaignState.DONE:
        await tick.look_again(None)  # only a start wakes it
        return []
    if not conditions.doorbell_works or await tick.held_because() is not None:
        await tick.look_again(campaign.now + LOOK_WHEN_BLOCKED)
        return []
    return await _claim(tick, intervals, campaign.started_at, conditions.horizon)


async def _claim(
    tick: Tick, intervals: Sequence[OpenInterval], started_at: datetime, horizon: timedelta
) -> list[DialJob]:
    campaign, room, lead = tick.campaign, await tick.room(), min(LEAD, horizon / 2)
    stretches = [Stretch.of(interval, unpaced=UNPACED) for interval in intervals]
    most = own_limit(room)
    offered = partial(
        plan,
        campaign.pacing,
        stretches=stretches,
        started_at=started_at,
        due_at=await tick.due_instants(
            emissions_needed(campaign.pacing, stretches, horizon=horizon, most=most)
        ),
        now=campaign.now,
        lead=lead,
        horizon=horizon,
        waiting=campaign.pacing.idle_since is not None and await _somebody_waits(tick),
    )
    wanted = offered(most=most)
    granted = await grant(tick, room, wanted, lead=lead, horizon=horizon)
    # Where the trunks have a rate, a call's instant is where they have room, which may be a little later.
    offer = (
        wanted.limited(granted.calls) if room.trunk is None else offered(most=granted.calls, trunk=room.trunk)
    )
    jobs = await _take(tick, offer)
    if jobs:
        await failpoint(Failpoint.SLOTS_RESERVED)
    settled = offer.settle(len(jobs))
    turn = granted.turn_after(len(jobs), served=campaign.served)
    await tick.keep(settled.state, await _next_look(tick, settled, intervals), turn)
    return jobs


async def _take(tick: Tick, offer: Plan) -> list[DialJob]:
    if not offer.dues:
        return []
    return await tick.claim(
        offer.dues, first_emission_no=offer.first_emission_number, closes_at=offer.send_before
    )


async def _somebody_waits(tick: Tick) -> bool:
    """Whether the line of a campaign that was idle has somebody again."""
    next_at = (await tick.line()).next_at
    return next_at is not None and next_at <= tick.campaign.now


async def _next_look(tick: Tick, settled: Settlement, intervals: Sequence[OpenInterval]) -> datetime | None:
    """When to look again. A campaign with nobody in line rests until somebody is, or until its window closes."""
    if settled.wake_at is None:
        return None
    earliest = tick.campaign.now + SHORTEST_LOOK
    if settled.state.idle_since is None:
        return max(settled.wake_at, earliest)
    line = await tick.line()
    look_at = intervals[0].closes_at
    if line.next_at is not None:
        look_at = min(look_at, line.next_at)
    if line.in_attempt:
        look_at = min(look_at, tick.campaign.now + LOOK_WHILE_UNDER_WAY)
    return max(earliest, look_at)


async def _cancel(tick: Tick) -> None:
    """End who is not in a call of a deleted campaign as canceled; who is in one may come back in line."""
    line = await tick.line()  # asked first: who comes back behind it is found by the next look
    undialed = await tick.undialed(CONCLUDE_AT_MOST)
    await tick.conclude([conclude(number, CANCELED, result=Result.CANCELED) for number in undialed])
    if len(undialed) == CONCLUDE_AT_MOST:
        await tick.look_again(tick.campaign.now)
    else:
        await tick.look_again(tick.campaign.now + LOOK_WHILE_UNDER_WAY if line.in_attempt else None)


async def _run_out_of_time(tick: Tick) -> None:
    """No window is left: what was not reached ends as OutOfTime, and at last the campaign is done.

    A campaign that is done already may have got numbers from an upload that began before its last window closed.
    """
    undialed = await tick.undialed(CONCLUDE_AT_MOST)
    await tick.conclude([conclude(number, OUT_OF_TIME) for number in undialed])
    is_over = tick.campaign.state is CampaignState.DONE or await tick.complete()
    if len(undialed) == CONCLUDE_AT_MOST:
        await tick.look_again(
            tick.campaign.now
        )  # behind all that are due by now: a million must not take half an hour
    elif undialed or not is_over:
        await tick.look_again(tick.campaign.now + LOOK_WHEN_BLOCKED)
    else:
        await tick.look_again(None)
