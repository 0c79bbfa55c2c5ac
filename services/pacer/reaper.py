"""Ends what silent dialers left behind, by Postgres' clock, and rings again for what nobody heard."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from shared.contracts.conclusion import Conclusion, conclude
from shared.domain.disposition import UNKNOWN
from shared.domain.errors import Unavailable
from shared.domain.retry import Withheld
from shared.observability.metrics import ATTEMPTS_WITHHELD
from shared.observability.tally import Tally
from shared.ports.doorbell import Doorbell
from shared.ports.planning import LostAttempt, Reaping

_log = structlog.get_logger()

#: Late attempts return to the line, and lost calls to quarantine, within about a second.
ROUND_SECONDS: Final = 0.5
#: Every two seconds: a list of a million numbers is planned for badly no longer than that.
ROUNDS_PER_HOUSEKEEPING: Final = 4
#: One statement ends at most so many, so that none holds its locks for long.
AT_MOST: Final = 500
#: An attempt that is due this soon and was not leased is rung for again, once: ringing more often would add to the
#: load of dialers that are overrun already.
UNHEARD_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaper:
    """The reaper of one pacer; any number of them may work side by side."""

    reaping: Reaping
    doorbell: Doorbell
    tally: Tally
    #: From the intent: the longest call that can be, and a margin.
    quarantine_seconds: float

    async def run(self) -> None:
        """Reap for ever, and keep house now and then."""
        rounds = 0
        rung_until: datetime | None = None
        while True:
            try:
                rung_until = await self._round(rung_until)
                if rounds % ROUNDS_PER_HOUSEKEEPING == 0:
                    await self.reaping.keep_house()
            except Unavailable as error:
                _log.warning("reaper_waits", reason=str(error))
            rounds += 1
            await asyncio.sleep(ROUND_SECONDS)

    async def _round(self, rung_until: datetime | None) -> datetime:
        """Reap, then ring: what must happen depends on Postgres alone, and a Redis that is away holds up none of it.

        Returns up to which due instant it has rung again. A round that fails has rung for nothing: the next one begins
        where it did, so that no instant falls between two rounds however long each of them takes.
        """
        await self.reaping.free_expired_leases(AT_MOST)
        late = await self.reaping.withhold_late(AT_MOST)
        if late:
            self.tally.count(ATTEMPTS_WITHHELD, Withheld.LATE.name.lower(), by=late)
            _log.warning("attempts_withheld_late", attempts=late)
        lost = await self.reaping.quarantine_lost_calls(self.quarantine_seconds, AT_MOST)
        if lost:
            _log.warning("calls_lost", attempts=lost)
        given_up = await self.reaping.give_up(unknown, AT_MOST)
        unheard = await self.reaping.unheard(rung_until, ahead_seconds=UNHEARD_SECONDS, most=AT_MOST)
        if unheard.jobs:
            await self.doorbell.ring(unheard.jobs)
        if given_up:
            await self.doorbell.ring_deliverers()
        return unheard.until


def unknown(lost: LostAttempt) -> Conclusion:
    """Decide the end of a number whose call nobody can explain: an honest Unknown, and the try is spent."""
    return conclude(replace(lost.number, tries=lost.number.tries + 1), UNKNOWN)
