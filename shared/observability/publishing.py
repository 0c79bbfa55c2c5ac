"""The loop in which a process says of itself what it counts and measures."""

import asyncio
import contextlib
from typing import Final

from shared.observability.metrics import EVENT_LOOP_LAG_MS
from shared.observability.tally import Tally
from shared.ports.scoreboard import Scoreboard

#: Often enough to watch, and a tenth of the time after which a silent process counts as dead.
PUBLISH_SECONDS: Final = 1.0

_MS_PER_SECOND: Final = 1000


async def publish_forever(scoreboard: Scoreboard, tally: Tally, *, service: str, process_id: str) -> None:
    """Publish the tally about once a second, and leave the board when cancelled.

    How late the sleep ends is how late this process does anything that is due: its event loop's lag.
    """
    loop = asyncio.get_running_loop()
    try:
        while True:
            due = loop.time() + PUBLISH_SECONDS
            await asyncio.sleep(PUBLISH_SECONDS)
            tally.measure(EVENT_LOOP_LAG_MS, max(0.0, loop.time() - due) * _MS_PER_SECOND)
            await scoreboard.publish_process(service, process_id, tally.gauges, tally.counters)
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await scoreboard.retire(service, process_id)
