"""Results on their way: claimed from Postgres, posted, and what came of it written down.

The doorbell only wakes this loop; what is due is asked of Postgres, so that nothing depends on a bell.

Walls keep one receiver from slowing another: each tenant, and each origin of it, has few posts under way over all
deliverers, an origin that fails is left alone by that tenant, and retries never take more than their share of a
process. What they leave to a receiver that hangs is a handful of idle sockets.
"""

import asyncio
import random
from datetime import timedelta
from typing import Final

import structlog

from services.dialer.persistence import insist
from shared.domain.circuit import CircuitState, TriesReport, pause_seconds, report_of
from shared.domain.delivery_schedule import (
    Decision,
    Delivered,
    DeliveryLease,
    Disabled,
    Failed,
    RetryAt,
    after_try,
    posts_for_retries,
)
from shared.domain.errors import Invalid, Unavailable
from shared.failpoints import Failpoint, failpoint, failpoint_soon
from shared.observability.metrics import DELIVERIES_SENDING, DELIVERY_MS, RESULTS_DELIVERED, WEBHOOK_TRIES
from shared.observability.tally import Tally
from shared.ports.delivering import (
    CircuitTurn,
    Claim,
    ClaimedDelivery,
    Deliveries,
    Room,
    TenantOrigin,
    TryReport,
    WebhookPost,
)
from shared.ports.scoreboard import Scoreboard

_log = structlog.get_logger()

#: How long the loop sleeps when nobody rings: retries fall due without a bell.
POLL_SECONDS: Final = 1.0
#: Between two claims: posts that end meanwhile share the next one, which costs as much for ten as for one.
CLAIM_PAUSE_SECONDS: Final = 0.002
#: How many posts one process has under way. Most of them wait for a slow receiver and cost a socket each; thirty
#: origins that hang at once leave room for the others, and half of the session's 512 sockets stay free.
POSTS_AT_ONCE: Final = 256
#: After the longest try, as long as its record may take before a process that ends gives it up.
RECORD_SECONDS: Final = 3.0
#: What we held up ourselves waits once to twice as long: name look-ups that hang end after some seconds.
HELD_UP_SECONDS: Final = 2.0
#: In the log of a delivery, beside the kind of error; what it says of our insides is in our own log.
BROKEN_TRY: Final = (
    "Paceline itself failed at this try, and its log says how. Nobody knows whether the result arrived."
)


class Deliverer:
    """Posts results until it is told to stop."""

    def __init__(
        self,
        deliveries: Deliveries,
        post: WebhookPost,
        lease: DeliveryLease,
        scoreboard: Scoreboard,
        tally: Tally,
        rng: random.Random,
    ) -> None:
        self._deliveries = deliveries
        self._post = post
        self._lease = lease
        self._scoreboard = scoreboard
        self._tally = tally
        self._rng = rng
        self._bell = asyncio.Event()
        self._posts: dict[asyncio.Task[None], ClaimedDelivery] = {}
        #: What came of tries since the last claim.
        self._reports: dict[TenantOrigin, TriesReport] = {}

    def wake(self) -> None:
        """Look at once."""
        self._bell.set()

    async def run(self) -> None:
        """Deliver for ever; a cancellation lets the posts under way end, for as long as one may take."""
        try:
            while True:
                if not await self._take():
                    await self._sleep()
                await asyncio.sleep(CLAIM_PAUSE_SECONDS)
        finally:
            await self._end_posts()

    async def _take(self) -> bool:
        """Claim what there is room for; False when there was nothing to do."""
        room = self._room()
        self._tally.measure(DELIVERIES_SENDING, len(self._posts))
        if room.posts <= 0:
            await asyncio.wait(self._posts, return_when=asyncio.FIRST_COMPLETED)
            return True
        self._bell.clear()
        asked_at = asyncio.get_running_loop().time()
        claim = await self._claim(room)
        if claim is None:
            return False
        for turn in claim.turns:
            _tell(turn)
        for delivery in claim.deliveries:
            post = asyncio.create_task(self._deliver(delivery, asked_at), name="delivery")
            self._posts[post] = delivery
            post.add_done_callback(self._done)
        return bool(claim.deliveries or claim.parked)

    async def _claim(self, room: Room) -> Claim | None:
        reports, self._reports = self._reports, {}
        try:
            return await self._deliveries.claim(room, reports)
        except Unavailable as error:
            for goes_to, report in reports.items():
                self._reports[goes_to] = report.and_then(self._reports.get(goes_to, TriesReport()))
            _log.warning("deliveries_not_claimed", reason=error.message)
            return None

    def _room(self) -> Room:
        retries = sum(delivery.is_retry for delivery in self._posts.values())
        return Room(
            posts=POSTS_AT_ONCE - len(self._posts), retries=posts_for_retries(POSTS_AT_ONCE) - retries
        )

    def _done(self, post: asyncio.Task[None]) -> None:
        del self._posts[post]
        if not post.cancelled() and (error := post.exception()) is not None:
            # A mistake of ours in what follows a try; its lease runs out and it is tried again.
            _log.error("delivery_broke", error=repr(error))
        self._bell.set()  # room for a receiver that was at its cap

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._bell.wait()
        except TimeoutError:
            pass

    async def _end_posts(self) -> None:
        if not self._posts:
            return
        _, unfinished = await asyncio.wait(self._posts, timeout=self._lease.try_seconds + RECORD_SECONDS)
        for post in unfinished:
            post.cancel()  # its lease runs out, and another deliverer sends the same again
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _deliver(self, claimed: ClaimedDelivery, asked_at: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - asked_at > self._lease.latest_start_seconds:
            # This process was frozen: the lease may run out during the try, so the try is left to somebody else.
            _log.warning("delivery_left", number_id=claimed.number_id, reason="Its lease is nearly over.")
            return
        report = await self._try(claimed)
        if report.held_up:
            await self._give_back(claimed, report)
            return
        elapsed_seconds = loop.time() - asked_at
        decision = after_try(
            tries=claimed.tries + 1,
            status=report.status,
            now=claimed.claimed_at + timedelta(seconds=elapsed_seconds),
            jitter=self._rng.random(),
            retry_after=report.retry_after,
            error=report.error,
        )
        try:
            recorded = await insist(
                lambda: self._deliveries.record(claimed, report, decision),
                patience_seconds=self._lease.seconds - elapsed_seconds,
            )
        except Unavailable as error:
            # The lease runs out and the same bytes go out again: at least once.
            _log.warning("delivery_not_recorded", number_id=claimed.number_id, reason=error.message)
            return
        self._count(report, decision, recorded=recorded)

    async def _give_back(self, claimed: ClaimedDelivery, report: TryReport) -> None:
        """Let a result wait that we ourselves held up: neither its schedule nor its receiver pays for that."""
        _log.warning("delivery_held_up", tenant_id=claimed.tenant_id, reason=report.error)
        delay_seconds = HELD_UP_SECONDS * (1 + self._rng.random())
        try:
            await insist(
                lambda: self._deliveries.give_back(claimed, delay_seconds),
                patience_seconds=self._lease.latest_start_seconds,
            )
        except Unavailable as error:
            _log.warning("delivery_not_recorded", number_id=claimed.number_id, reason=error.message)

    async def _try(self, claimed: ClaimedDelivery) -> TryReport:
        try:
            failpoint_soon(Failpoint.WEBHOOK_SENT)
            report = await self._post.send(claimed.webhook)
            await failpoint(Failpoint.WEBHOOK_ANSWERED)
        except Invalid as error:
            # Nothing left this machine. It stands in the log of the delivery, and its schedule goes on.
            _log.error("delivery_not_signed", tenant_id=claimed.tenant_id, reason=error.message)
            return _untold(error.message, sent=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, its result must take the schedule
            # A mistake of ours must not send the same result again at once and for ever: it takes its schedule.
            _log.exception("delivery_broke", tenant_id=claimed.tenant_id, number_id=claimed.number_id)
            return _untold(f"{BROKEN_TRY} ({type(error).__name__})", sent=True)
        if not report.held_up:
            heard = report_of(report.status, was_probe=claimed.is_probe)
            self._reports[claimed.goes_to] = self._reports.get(claimed.goes_to, TriesReport()).and_then(heard)
        return report

    def _count(self, report: TryReport, decision: Decision, *, recorded: bool) -> None:
        self._tally.count(WEBHOOK_TRIES, _answer_class(report.status))
        self._scoreboard.observe(DELIVERY_MS, report.total_ms)
        match decision:
            case Delivered():
                self._tally.count(RESULTS_DELIVERED, by=int(recorded))
            case Failed(reason=reason):
                _log.warning("delivery_failed", reason=reason)
            case Disabled(reason=reason):
                _log.warning("receiver_disabled", reason=reason)
            case RetryAt():
                pass


def _tell(turn: CircuitTurn) -> None:
    """Say once that an origin is left alone, or that it is back."""
    circuit = turn.circuit
    if circuit.state is CircuitState.CLOSED:
        _log.info(
            "receiver_is_back",
            tenant_id=turn.goes_to.tenant_id,
            origin=turn.goes_to.origin,
            reason="It answered a probe; its results flow again.",
        )
        return
    reason = (
        f"{circuit.failures} of its last {circuit.samples} tries failed: it is left alone for "
        f"{pause_seconds(circuit.times_opened)} s, and longer if it then fails again; its results wait."
    )
    _log.warning(
        "receiver_left_alone", tenant_id=turn.goes_to.tenant_id, origin=turn.goes_to.origin, reason=reason
    )


def _untold(reason: str, *, sent: bool) -> TryReport:
    """Report a try of which no receiver tells anything."""
    return TryReport(
        status=None,
        error=reason,
        sent=sent,
        resolve_ms=None,
        connect_ms=None,
        total_ms=0,
        answer=b"",
        retry_after=None,
    )


def _answer_class(status: int | None) -> str:
    """Name an answer's class; what is no class of HTTP counts as no answer."""
    known = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}
    return known.get((status or 0) // 100, "none")
