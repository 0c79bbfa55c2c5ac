"""The pacer's loop in virtual time: when it looks, when it rings, and what it does while somebody is away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from services.pacer.pacer import (
    DOORBELL_CHECK_SECONDS,
    LONGEST_SLEEP_SECONDS,
    PAUSE_WHEN_AWAY_SECONDS,
    SET_ASIDE_SECONDS,
    Pacer,
)
from shared.contracts.conclusion import Conclusion, NumberFacts
from shared.contracts.dial_job import DialJob
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.campaign import CampaignState
from shared.domain.errors import Invalid, PacelineError, Unavailable
from shared.domain.fair_share import Queue
from shared.domain.pacing import PacingState
from shared.domain.pacing_ring import EmissionMissing
from shared.domain.wall_clock import WEEK
from shared.observability.metrics import PACER_RUNG, PACER_TICK_MS
from shared.observability.tally import Tally
from shared.ports.doorbell import Doorbell, DoorbellAway
from shared.ports.planning import DueCampaign, Line, Planning, Room, Tick, Turn
from tests.unit.services.pacer.virtual_time import cancel, now, run

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERY_DAY = Calendar(
    first_date=NOON.date(), last_date=NOON.date(), weekdays=frozenset(WEEK), zone="UTC",
    windows=(CallingWindow(opens_minute=0, closes_minute=1440),),
)  # fmt: skip


@dataclass
class Diary:
    """What happened, in its order, each with the virtual second in which it did."""

    lines: list[tuple[float, str]] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Write a line."""
        self.lines.append((round(now(), 3), what))

    def of(self, what: str) -> list[float]:
        """Return when something happened."""
        return [at for at, line in self.lines if line == what]


class OneTick(Tick):
    """A campaign with one number in line."""

    def __init__(self, campaign_id: int, error: PacelineError | None = None) -> None:
        self.campaign = DueCampaign(
            tenant_id=1, campaign_id=campaign_id, state=CampaignState.RUNNING, epoch=1, started_at=NOON,
            pacing=PacingState(), now=NOON,
        )  # fmt: skip
        self._error = error

    @override
    async def calendar(self) -> Calendar:
        if self._error is not None:
            raise self._error
        return EVERY_DAY

    @override
    async def held_because(self) -> str | None:
        return None

    @override
    async def room(self) -> Room:
        return Room(dialers=1)

    @override
    async def queue(self) -> Queue:
        return Queue()

    @override
    async def due_instants(self, numbers: Sequence[range]) -> dict[int, datetime]:
        return {}

    @override
    async def claim(
        self, dues: Sequence[datetime], *, first_emission_no: int, closes_at: Sequence[datetime]
    ) -> list[DialJob]:
        return [DialJob(tenant_id=1, campaign_id=self.campaign.campaign_id, attempt_id=1)]

    @override
    async def keep(self, pacing: PacingState, look_at: datetime | None, turn: Turn) -> None:
        pass

    @override
    async def look_again(self, at: datetime | None) -> None:
        pass

    @override
    async def line(self) -> Line:
        return Line(next_at=None, in_attempt=True)

    @override
    async def undialed(self, most: int) -> list[NumberFacts]:
        return []

    @override
    async def conclude(self, conclusions: Sequence[Conclusion]) -> None:
        raise AssertionError("Nothing here ends a number.")

    @override
    async def complete(self) -> bool:
        return False


class MemoryPlanning(Planning):
    """Ticks that are due one after the other, and then none until `next_look`."""

    def __init__(self, diary: Diary, *ticks: OneTick | PacelineError, next_look: float | None = None) -> None:
        self._diary = diary
        self._ticks = list(ticks)
        self._next_look = next_look

    @override
    @asynccontextmanager
    async def tick(self) -> AsyncIterator[Tick | None]:
        due = self._ticks.pop(0) if self._ticks else None
        if isinstance(due, PacelineError):
            raise due
        self._diary.note("look" if due is None else f"tick {due.campaign.campaign_id}")
        try:
            yield due
        except BaseException:
            self._diary.note("rolled back")
            raise
        if due is not None:
            self._diary.note("committed")

    @override
    async def set_aside(self, campaign: DueCampaign, *, seconds: float) -> None:
        self._diary.note(f"set {campaign.campaign_id} aside for {seconds:.0f} s")

    @override
    async def next_look_in_seconds(self) -> float | None:
        return self._next_look


class MemoryDoorbell(Doorbell):
    """A doorbell that notes what it hears, or is away."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self.is_away = False
        self.ring_fails = False

    @override
    async def ring(self, jobs: Sequence[DialJob]) -> None:
        if self.is_away or self.ring_fails:
            raise DoorbellAway
        self._diary.note("rung for " + ", ".join(str(job.campaign_id) for job in jobs))

    @override
    async def ring_deliverers(self) -> None:
        self._diary.note("rung for deliverers")

    @override
    async def works(self) -> bool:
        self._diary.note("asked the bell")
        return not self.is_away


def pace(
    planning: MemoryPlanning, bell: MemoryDoorbell, *, seconds: float, tally: Tally | None = None
) -> None:
    """Let a pacer run for so many virtual seconds."""

    async def story() -> None:
        pacer = Pacer(planning=planning, doorbell=bell, tally=tally or Tally(), horizon=timedelta(seconds=2))
        task = asyncio.create_task(pacer.run())
        await asyncio.sleep(seconds)
        assert not task.done()
        await cancel(task)

    run(story())


def test_what_was_claimed_is_rung_when_it_is_committed_and_not_before() -> None:
    """A dialer that is quicker than the commit would find nothing; and the next campaign has its turn at once."""
    diary, tally = Diary(), Tally()
    planning = MemoryPlanning(diary, OneTick(5), OneTick(6))
    pace(planning, MemoryDoorbell(diary), seconds=0.1, tally=tally)
    told = [what for _, what in diary.lines if what != "asked the bell"]
    assert told[:6] == ["tick 5", "committed", "rung for 5", "tick 6", "committed", "rung for 6"]
    assert tally.gauges[PACER_RUNG.field()] == 1
    assert PACER_TICK_MS.field() in tally.gauges


@pytest.mark.parametrize(
    ("next_look", "sleep"), [(None, 0.25), (100.0, 0.25), (0.1, 0.1), (0.0, 0.025), (-5.0, 0.025)]
)
def test_the_pacer_sleeps_until_the_next_campaign_is_due(next_look: float | None, sleep: float) -> None:
    """Never longer than a start may go unnoticed, and never without a pause, which would be a busy wait."""
    diary = Diary()
    pace(MemoryPlanning(diary, next_look=next_look), MemoryDoorbell(diary), seconds=1)
    looks = diary.of("look")
    assert looks[1] - looks[0] == pytest.approx(sleep, abs=0.001)
    assert sleep <= LONGEST_SLEEP_SECONDS


def test_the_bell_is_asked_now_and_then_and_not_for_every_tick() -> None:
    """A hundred looks in a quarter of a second each cost one question a second."""
    diary = Diary()
    pace(MemoryPlanning(diary), MemoryDoorbell(diary), seconds=5.1)
    asked = diary.of("asked the bell")
    assert asked == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.01)
    assert asked[1] - asked[0] >= DOORBELL_CHECK_SECONDS


def test_while_the_bell_is_away_nothing_is_claimed_and_it_is_said_once() -> None:
    """The campaigns are looked at all the same; when it is back, that is said too."""
    diary = Diary()
    bell = MemoryDoorbell(diary)
    planning = MemoryPlanning(diary, OneTick(5))
    bell.is_away = True

    async def story() -> None:
        pacer = Pacer(planning=planning, doorbell=bell, tally=Tally(), horizon=timedelta(seconds=2))
        task = asyncio.create_task(pacer.run())
        await asyncio.sleep(5)
        bell.is_away = False
        await asyncio.sleep(5)
        await cancel(task)

    with capture_logs() as lines:
        run(story())
    assert diary.of("rung for 5") == []
    assert diary.of("committed") == [0]
    assert [line["works"] for line in lines if line["event"] == "doorbell"] == [False, True]


def test_a_store_that_is_away_is_asked_again_after_a_pause() -> None:
    """Neither in a hurry nor never: the loop goes on."""
    diary = Diary()
    planning = MemoryPlanning(diary, Unavailable(), Unavailable(), OneTick(5))
    with capture_logs() as lines:
        pace(planning, MemoryDoorbell(diary), seconds=10)
    assert [line["event"] for line in lines].count("pacer_waits") == 2
    assert diary.of("rung for 5") == [2 * PAUSE_WHEN_AWAY_SECONDS]


def test_a_ring_that_fails_loses_no_claim() -> None:
    """What was claimed stays so: the reaper rings again, and the pacer goes on after a pause."""
    diary = Diary()
    bell = MemoryDoorbell(diary)
    bell.ring_fails = True
    pace(MemoryPlanning(diary, OneTick(5)), bell, seconds=3)
    assert diary.of("committed") == [0]
    assert diary.of("look")[0] == PAUSE_WHEN_AWAY_SECONDS


@pytest.mark.parametrize("error", [EmissionMissing(7), Invalid("windows", "They overlap.")])
def test_a_campaign_that_cannot_be_paced_is_set_aside(error: PacelineError) -> None:
    """Its tick is rolled back and said, and the next campaign has its turn."""
    diary = Diary()
    planning = MemoryPlanning(diary, OneTick(5, error), OneTick(6))
    with capture_logs() as lines:
        pace(planning, MemoryDoorbell(diary), seconds=0.1)
    told = [what for _, what in diary.lines if what != "asked the bell"]
    aside = f"set 5 aside for {SET_ASIDE_SECONDS:.0f} s"
    assert told[:6] == ["tick 5", "rolled back", aside, "tick 6", "committed", "rung for 6"]
    [line] = [line for line in lines if line["event"] == "campaign_cannot_be_paced"]
    assert (line["campaign_id"], line["reason"]) == (5, error.message)


def test_a_mistake_of_ours_ends_the_pacer() -> None:
    """What is no fact about one campaign must not go on unseen: the process ends and is started again."""
    diary = Diary()

    async def story() -> None:
        pacer = Pacer(
            planning=MemoryPlanning(diary, OneTick(5, PacelineError())),
            doorbell=MemoryDoorbell(diary), tally=Tally(), horizon=timedelta(seconds=2),
        )  # fmt: skip
        await pacer.run()

    with pytest.raises(PacelineError):
        run(story())
    assert diary.of("rolled back") == [0]
