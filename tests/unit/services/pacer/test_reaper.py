"""The reaper's rounds in virtual time: what they do in which order, and what they do without Redis or Postgres."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs
from typing_extensions import override

from services.pacer.reaper import (
    AT_MOST,
    ROUND_SECONDS,
    ROUNDS_PER_HOUSEKEEPING,
    UNHEARD_SECONDS,
    Reaper,
    unknown,
)
from shared.contracts.conclusion import NumberFacts, Receiver
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.disposition import Outcome, Result, Stage
from shared.domain.errors import Unavailable
from shared.observability.metrics import ATTEMPTS_WITHHELD
from shared.observability.tally import Tally
from shared.ports.doorbell import Doorbell, DoorbellAway
from shared.ports.planning import Decide, LostAttempt, Reaping, Unheard
from tests.unit.services.pacer.virtual_time import cancel, now, run

JOB = DialJob(tenant_id=1, campaign_id=2, attempt_id=3)
QUARANTINE_SECONDS = 1890.0
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Ward(Reaping, Doorbell):
    """A store and a doorbell that note what they are asked, in its order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.late = 0
        self.given_up = 0
        self.unheard_jobs: list[DialJob] = []
        self.unheard_takes_seconds = 0.0
        #: From when until when it was looked for lost rings.
        self.looks: list[tuple[datetime | None, datetime]] = []
        self.redis_away = False
        self.postgres_away = False

    def _note(self, what: str) -> None:
        if self.postgres_away:
            raise Unavailable
        self.asked.append(what)

    @override
    async def unheard(self, since: datetime | None, *, ahead_seconds: float, most: int) -> Unheard:
        self._note(f"unheard {ahead_seconds} s ahead, {most}")
        await asyncio.sleep(self.unheard_takes_seconds)
        until = NOON + timedelta(seconds=now() + ahead_seconds)
        self.looks.append((since, until))
        return Unheard(jobs=self.unheard_jobs, until=until)

    @override
    async def free_expired_leases(self, most: int) -> int:
        self._note(f"free {most}")
        return 0

    @override
    async def withhold_late(self, most: int) -> int:
        self._note(f"withhold {most}")
        return self.late

    @override
    async def quarantine_lost_calls(self, quarantine_seconds: float, most: int) -> int:
        self._note(f"quarantine {quarantine_seconds:.0f} s, {most}")
        return 0

    @override
    async def give_up(self, decide: Decide, most: int) -> int:
        assert decide is unknown
        self._note(f"give up {most}")
        return self.given_up

    @override
    async def keep_house(self) -> None:
        self._note("keep house")

    @override
    async def ring(self, jobs: Sequence[DialJob]) -> None:
        if self.redis_away:
            raise DoorbellAway
        self._note(f"ring {len(jobs)}")

    @override
    async def ring_deliverers(self) -> None:
        if self.redis_away:
            raise DoorbellAway
        self._note("ring deliverers")

    @override
    async def works(self) -> bool:
        return not self.redis_away


def reap(ward: Ward, *, rounds: int = 1, tally: Tally | None = None) -> None:
    """Let a reaper go round so many times."""

    async def story() -> None:
        reaper = Reaper(
            reaping=ward, doorbell=ward, tally=tally or Tally(),
            quarantine_seconds=QUARANTINE_SECONDS,
        )  # fmt: skip
        task = asyncio.create_task(reaper.run())
        await asyncio.sleep(ROUND_SECONDS * (rounds - 0.5))
        assert not task.done()
        await cancel(task)

    run(story())


ROUND = [
    f"free {AT_MOST}",
    f"withhold {AT_MOST}",
    f"quarantine {QUARANTINE_SECONDS:.0f} s, {AT_MOST}",
    f"give up {AT_MOST}",
    f"unheard {UNHEARD_SECONDS} s ahead, {AT_MOST}",
]


def test_a_round_frees_withholds_quarantines_and_gives_up() -> None:
    """In this order, and once in a while it keeps house; nobody is rung for when there is nothing to ring for."""
    ward = Ward()
    reap(ward, rounds=ROUNDS_PER_HOUSEKEEPING + 1)
    rounds = [*ROUND, "keep house", *ROUND * (ROUNDS_PER_HOUSEKEEPING - 1), *ROUND, "keep house"]
    assert ward.asked == rounds


def test_what_was_not_heard_is_rung_for_and_deliverers_for_new_results() -> None:
    """Both only when there is something."""
    ward = Ward()
    ward.unheard_jobs, ward.given_up = [JOB, JOB], 1
    reap(ward)
    assert ward.asked == [*ROUND, "ring 2", "ring deliverers", "keep house"]


def test_every_look_for_lost_rings_begins_where_the_last_one_ended() -> None:
    """Also when rounds take their time: no due instant falls between two of them."""
    ward = Ward()
    ward.unheard_takes_seconds = 0.3
    reap(ward, rounds=5)
    starts, ends = zip(*ward.looks, strict=True)
    assert starts == (None, *ends[:-1])
    assert len(starts) == 3


def test_a_round_that_could_not_ring_is_made_good_by_the_next() -> None:
    """Redis was away: nobody was rung for, so that the same instants are looked at again."""
    ward = Ward()
    ward.unheard_jobs, ward.redis_away = [JOB], True
    reap(ward, rounds=3)
    assert [since for since, _ in ward.looks] == [None] * 3


def test_reaping_does_not_depend_on_redis() -> None:
    """With something to ring for and nobody to hear it, every step of every round is done all the same."""
    ward = Ward()
    ward.unheard_jobs, ward.given_up, ward.redis_away = [JOB], 1, True
    with capture_logs() as lines:
        reap(ward, rounds=3)
    assert [what for what in ward.asked if what != "keep house"] == ROUND * 3
    assert [line["event"] for line in lines].count("reaper_waits") == 3


def test_a_reaper_goes_on_when_postgres_is_back() -> None:
    """A round that failed is followed by another."""
    ward = Ward()

    async def story() -> None:
        reaper = Reaper(reaping=ward, doorbell=ward, tally=Tally(), quarantine_seconds=QUARANTINE_SECONDS)
        ward.postgres_away = True
        task = asyncio.create_task(reaper.run())
        await asyncio.sleep(ROUND_SECONDS * 1.5)
        assert ward.asked == []
        ward.postgres_away = False
        await asyncio.sleep(ROUND_SECONDS)
        await cancel(task)

    run(story())
    assert ward.asked[: len(ROUND)] == ROUND


def test_what_was_withheld_late_is_counted() -> None:
    """By its reason, as the dialers count theirs."""
    ward, tally = Ward(), Tally()
    ward.late = 4
    reap(ward, rounds=2, tally=tally)
    assert tally.counters == {ATTEMPTS_WITHHELD.field("late"): 8}


def test_a_call_that_nobody_can_explain_ends_as_unknown_with_its_try_spent() -> None:
    """The phone may have rung, so the try counts, and the result says honestly that nobody knows."""
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    number = NumberFacts(
        campaign_id=2, number_id=7, e164="+12025550100", message_reference="ref", tries=2,
        last_attempt_at=at, receiver=Receiver(url="https://crm.example/results", result_format=ResultFormat.JSON),
    )  # fmt: skip
    conclusion = unknown(LostAttempt(job=JOB, epoch=1, number=number))
    result = conclusion.result
    assert (result.disposition.outcome, result.disposition.stage) == (Outcome.UNKNOWN, Stage.NONE)
    assert (result.result, result.attempts, result.last_attempt_at) == (Result.FAILED, 3, at)
    assert conclusion.delivery is not None
    assert conclusion.delivery.webhook_id == "res_7"
