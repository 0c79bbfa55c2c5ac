"""Results on their way: claimed from Postgres, posted, and what came of it written down.

The doorbell only wakes this loop; what is due is asked of Postgres, so that nothing depends on a bell.
"""

import asyncio
import random
from typing import Final

import structlog

from shared.domain.delivery_schedule import Decision, Delivered, Disabled, Failed, RetryAt, after_try
from shared.domain.errors import Unavailable
from shared.observability.metrics import DELIVERIES_SENDING, DELIVERY_MS, RESULTS_DELIVERED, WEBHOOK_TRIES
from shared.observability.tally import Tally
from shared.ports.delivering import ClaimedDelivery, Deliveries, WebhookPost
from shared.ports.scoreboard import Scoreboard

_log = structlog.get_logger()

#: How long the loop sleeps when nobody rings: retries fall due without a bell.
POLL_SECONDS: Final = 1.0
#: How many posts one process has under way, over all receivers.
POSTS_AT_ONCE: Final = 64


class Deliverer:
    """Posts results until it is told to stop."""

    def __init__(
        self,
        deliveries: Deliveries,
        post: WebhookPost,
        scoreboard: Scoreboard,
        tally: Tally,
        rng: random.Random,
    ) -> None:
        self._deliveries = deliveries
        self._post = post
        self._scoreboard = scoreboard
        self._tally = tally
        self._rng = rng
        self._bell = asyncio.Event()
        self._posts: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look at once."""
        self._bell.set()

    async def run(self) -> None:
        """Deliver for ever; a cancellation lets the posts under way end."""
        try:
            while True:
                if not await self._take():
                    await self._sleep()
        finally:
            await asyncio.gather(*self._posts, return_exceptions=True)

    async def _take(self) -> bool:
        """Claim what there is room for; False when there was nothing to do."""
        room = POSTS_AT_ONCE - len(self._posts)
        self._tally.measure(DELIVERIES_SENDING, len(self._posts))
        if room <= 0:
            await asyncio.wait(self._posts, return_when=asyncio.FIRST_COMPLETED)
            return True
        self._bell.clear()
        try:
            claimed = await self._deliveries.claim(room)
        except Unavailable as error:
            _log.warning("deliveries_not_claimed", reason=str(error))
            return False
        for delivery in claimed:
            post = asyncio.create_task(self._deliver(delivery), name="delivery")
            self._posts.add(post)
            post.add_done_callback(self._done)
        return bool(claimed)

    def _done(self, post: asyncio.Task[None]) -> None:
        self._posts.discard(post)
        if not post.cancelled() and (error := post.exception()) is not None:
            # A mistake of ours in one delivery; its lease runs out and it is tried again.
            _log.error("delivery_broke", error=repr(error))
        self._bell.set()  # room for a receiver that was at its cap

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._bell.wait()
        except TimeoutError:
            pass

    async def _deliver(self, claimed: ClaimedDelivery) -> None:
        try:
            report = await self._post.send(claimed.webhook)
            decision = after_try(
                tries=claimed.tries + 1,
                status=report.status,
                now=await self._deliveries.now(),
                jitter=self._rng.random(),
                retry_after=report.retry_after,
                error=report.error,
            )
            await self._deliveries.record(claimed, report, decision)
        except Unavailable as error:
            # The lease runs out and the same bytes go out again: at least once.
            _log.warning("delivery_not_recorded", number_id=claimed.number_id, reason=str(error))
            return
        self._count(report.status, decision, report.total_ms)

    def _count(self, status: int | None, decision: Decision, total_ms: int) -> None:
        self._tally.count(WEBHOOK_TRIES, _answer_class(status))
        self._scoreboard.observe(DELIVERY_MS, total_ms)
        match decision:
            case Delivered():
                self._tally.count(RESULTS_DELIVERED)
            case Failed(reason=reason) | Disabled(reason=reason):
                _log.warning("delivery_failed", reason=reason)
            case RetryAt():
                pass


def _answer_class(status: int | None) -> str:
    """Name an answer's class; what is no class of HTTP counts as no answer."""
    known = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}
    return known.get((status or 0) // 100, "none")
