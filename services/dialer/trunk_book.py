"""Keeps the telephony's trunks as their operator has them: who adds or disables one need not restart a dialer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from shared.domain.errors import PacelineError
from shared.ports.trunks import TrunkRecord, UsableTrunks

_log = structlog.get_logger()

#: Within seconds, as the command line says; one small query.
LOOK_SECONDS: Final = 3.0


async def follow_trunks(trunks: UsableTrunks, use: Callable[[Sequence[TrunkRecord]], None]) -> None:
    """Hand over the trunks again and again; while they cannot be read, those that are known stay in use."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            records = await trunks.usable()
        except PacelineError as error:  # Postgres is away, or a secret does not open with our key
            _log.warning("trunks_not_read", reason=error.message)
            continue
        use(records)
