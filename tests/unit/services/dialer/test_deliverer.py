"""The deliverer's loop in virtual time: when it claims, how much, what it writes, and how it ends."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from services.dialer.deliverer import (
    BROKEN_TRY,
    HELD_UP_SECONDS,
    POLL_SECONDS,
    POSTS_AT_ONCE,
    RECORD_SECONDS,
    Deliverer,
)
from shared.domain.circuit import TriesReport
from shared.domain.delivery_schedule import (
    JITTER_SHARE,
    SCHEDULE_SECONDS,
    Decision,
    Delivered,
    DeliveryLease,
    Disabled,
    Failed,
    RetryAt,
    posts_for_retries,
)
from shared.domain.errors import Invalid, Unavailable
from shared.observability.metrics import RESULTS_DELIVERED, WEBHOOK_TRIES
from shared.observability.tally import Tally
from shared.ports.delivering import (
    Claim,
    ClaimedDelivery,
    Deliveries,
    OutgoingWebhook,
    Room,
    TenantOrigin,
    TryReport,
    WebhookPost,
)
from tests.unit.services.dialer.fakes import NOON, MemoryScoreboard
from tests.unit.services.pacer.virtual_time import cancel, now, run

LEASE = DeliveryLease(seconds=35.0, try_seconds=15.0)
ORIGIN = "https://crm.example:443"


def delivery(number_id: int = 7, *, tries: int = 0) -> ClaimedDelivery:
    """Return a delivery as the store hands it out."""
    webhook = OutgoingWebhook(
        webhook_id=f"res_{number_id}", url="https://crm.example/results", content_type="text/plain",
        body=b"result", keys=("whsec_x",),
    )  # fmt: skip
    return ClaimedDelivery(
        tenant_id=1, campaign_id=2, number_id=number_id, epoch=1, tries=tries, is_retry=tries > 0,
        is_probe=False, origin=ORIGIN, claimed_at=NOON, webhook=webhook,
    )  # fmt: skip


def answer(status: int | None, *, retry_after: str | None = None) -> TryReport:
    """Return what came of a try."""
    return TryReport(
        status=status, error=None if status else "refused", sent=True, resolve_ms=None, connect_ms=1, total_ms=20,
        answer=b"", retry_after=retry_after,
    )  # fmt: skip


@dataclass
class MemoryDeliveries(Deliveries):
    """Deliveries in memory."""

    waiting: list[ClaimedDelivery] = field(default_factory=list)
    #: How often the next questions find Postgres away.
    claims_away: int = 0
    records_away: int = 0
    stale: bool = False
    #: Each claim: when, with how much room, and what was reported with it.
    claims: list[tuple[float, Room, dict[TenantOrigin, TriesReport]]] = field(default_factory=list)
    recorded: list[tuple[int, TryReport, Decision]] = field(default_factory=list)
    given_back: list[tuple[int, float]] = field(default_factory=list)

    @override
    async def claim(self, room: Room, reports: Mapping[TenantOrigin, TriesReport]) -> Claim:
        if self.claims_away > 0:
            self.claims_away -= 1
            raise Unavailable
        self.claims.append((round(now(), 2), room, dict(reports)))
        taken, self.waiting = self.waiting[: room.posts], self.waiting[room.posts :]
        return Claim(deliveries=taken, parked=0, turns=[])

    @override
    async def record(self, claimed: ClaimedDelivery, report: TryReport, decision: Decision) -> bool:
        if self.records_away > 0:
            self.records_away -= 1
            raise Unavailable
        self.recorded.append((claimed.number_id, report, decision))
        return not self.stale

    @override
    async def give_back(self, claimed: ClaimedDelivery, delay_seconds: float) -> bool:
        self.given_back.append((claimed.number_id, delay_seconds))
        return not self.stale


@dataclass
class ScriptedPost(WebhookPost):
    """Posts that are answered alike after a while, or fail."""

    report: TryReport = field(default_factory=lambda: answer(200))
    seconds: float = 0.05
    error: Exception | None = None
    sent: list[str] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    @override
    async def send(self, delivery: OutgoingWebhook) -> TryReport:
        self.sent.append(delivery.webhook_id)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.under_way -= 1
        if self.error is not None:
            raise self.error
        return self.report


@dataclass
class Office:
    """A deliverer with everything that it needs."""

    deliveries: MemoryDeliveries = field(default_factory=MemoryDeliveries)
    post: ScriptedPost = field(default_factory=ScriptedPost)
    tally: Tally = field(default_factory=Tally)
    deliverer: Deliverer = field(init=False)
    ended_at: float = 0.0

    def work(
        self,
        *,
        seconds: float = 0.5,
        story: "Callable[[Office], Coroutine[Any, Any, None]] | None" = None,
    ) -> "Office":
        """Let the deliverer work for so many virtual seconds, or beside a story."""

        async def told() -> None:
            self.deliverer = Deliverer(
                self.deliveries, self.post, LEASE, MemoryScoreboard(), self.tally, random.Random(1)
            )
            task = asyncio.create_task(self.deliverer.run())
            await (asyncio.sleep(seconds) if story is None else story(self))
            assert not task.done()
            await cancel(task)
            self.ended_at = now()

        run(told())
        return self


# Decisions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "tries", "decision"),
    [
        (200, 0, Delivered),
        (299, 10, Delivered),
        (500, 0, RetryAt),
        (None, 3, RetryAt),
        (302, 0, RetryAt),
        (410, 0, Disabled),
        (500, len(SCHEDULE_SECONDS) - 1, Failed),
    ],
)
def test_what_came_of_a_try_is_written_down(status: int | None, tries: int, decision: type[Decision]) -> None:
    """With the report as it came, counted by the answer's class."""
    office = Office(MemoryDeliveries([delivery(tries=tries)]), ScriptedPost(answer(status))).work()
    [(number_id, report, decided)] = office.deliveries.recorded
    assert (number_id, report) == (7, answer(status))
    assert isinstance(decided, decision)
    answer_class = "none" if status is None else f"{status // 100}xx"
    assert office.tally.counters[WEBHOOK_TRIES.field(answer_class)] == 1
    assert office.tally.counters.get(RESULTS_DELIVERED.field(), 0) == (decision is Delivered)


def test_a_retry_is_spread_and_waits_as_long_as_it_is_asked_to() -> None:
    """By the published schedule with its jitter, and by the receiver's own wish where that is longer."""
    office = Office(MemoryDeliveries([delivery(number) for number in range(20)]), ScriptedPost(answer(503)))
    office.work()
    delays = [
        decided.delay_seconds for _, _, decided in office.deliveries.recorded if isinstance(decided, RetryAt)
    ]
    assert len(set(delays)) == 20
    wait = SCHEDULE_SECONDS[1]
    assert all(wait * (1 - JITTER_SHARE) <= delay <= wait * (1 + JITTER_SHARE) for delay in delays)
    asked = Office(MemoryDeliveries([delivery()]), ScriptedPost(answer(503, retry_after="600"))).work()
    [(_, _, decided)] = asked.deliveries.recorded
    assert decided == RetryAt(delay_seconds=600.0)


def test_a_result_that_cannot_be_signed_is_a_try_that_never_left() -> None:
    """It stands in the log with its reason, and says nothing about the receiver."""
    office = Office(MemoryDeliveries([delivery()]), ScriptedPost(error=Invalid("key", "There is no key.")))
    with capture_logs() as lines:
        office.work(seconds=POLL_SECONDS * 2)
    [(_, report, decided)] = office.deliveries.recorded
    assert (report.status, report.sent, report.error) == (None, False, "There is no key.")
    assert isinstance(decided, RetryAt)
    assert "delivery_not_signed" in [line["event"] for line in lines]
    assert all(reports == {} for _, _, reports in office.deliveries.claims)


# Work ------------------------------------------------------------------------------------------------------------


def test_an_idle_deliverer_looks_once_a_second_and_at_once_when_it_is_woken() -> None:
    """Retries fall due without a bell; a new result has one."""

    async def story(office: Office) -> None:
        await asyncio.sleep(POLL_SECONDS * 2.5)
        office.deliveries.waiting = [delivery()]
        office.deliverer.wake()
        await asyncio.sleep(0.01)
        assert office.post.sent == ["res_7"]

    office = Office().work(story=story)
    looks = [at for at, _, _ in office.deliveries.claims]
    assert looks[:4] == pytest.approx([0, 1, 2, 2.5], abs=0.05)


def test_no_more_posts_are_under_way_than_a_process_can_carry() -> None:
    """It claims what it has room for, retries within their share; the rest waits in Postgres, and all get out."""
    many = POSTS_AT_ONCE * 2 + 50
    office = Office(MemoryDeliveries([delivery(number) for number in range(many)]), ScriptedPost(seconds=1))
    office.work(seconds=4)
    assert office.post.most_under_way == POSTS_AT_ONCE
    assert sorted(number for number, _, _ in office.deliveries.recorded) == list(range(many))
    rooms = [room for _, room, _ in office.deliveries.claims]
    assert rooms[0] == Room(posts=POSTS_AT_ONCE, retries=posts_for_retries(POSTS_AT_ONCE))
    assert all(0 < room.posts <= POSTS_AT_ONCE for room in rooms)


def test_retries_under_way_take_their_part_of_the_room() -> None:
    """What is being tried again counts against the share of retries until it ends."""
    office = Office(
        MemoryDeliveries([delivery(number, tries=2) for number in range(5)]), ScriptedPost(seconds=3)
    )
    office.work(seconds=2)
    share = posts_for_retries(POSTS_AT_ONCE)
    assert [room.retries for _, room, _ in office.deliveries.claims][:2] == [share, share - 5]


def test_what_came_of_tries_is_told_with_the_next_claim() -> None:
    """Together for each origin, once, and again when the claim that should have told it found nobody."""
    office = Office(MemoryDeliveries([delivery(number) for number in range(3)]), ScriptedPost(answer(500)))

    async def story(office: Office) -> None:
        await asyncio.sleep(0.01)
        office.deliveries.claims_away = 1
        await asyncio.sleep(POLL_SECONDS * 3)

    with capture_logs() as lines:
        office.work(story=story)
    told = [reports[TenantOrigin(1, ORIGIN)] for _, _, reports in office.deliveries.claims if reports]
    assert told == [TriesReport(failed=3)]
    assert "deliveries_not_claimed" in [line["event"] for line in lines]


def test_a_mistake_in_one_delivery_stops_no_other() -> None:
    """It is said, takes the schedule like any failure with the reason in its log, and the loop goes on."""
    office = Office(MemoryDeliveries([delivery(1)]), ScriptedPost(error=ZeroDivisionError()))

    async def story(office: Office) -> None:
        await asyncio.sleep(0.5)
        office.post.error = None
        office.deliveries.waiting = [delivery(2)]
        await asyncio.sleep(POLL_SECONDS * 2)

    with capture_logs() as lines:
        office.work(story=story)
    assert [line["event"] for line in lines] == ["delivery_broke"]
    broken, sound = office.deliveries.recorded
    assert (broken[0], sound[0]) == (1, 2)
    assert isinstance(broken[2], RetryAt)
    assert broken[2].delay_seconds >= SCHEDULE_SECONDS[1] * (1 - JITTER_SHARE)
    assert broken[1].error == f"{BROKEN_TRY} (ZeroDivisionError)"
    assert all(TenantOrigin(1, ORIGIN) not in told for _, _, told in office.deliveries.claims[:2])


def test_a_mistake_at_every_try_ends_with_the_schedule() -> None:
    """The last try of the schedule is the last one, whosever fault it was."""
    office = Office(
        MemoryDeliveries([delivery(tries=len(SCHEDULE_SECONDS) - 1)]), ScriptedPost(error=KeyError("x"))
    )
    with capture_logs():
        office.work()
    [(_, _, decided)] = office.deliveries.recorded
    assert isinstance(decided, Failed)


def test_what_we_held_up_ourselves_is_given_back() -> None:
    """No try is written, nothing is said against the receiver, and it waits for a moment."""
    held_up = replace(answer(None), error="Nothing was sent.", sent=False, held_up=True)
    office = Office(MemoryDeliveries([delivery()]), ScriptedPost(held_up))
    with capture_logs() as lines:
        office.work(seconds=POLL_SECONDS * 2)
    [(number_id, delay_seconds)] = office.deliveries.given_back
    assert number_id == 7
    assert HELD_UP_SECONDS <= delay_seconds <= 2 * HELD_UP_SECONDS
    assert office.deliveries.recorded == []
    assert all(reports == {} for _, _, reports in office.deliveries.claims)
    assert [line["event"] for line in lines] == ["delivery_held_up"]


# Postgres away, a lease that ends, the end -------------------------------------------------------------------------


def test_a_record_is_insisted_on_while_the_lease_lasts() -> None:
    """The receiver has the result: that must not be forgotten for a moment's outage."""
    office = Office(MemoryDeliveries([delivery()], records_away=5)).work(seconds=20)
    assert len(office.deliveries.recorded) == 1
    assert office.tally.counters[RESULTS_DELIVERED.field()] == 1


def test_a_record_that_cannot_be_written_is_left_to_the_lease() -> None:
    """The same bytes go out again: at least once. Nothing is counted that is not written."""
    office = Office(MemoryDeliveries([delivery()], records_away=10_000))
    with capture_logs() as lines:
        office.work(seconds=LEASE.seconds + 5)
    assert [line["event"] for line in lines].count("delivery_not_recorded") == 1
    assert office.tally.counters == {}


def test_a_record_under_a_lease_that_was_lost_counts_as_no_delivery() -> None:
    """Another deliverer writes it down; the try there was all the same."""
    office = Office(MemoryDeliveries([delivery()], stale=True)).work()
    assert office.tally.counters.get(RESULTS_DELIVERED.field(), 0) == 0
    assert office.tally.counters[WEBHOOK_TRIES.field("2xx")] == 1


def test_a_deliverer_that_must_end_lets_its_posts_end() -> None:
    """They are recorded; nothing new is claimed."""
    office = Office(MemoryDeliveries([delivery(1)]), ScriptedPost(seconds=5))
    office.work(seconds=1)
    assert [number for number, _, _ in office.deliveries.recorded] == [1]


def test_a_receiver_that_hangs_does_not_keep_the_process() -> None:
    """After the longest try and its record the post is given up; its lease runs out."""
    office = Office(MemoryDeliveries([delivery(1)]), ScriptedPost(seconds=10_000)).work(seconds=1)
    assert office.ended_at == pytest.approx(1 + LEASE.try_seconds + RECORD_SECONDS)
    assert office.deliveries.recorded == []
    assert office.post.under_way == 0
