"""One tick's decision on a store in memory and in virtual time: who is claimed, when to look again, how it ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from typing_extensions import override

from services.pacer.planner import (
    CONCLUDE_AT_MOST,
    LOOK_WHEN_BLOCKED,
    Conditions,
    plan_campaign,
)
from shared.contracts.conclusion import Conclusion, NumberFacts, Receiver
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.calling_window import Calendar, CallingWindow
from shared.domain.campaign import CampaignState
from shared.domain.disposition import Outcome, Result
from shared.domain.fair_share import Claimant, Queue
from shared.domain.looks import CLAIM_AT_MOST, LEAD, LOOK_WHILE_UNDER_WAY, SHORTEST_LOOK, UNPACED
from shared.domain.pace import Pace
from shared.domain.pacing import PacingState
from shared.domain.trunk_rate import TrunkLoad
from shared.domain.wall_clock import WEEK
from shared.ports.planning import DueCampaign, Line, Room, Tick, Turn
from tests.unit.services.pacer.virtual_time import run

#: A Saturday, an hour after the window opens.
NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)
CLOSES = datetime(2026, 11, 21, 17, tzinfo=UTC)
DAY = date(2026, 11, 21)
SECOND = timedelta(seconds=1)
HORIZON = 2 * SECOND


def office_hours(*windows: CallingWindow, last: date = DAY) -> Calendar:
    """Return a calendar of one day, from eight to five unless windows are given."""
    return Calendar(
        first_date=DAY,
        last_date=last,
        weekdays=frozenset(WEEK),
        zone="UTC",
        windows=windows or (CallingWindow(opens_minute=8 * 60, closes_minute=17 * 60),),
    )


@dataclass
class MemoryTick(Tick):
    """A campaign in memory; the same object serves every tick of a story."""

    campaign: DueCampaign
    calendar_now: Calendar
    #: Numbers in line, by name, and those that wait for an instant.
    in_line: list[str] = field(default_factory=list)
    waiting: dict[str, datetime] = field(default_factory=dict)
    in_attempt: int = 0
    room_now: Room = field(default_factory=lambda: Room(dialers=10_000, plenty=True))
    others: Queue = field(default_factory=Queue)
    turn: Turn | None = None
    hold: str | None = None
    #: What came of it.
    claimed: list[tuple[str, int, datetime, datetime]] = field(default_factory=list)
    look_at: datetime | None = NINE
    conclusions: list[Conclusion] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @override
    async def calendar(self) -> Calendar:
        self.asked.append("calendar")
        return self.calendar_now

    @override
    async def held_because(self) -> str | None:
        return self.hold

    @override
    async def room(self) -> Room:
        return self.room_now

    @override
    async def queue(self) -> Queue:
        return self.others

    @override
    async def due_instants(self, numbers: Sequence[range]) -> dict[int, datetime]:
        dues = {emission_no: due for _, emission_no, due, _ in self.claimed}
        return {number: dues[number] for wanted in numbers for number in wanted if number in dues}

    @override
    async def claim(
        self, dues: Sequence[datetime], *, first_emission_no: int, closes_at: Sequence[datetime]
    ) -> list[DialJob]:
        ready = sorted((at, name) for name, at in self.waiting.items() if at <= dues[0])
        names = [*(name for _, name in ready), *self.in_line][: len(dues)]
        for place, name in enumerate(names):
            self.waiting.pop(name, None)
            self.claimed.append((name, first_emission_no + place, dues[place], closes_at[place]))
        self.in_line = [name for name in self.in_line if name not in names]
        self.in_attempt += len(names)
        return [DialJob(tenant_id=1, campaign_id=1, attempt_id=place + 1) for place in range(len(names))]

    @override
    async def keep(self, pacing: PacingState, look_at: datetime | None, turn: Turn) -> None:
        self.campaign = replace(
            self.campaign, pacing=pacing, served=turn.served, waits_for_room=turn.wants > 0
        )
        self.turn = turn
        self.look_at = look_at

    @override
    async def look_again(self, at: datetime | None) -> None:
        self.look_at = at

    @override
    async def line(self) -> Line:
        next_at = self.campaign.now if self.in_line else min(self.waiting.values(), default=None)
        return Line(next_at=next_at, in_attempt=self.in_attempt > 0)

    @override
    async def undialed(self, most: int) -> list[NumberFacts]:
        return [number_of(name) for name in [*self.in_line, *self.waiting][:most]]

    @override
    async def conclude(self, conclusions: Sequence[Conclusion]) -> None:
        self.conclusions.extend(conclusions)
        done = {conclusion.result.message_reference for conclusion in conclusions}
        self.in_line = [name for name in self.in_line if name not in done]
        self.waiting = {name: at for name, at in self.waiting.items() if name not in done}

    @override
    async def complete(self) -> bool:
        is_over = not (self.in_line or self.waiting or self.in_attempt)
        if is_over:
            self.campaign = replace(self.campaign, state=CampaignState.DONE)
        return is_over


def number_of(name: str) -> NumberFacts:
    """Return a number whose reference is its name."""
    return NumberFacts(
        campaign_id=1,
        number_id=7,
        e164="+12025550100",
        message_reference=name,
        tries=2,
        last_attempt_at=NINE,
        receiver=Receiver(url="https://crm.example/results", result_format=ResultFormat.JSON),
    )


def campaign_of(*numbers: str, pace: Pace | None = None, calendar: Calendar | None = None) -> MemoryTick:
    """Return a campaign that was started a moment ago, with these numbers in line."""
    window = CallingWindow(opens_minute=8 * 60, closes_minute=17 * 60, pace=pace)
    campaign = DueCampaign(
        tenant_id=1, campaign_id=1, state=CampaignState.RUNNING, epoch=1, started_at=NINE,
        pacing=PacingState(), now=NINE,
    )  # fmt: skip
    return MemoryTick(campaign=campaign, calendar_now=calendar or office_hours(window), in_line=list(numbers))


def tick(
    store: MemoryTick, at: datetime | None = None, *, horizon: timedelta = HORIZON, doorbell: bool = True
) -> int:
    """Look at the campaign at an instant; returns how many were claimed."""
    if at is not None:
        store.campaign = replace(store.campaign, now=at)
    return len(run(plan_campaign(store, Conditions(horizon=horizon, doorbell_works=doorbell))))


def names(count: int) -> list[str]:
    """Return so many names."""
    return [f"n{number:04}" for number in range(count)]


# What is claimed -------------------------------------------------------------------------------------------------


def test_a_whole_list_is_called_in_order_at_its_pace() -> None:
    """Ten a minute: 35 numbers take three minutes and a half, none is left out, and no minute holds eleven."""
    store = campaign_of(*names(35), pace=Pace(period_minutes=1, amount=10))
    while store.look_at is not None and store.in_line:
        tick(store, store.look_at)
    assert [name for name, *_ in store.claimed] == names(35)
    assert [number for _, number, *_ in store.claimed] == list(range(1, 36))
    dues = [due for _, _, due, _ in store.claimed]
    assert all(later > earlier for earlier, later in pairwise(dues))
    assert all(later - earlier >= 60 * SECOND for earlier, later in zip(dues, dues[10:], strict=False))
    assert dues[-1] - dues[0] == pytest.approx(204 * SECOND, abs=SECOND)


def test_what_is_claimed_is_due_between_lead_and_horizon() -> None:
    """Late enough to be heard, early enough to be rung on time."""
    store = campaign_of(*names(100), pace=Pace(period_minutes=1, amount=600))
    assert tick(store) > 10
    assert all(NINE + LEAD <= due <= NINE + HORIZON for _, _, due, _ in store.claimed)


@pytest.mark.parametrize("horizon_ms", [200, 500, 501, 10_000])
def test_every_horizon_that_may_be_set_leaves_room_for_a_call(horizon_ms: int) -> None:
    """A short one shortens the lead, so that something can be offered within it."""
    store = campaign_of("a")
    assert tick(store, horizon=timedelta(milliseconds=horizon_ms)) == 1


def test_a_window_without_a_pace_has_the_platform_s() -> None:
    """Until trunks bring their own."""
    store = campaign_of(*names(40))
    tick(store)
    [first, second, *_] = [due for _, _, due, _ in store.claimed]
    assert second - first >= UNPACED.shortest_spacing


def test_calls_on_both_sides_of_a_window_s_end_have_their_own_closing_time() -> None:
    """A gate must know by when each call has to leave: by the end of its window, and of its period."""
    calendar = office_hours(
        CallingWindow(opens_minute=8 * 60, closes_minute=9 * 60 + 1),
        CallingWindow(opens_minute=9 * 60 + 1, closes_minute=17 * 60),
    )
    store = campaign_of(*names(40), calendar=calendar)
    boundary = NINE + 60 * SECOND
    tick(store, boundary - SECOND)
    closing = {due < boundary: closes_at for _, _, due, closes_at in store.claimed}
    assert closing == {True: boundary, False: boundary + 60 * SECOND}


# Caps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "claimed"),
    [
        (Room(dialers=3), 3),
        (Room(dialers=100, campaign=5), 5),
        (Room(dialers=2, campaign=4), 2),
        (Room(dialers=100, channels=6), 6),
        (Room(dialers=100, tenant=7, channels=9), 7),
        (Room(dialers=100, campaign=0), 0),
        (Room(dialers=100, campaign=-4), 0),
        (Room(dialers=100, tenant=-1), 0),
        (Room(dialers=0), 0),
        (Room(dialers=-7, campaign=5), 0),
        (Room(dialers=10_000, campaign=8, plenty=True), 8),
    ],
)
def test_the_smallest_cap_decides(room: Room, claimed: int) -> None:
    """Room at the dialers and on the trunks, the tenant's and the campaign's own; without, it is asked again soon."""
    store = campaign_of(*names(50))
    store.room_now = room
    assert tick(store, NINE + 60 * SECOND, horizon=10 * SECOND) == claimed
    assert store.look_at == NINE + 60 * SECOND + SHORTEST_LOOK


def neighbour(campaign_id: int, *, wants: int, served: int = 0, tenant_id: int = 1) -> Claimant:
    """Return a campaign that waits for room."""
    return Claimant(tenant_id=tenant_id, campaign_id=campaign_id, served=served, wants=wants)


def test_room_that_others_wait_for_is_shared_with_them() -> None:
    """Thirteen calls for two who want more: seven, and the other's six are left to its own look."""
    store = campaign_of(*names(50))
    store.room_now, store.others = Room(dialers=13), Queue(claimants=[neighbour(2, wants=40)])
    assert tick(store, NINE + 60 * SECOND) == 7
    assert store.turn is not None
    assert (store.turn.served, store.turn.tenant_served) == (7, 7)
    assert store.turn.wants > 0
    store.room_now = Room(dialers=6, tenant_served=7)
    assert tick(store) == 0


def test_with_room_for_all_nobody_s_turn_is_counted() -> None:
    """The queue is a matter of the time in which room is short."""
    store = campaign_of(*names(50))
    store.room_now = Room(dialers=400)
    assert tick(store, NINE + 60 * SECOND) > 0
    assert store.turn == Turn(wants=0, served=0)


def test_a_line_that_is_over_waits_for_no_room() -> None:
    """Of four calls that it might claim there were numbers for two."""
    store = campaign_of("a", "b")
    store.room_now, store.others = Room(dialers=5), Queue(claimants=[neighbour(2, wants=1)])
    assert tick(store, NINE + 60 * SECOND) == 2
    assert store.turn == Turn(wants=0, served=2, tenant_served=2)


def test_calls_take_their_turns_on_the_trunks() -> None:
    """Four calls a second: each a quarter of a second after the one before, and none where another campaign's is."""
    store = campaign_of(*names(50))
    theirs = (NINE + SECOND, NINE + 1.25 * SECOND)
    store.room_now = Room(dialers=100, trunk=TrunkLoad(calls_per_second=4, dues=theirs))
    assert tick(store) == 5
    dues = [due for _, _, due, _ in store.claimed]
    assert dues == [NINE + seconds * SECOND for seconds in (0.5, 0.75, 1.5, 1.75, 2)]


def test_one_tick_claims_so_many_at_most() -> None:
    """A pace without bounds does not hold the campaign's row for a million numbers."""
    store = campaign_of(*names(CLAIM_AT_MOST + 10), pace=Pace(period_minutes=1, amount=1_000_000))
    assert tick(store) == CLAIM_AT_MOST
    assert store.look_at == NINE + SHORTEST_LOOK


@pytest.mark.parametrize("obstacle", ["doorbell", "hold"])
def test_what_stands_in_the_way_is_looked_at_again_in_a_second(obstacle: str) -> None:
    """And leaves everybody in line, and the pacing as it was."""
    store = campaign_of("a")
    before = store.campaign.pacing
    store.hold = "carrier maintenance" if obstacle == "hold" else None
    assert tick(store, doorbell=obstacle != "doorbell") == 0
    assert (store.in_line, store.campaign.pacing, store.look_at) == (["a"], before, NINE + LOOK_WHEN_BLOCKED)


@pytest.mark.parametrize("state", [CampaignState.READY, CampaignState.STOPPED])
def test_a_campaign_that_does_not_run_is_not_even_looked_into(state: CampaignState) -> None:
    """It rests until something wakes it."""
    store = campaign_of("a")
    store.campaign = replace(store.campaign, state=state)
    assert tick(store) == 0
    assert (store.look_at, store.asked, store.conclusions) == (None, [], [])


def deleted(*numbers: str, in_attempt: int = 0) -> MemoryTick:
    """Return a campaign that was deleted, with these numbers in line."""
    store = campaign_of(*numbers)
    store.campaign = replace(store.campaign, state=CampaignState.DELETED, started_at=None)
    store.in_attempt = in_attempt
    return store


def test_the_numbers_of_a_deleted_campaign_end_canceled() -> None:
    """Those in line and those that wait, whether it was ever started or not; then it rests for good."""
    store = deleted("a", "b")
    store.waiting = {"c": NINE + timedelta(days=1)}
    assert tick(store) == 0
    ends = [(each.result.message_reference, each.result.result) for each in store.conclusions]
    assert ends == [(name, Result.CANCELED) for name in ("a", "b", "c")]
    assert all(each.delivery is not None for each in store.conclusions)
    assert store.look_at is None


def test_a_deleted_campaign_waits_for_its_calls() -> None:
    """A number that comes back from an attempt is canceled then."""
    store = deleted(in_attempt=1)
    tick(store)
    assert store.look_at == NINE + LOOK_WHILE_UNDER_WAY
    store.in_attempt, store.in_line = 0, ["back"]
    tick(store)
    assert [each.result.message_reference for each in store.conclusions] == ["back"]
    assert store.look_at is None


def test_a_large_campaign_is_canceled_in_steps() -> None:
    """One transaction ends so many; the next one begins at once."""
    store = deleted(*names(CONCLUDE_AT_MOST + 1))
    tick(store)
    assert (len(store.conclusions), store.look_at) == (CONCLUDE_AT_MOST, NINE)
    tick(store)
    assert (len(store.conclusions), store.look_at) == (CONCLUDE_AT_MOST + 1, None)


# Rest ------------------------------------------------------------------------------------------------------------


def test_nobody_in_line_is_a_rest_until_the_window_closes() -> None:
    """A campaign whose numbers are all final costs nothing until then."""
    store = campaign_of()
    assert tick(store) == 0
    assert store.look_at == CLOSES


def test_a_rest_ends_when_the_first_waiting_number_may_be_called() -> None:
    """Whoever is to be called first decides."""
    store = campaign_of()
    store.waiting = {"later": NINE + timedelta(hours=2), "sooner": NINE + timedelta(hours=1)}
    tick(store)
    assert store.look_at == NINE + timedelta(hours=1)
    assert tick(store, store.look_at) == 1
    assert store.claimed[0][0] == "sooner"
    assert store.claimed[0][2] >= NINE + timedelta(hours=1)


def test_a_rest_is_short_while_a_number_may_come_back() -> None:
    """What another transaction is about to put back in line is not seen yet."""
    store = campaign_of("a")
    tick(store)
    assert store.look_at == NINE + LOOK_WHILE_UNDER_WAY


@pytest.mark.parametrize("idle_minutes", [0, 7, 200])
def test_whoever_comes_into_an_idle_line_is_called_at_the_next_slot(idle_minutes: int) -> None:
    """One call in ten minutes: nobody waits longer for it, and nobody is forgotten until the window closes."""
    store = campaign_of(pace=Pace(period_minutes=10, amount=1))
    tick(store)
    arrives = NINE + timedelta(minutes=idle_minutes, seconds=30)
    store.in_line, store.look_at = ["new"], arrives
    while not store.claimed:
        assert store.look_at is not None
        assert store.look_at <= arrives + timedelta(minutes=11)
        tick(store, store.look_at)
    assert store.claimed[0][2] - arrives <= timedelta(minutes=10)


def test_slots_that_went_by_while_nobody_was_in_line_are_not_saved_up() -> None:
    """After an idle hour the calls go out at the pace, not in a burst."""
    store = campaign_of(pace=Pace(period_minutes=1, amount=60))
    tick(store)
    store.in_line = names(50)
    tick(store, NINE + timedelta(hours=1))
    dues = [due for _, _, due, _ in store.claimed]
    assert all(later - earlier >= SECOND for earlier, later in pairwise(dues))


# The end ---------------------------------------------------------------------------------------------------------


def test_after_the_last_window_everybody_ends_out_of_time_in_steps() -> None:
    """So many at a tick, and the next at once; each with its tries so far. With none left and no call it is done."""
    store = campaign_of(*names(CONCLUDE_AT_MOST + 1))
    store.waiting, store.in_attempt = {"busy": CLOSES + SECOND}, 1
    ends, looks = [], []
    for _ in range(3):
        tick(store, CLOSES)
        ends.append(len(store.conclusions))
        looks.append(store.look_at)
    later = CLOSES + LOOK_WHEN_BLOCKED
    assert looks == [CLOSES, later, later]
    assert ends == [CONCLUDE_AT_MOST, CONCLUDE_AT_MOST + 2, CONCLUDE_AT_MOST + 2]
    assert {conclusion.result.disposition.outcome for conclusion in store.conclusions} == {
        Outcome.OUT_OF_TIME
    }
    assert {conclusion.result.attempts for conclusion in store.conclusions} == {2}
    store.in_attempt = 0
    tick(store, CLOSES)
    assert (store.look_at, store.campaign.state) == (None, CampaignState.DONE)


def test_a_campaign_that_is_done_gives_latecomers_their_end_and_rests() -> None:
    """Numbers of an upload that began before the last window closed."""
    store = campaign_of("late")
    store.campaign = replace(store.campaign, state=CampaignState.DONE)
    tick(store, CLOSES)
    assert [conclusion.result.message_reference for conclusion in store.conclusions] == ["late"]
    tick(store, CLOSES)
    assert store.look_at is None


def test_a_campaign_that_is_done_waits_for_a_start_even_if_a_window_is_open() -> None:
    """Later dates alone make nobody's phone ring."""
    store = campaign_of("a")
    store.campaign = replace(store.campaign, state=CampaignState.DONE)
    assert tick(store) == 0
    assert (store.look_at, store.in_line) == (None, ["a"])
