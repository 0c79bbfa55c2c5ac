"""The pacer's loop: tick while a campaign is due, ring for what was claimed, sleep until the next one is."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from services.pacer.planner import Conditions, plan_campaign
from shared.contracts.dial_job import DialJob
from shared.domain.errors import IllegalTransition, Invalid, PacelineError, Unavailable
from shared.domain.pacing_ring import EmissionMissing
from shared.failpoints import Failpoint, failpoint
from shared.observability.metrics import PACER_RUNG, PACER_TICK_MS
from shared.observability.tally import Tally
from shared.ports.doorbell import Doorbell
from shared.ports.planning import DueCampaign, Planning

_log = structlog.get_logger()

#: A campaign that is started or given numbers while the pacer sleeps is noticed after this long at most.
LONGEST_SLEEP_SECONDS: Final = 0.25
#: Postgres is away, or Redis is: no use in asking more often.
PAUSE_WHEN_AWAY_SECONDS: Final = 1.0
#: Whether Redis answers is asked this often, and not for every tick.
DOORBELL_CHECK_SECONDS: Final = 1.0

#: What one campaign's own rows can be wrong in: emissions that are missing, a calendar that cannot be kept.
CANNOT_BE_PACED: Final = (EmissionMissing, Invalid, IllegalTransition)
#: Long enough to hold up nobody else, short enough that a campaign that was mended goes on by itself.
SET_ASIDE_SECONDS: Final = 30.0

_MS_PER_SECOND: Final = 1000


@dataclass(slots=True, kw_only=True)
class Pacer:
    """One pacer; any number of them may work side by side."""

    planning: Planning
    doorbell: Doorbell
    tally: Tally
    horizon: timedelta
    #: None before it was asked: then either answer is news.
    _doorbell_works: bool | None = None
    _doorbell_checked_at: float = float("-inf")

    async def run(self) -> None:
        """Pace for ever."""
        while True:
            try:
                if not await self._tick():
                    await asyncio.sleep(await self._sleep_seconds())
            except Unavailable as error:
                _log.warning("pacer_waits", reason=str(error))
                await asyncio.sleep(PAUSE_WHEN_AWAY_SECONDS)

    async def _tick(self) -> bool:
        """Look at one campaign; False when none was due."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        conditions = Conditions(horizon=self.horizon, doorbell_works=await self._check_doorbell())
        campaign: DueCampaign | None = None
        try:
            async with self.planning.tick() as tick:
                if tick is None:
                    return False
                campaign = tick.campaign
                jobs = await plan_campaign(tick, conditions)
        except CANNOT_BE_PACED as error:
            if campaign is None:
                raise
            await self._set_aside(campaign, error)
            return True
        await self._ring(jobs)
        self.tally.measure(PACER_TICK_MS, (loop.time() - began) * _MS_PER_SECOND)
        return True

    async def _set_aside(self, campaign: DueCampaign, error: PacelineError) -> None:
        """Leave a campaign alone for a while: whatever is wrong with it must not keep the others from their turn."""
        _log.error("campaign_cannot_be_paced", campaign_id=campaign.campaign_id, reason=error.message)
        await self.planning.set_aside(campaign, seconds=SET_ASIDE_SECONDS)

    async def _ring(self, jobs: list[DialJob]) -> None:
        if jobs:
            self.tally.measure(PACER_RUNG, len(jobs))
            await failpoint(Failpoint.SLOTS_COMMITTED)
            await self.doorbell.ring(jobs)
            await failpoint(Failpoint.RUNG)

    async def _check_doorbell(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._doorbell_checked_at >= DOORBELL_CHECK_SECONDS:
            works = await self.doorbell.works()
            if works != self._doorbell_works:
                _log.log(logging.INFO if works else logging.WARNING, "doorbell", works=works)
            self._doorbell_works, self._doorbell_checked_at = works, now
        return bool(self._doorbell_works)

    async def _sleep_seconds(self) -> float:
        next_look = await self.planning.next_look_in_seconds()
        if next_look is None:
            return LONGEST_SLEEP_SECONDS
        # A due campaign that another pacer holds is not ours to wait for in a hurry.
        return min(max(next_look, LONGEST_SLEEP_SECONDS / 10), LONGEST_SLEEP_SECONDS)
