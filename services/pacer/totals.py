"""Writes every campaign's totals from Postgres onto the scoreboard, absolute, so that a lost Redis heals itself."""

import asyncio
from typing import Final

import structlog

from shared.domain.errors import Unavailable
from shared.ports.planning import Totals
from shared.ports.scoreboard import Scoreboard

_log = structlog.get_logger()

#: As often as a person looks, and no more work than that.
PUBLISH_SECONDS: Final = 2.0
#: The campaigns that changed last; a dashboard shows no more of them live.
MOST_CAMPAIGNS: Final = 200


async def publish_totals_forever(totals: Totals, scoreboard: Scoreboard) -> None:
    """Publish for ever."""
    while True:
        try:
            await scoreboard.publish_totals(await totals.of_live_campaigns(MOST_CAMPAIGNS))
        except Unavailable as error:
            _log.warning("totals_not_published", reason=str(error))
        await asyncio.sleep(PUBLISH_SECONDS)
