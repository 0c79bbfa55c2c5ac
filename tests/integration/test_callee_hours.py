"""Callees' hours on a real Postgres: whose line is claimed, what is left alone, and the gate in the intent.

Postgres' clock cannot be set, so that the places are chosen instead: somewhere it is two in the afternoon now, and
somewhere else two in the morning.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.planning import PostgresPlanning
from shared.clock import utc_now
from shared.contracts.dial_job import DialJob
from shared.domain.callee_hours import USUAL_HOURS, CalleeClock, CalleeHours, next_open_span
from shared.domain.campaign import Dialect
from shared.domain.disposition import Outcome
from shared.domain.gate import GateFacts, verdict, words
from shared.domain.pace import Pace
from shared.domain.phone_list import PhoneEntry, RefusedLine
from shared.domain.retry import BackInLine, WaitUntil, Withheld, land
from shared.ports.dialing import Intent, LeasedAttempt

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: As patient as the other tests of the repositories.
SEND_TOLERANCE_SECONDS = 60
#: A hundred calls a second: one tick has more slots in sight than a test has numbers.
FAST = Pace(period_minutes=1, amount=6000)
#: Lets everybody be called at any hour.
WAKE_ALL = "UPDATE campaign SET callee_from_minute = 0, callee_until_minute = 1440 WHERE campaign_id = $1"


@cache
def zone_showing(hour: int) -> str:
    """Return a zone without summer time whose clocks show this hour now; it stays the same for all these tests."""
    ahead = (hour - utc_now().hour + 12) % 24 - 12
    return "UTC" if ahead == 0 else f"Etc/GMT{-ahead:+d}"


def day() -> str:
    """Return a place where people may be called for six hours more."""
    return zone_showing(14)


def night() -> str:
    """Return a place where they may not be for five hours yet."""
    return zone_showing(2)


async def homes(*zones: str | None, first_line: int = 1) -> AsyncIterator[Sequence[PhoneEntry | RefusedLine]]:
    """Yield a list of different numbers that are at home in these zones."""
    yield [
        PhoneEntry(line_no, f"+1202555{line_no:04}", None, None, f"r{line_no}", (), zone)
        for line_no, zone in enumerate(zones, first_line)
    ]


async def campaign(
    store: "Store", *zones: str | None, pace: Pace = FAST, hours: CalleeHours | None = USUAL_HOURS
) -> tuple[int, int]:
    """Start a campaign to numbers in these zones, with a dialer there; returns tenant and campaign."""
    tenant_id = await store.tenant()
    await store.dialer()
    campaign_id = await store.campaign(tenant_id, pace=pace, callee_hours=hours)
    await store.campaigns.add_numbers(tenant_id, Dialect.PLUM, campaign_id, homes(*zones))
    return tenant_id, campaign_id


async def lines_in(store: "Store", state: str) -> list[int]:
    """Return the lines whose numbers are in a state."""
    rows = await store.sql(
        "SELECT line_no FROM number WHERE state = $1::number_state ORDER BY line_no", state
    )
    return [row["line_no"] for row in rows]


async def claimed(store: "Store", jobs: list[DialJob]) -> list[int]:
    """Return the lines of attempts, in the order in which they are due."""
    return [line_no for _, line_no in await store.lines_of(jobs)]


# Taken in ----------------------------------------------------------------------------------------------------------


async def test_a_number_s_home_is_looked_up_when_it_is_taken_in(store: "Store") -> None:
    """Its list's word comes first, then its area code; of which nothing is known, it lives where its campaign does."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, start=False, callee_hours=USUAL_HOURS)

    # A satellite's number is of no zone, and dear.
    await store.sql("UPDATE tenant SET premium_allowed = true WHERE tenant_id = $1", tenant_id)

    async def lines() -> AsyncIterator[Sequence[PhoneEntry]]:
        numbers = ("+12025550100", "+12125550100", "+12085550100", "+870772001234", "+12025550101")
        stated = (None, None, None, None, "Asia/Tokyo")
        yield [
            PhoneEntry(line_no, e164, None, None, None, (), zone)
            for line_no, (e164, zone) in enumerate(zip(numbers, stated, strict=True), 1)
        ]

    await store.campaigns.add_numbers(tenant_id, Dialect.PLUM, campaign_id, lines())
    rows = await store.sql(
        "SELECT n.time_zone, z.zones FROM number n JOIN callee_zones z USING (tenant_id, campaign_id, zones_no)"
        " ORDER BY line_no"
    )
    own = await store.one("SELECT time_zone FROM campaign")
    assert [tuple(row) for row in rows] == [
        (None, ["America/New_York"]),
        (None, ["America/New_York"]),
        (None, ["America/Boise", "America/Los_Angeles"]),
        (None, [own]),
        ("Asia/Tokyo", ["Asia/Tokyo"]),
    ]
    assert await store.one("SELECT count(*) FROM callee_zones") == 4


async def test_where_nobody_asked_for_hours_nobody_looks(store: "Store") -> None:
    """No zones are kept, save what the list itself said, and the numbers are called as ever."""
    _, campaign_id = await campaign(store, night(), None, hours=None)
    rows = await store.sql("SELECT time_zone, zones_no FROM number ORDER BY line_no")
    assert [tuple(row) for row in rows] == [(night(), None), (None, None)]
    assert await store.sql("SELECT 1 FROM callee_zones") == []
    assert await claimed(store, await store.tick(campaign_id)) == [1, 2]


async def test_uploads_at_the_same_time_agree_about_the_zones(store: "Store") -> None:
    """Each set of zones is there once, whichever of eight uploads met it first; none waits for another in a circle."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, start=False, callee_hours=USUAL_HOURS)
    zones = ("Europe/London", "Asia/Tokyo", None, "America/Chicago")
    await asyncio.gather(
        *(
            store.campaigns.add_numbers(
                tenant_id, Dialect.PLUM, campaign_id,
                homes(*zones[turn % 4 :], *zones[: turn % 4], first_line=turn * 10 + 1),
            )
            for turn in range(8)
        )
    )  # fmt: skip
    rows = await store.sql(
        "SELECT z.zones, count(*) FROM number n JOIN callee_zones z USING (tenant_id, campaign_id, zones_no) GROUP BY 1"
    )
    assert sorted((row["zones"], row["count"]) for row in rows) == [
        (["America/Chicago"], 8),
        (["America/New_York"], 8),
        (["Asia/Tokyo"], 8),
        (["Europe/London"], 8),
    ]


# Claimed -----------------------------------------------------------------------------------------------------------


async def test_only_numbers_whose_clocks_allow_it_are_claimed(store: "Store") -> None:
    """In the order of their lines over all zones that are open; no slot is spent on the others, who stay in line."""
    open_too = zone_showing(15)
    _, campaign_id = await campaign(store, night(), day(), open_too, night(), day())
    jobs = await store.tick(campaign_id)
    assert await claimed(store, jobs) == [2, 3, 5]
    assert await lines_in(store, "READY") == [1, 4]
    attempts = await store.sql("SELECT emission_no, due_at, callee_closes_at FROM attempt ORDER BY due_at")
    assert [row["emission_no"] for row in attempts] == [1, 2, 3]
    for row in attempts:
        assert timedelta(hours=4) < row["callee_closes_at"] - row["due_at"] <= timedelta(hours=7)
    assert await store.tick(campaign_id) == []
    assert await store.broken_invariants() == {}


async def test_a_number_at_home_in_several_zones_is_claimed_when_all_are_open(store: "Store") -> None:
    """One clock that shows the night is enough."""
    tenant_id, campaign_id = await campaign(store, day(), day())
    both = sorted((day(), night()))
    await store.sql(
        "INSERT INTO callee_zones (tenant_id, campaign_id, zones_no, zones) VALUES ($1, $2, 9, $3)",
        tenant_id, campaign_id, both,
    )  # fmt: skip
    await store.sql("UPDATE number SET zones_no = 9 WHERE line_no = 1")
    assert await claimed(store, await store.tick(campaign_id)) == [2]


async def test_who_waits_for_an_instant_waits_for_the_morning_too(store: "Store") -> None:
    """Of the numbers whose time has come those are claimed first whose clocks allow it; the others keep waiting."""
    _, campaign_id = await campaign(store, night(), day(), day(), day())
    wait = (
        "UPDATE number SET state = 'WAITING', next_at = clock_timestamp() + make_interval(secs => $2)"
        " WHERE line_no = $1"
    )
    for line_no, seconds in ((1, -60.0), (4, -30.0), (3, 3600.0)):
        await store.sql(wait, line_no, seconds)
    assert await claimed(store, await store.tick(campaign_id)) == [4, 2]
    assert await lines_in(store, "WAITING") == [1, 3]


async def test_a_line_that_opens_begins_at_its_own_first_number(store: "Store") -> None:
    """However far another line has come: a cursor of one is none of the other."""
    _, campaign_id = await campaign(store, night(), day(), night(), day())
    assert await claimed(store, await store.tick(campaign_id)) == [2, 4]
    await store.sql(WAKE_ALL, campaign_id)
    assert await claimed(store, await store.tick(campaign_id)) == [1, 3]


async def test_a_number_that_was_returned_is_found_behind_its_cursor(store: "Store") -> None:
    """The cursor is a hint: when nothing is left after it, the whole line is looked at."""
    _, campaign_id = await campaign(store, day(), day(), night())
    jobs = await store.tick(campaign_id)
    assert await claimed(store, jobs) == [1, 2]
    assert await store.attempts().withhold(await store.leased(jobs[0]), Withheld.SHUTDOWN, BackInLine())
    assert await claimed(store, await store.tick(campaign_id)) == [1]
    assert await store.broken_invariants() == {}


async def test_no_more_is_claimed_than_there_are_slots_over_all_lines(store: "Store") -> None:
    """A pace of two in sight takes two numbers, the first in line of several zones."""
    pace = Pace(period_minutes=1, amount=60)
    _, campaign_id = await campaign(store, night(), zone_showing(13), day(), zone_showing(15), pace=pace)
    jobs = await store.tick(campaign_id)
    assert await claimed(store, jobs) == [2, 3][: len(jobs)]
    assert 1 <= len(jobs) <= 2


async def test_a_campaign_whose_callees_all_sleep_rests_until_the_first_wakes(store: "Store") -> None:
    """Nobody is asked again and again; the next look is when the first hours begin, or the window ends."""
    _, campaign_id = await campaign(store, night(), zone_showing(1))
    assert await store.tick(campaign_id) == []
    span = next_open_span(CalleeClock(hours=USUAL_HOURS, zones=(night(),)), utc_now())
    assert span is not None
    wakes_in = (span.opens_at - utc_now()).total_seconds()
    seconds = await store.look_in_seconds(campaign_id)
    closes_in = await store.one(
        "SELECT extract(epoch FROM date_trunc('day', clock_timestamp(), time_zone) + interval '1 day'"
        " - clock_timestamp())::float8 FROM campaign"
    )
    assert seconds == pytest.approx(min(wakes_in, closes_in), abs=60)
    assert await store.one("SELECT emitted FROM campaign_pacing") == 0


async def test_pacers_that_take_turns_claim_nobody_twice(store: "Store") -> None:
    """Four tick at the same time, over and over: every open number has one attempt, and every slot one number."""
    zones = [day(), night(), zone_showing(13), zone_showing(15)] * 25
    _, campaign_id = await campaign(store, *zones)
    for _ in range(4):
        await store.look_now(campaign_id)
        await asyncio.gather(*(store.tick() for _ in range(4)))
    assert await store.one("SELECT count(*) FROM attempt") == 75
    assert len(await lines_in(store, "READY")) == 25
    assert await store.broken_invariants() == {}


# Dialed ------------------------------------------------------------------------------------------------------------


async def refused(store: "Store", leased: LeasedAttempt, *, gap: float = 0.0) -> GateFacts:
    """Return the facts by which an intent is refused, and show that it changed nothing."""
    before = await store.picture()
    facts = await store.attempts(callee_gap_seconds=gap).commit_intent(leased, "fence")
    assert isinstance(facts, GateFacts)
    assert await store.picture() == before
    return facts


async def test_a_call_is_refused_at_the_callee_s_closing_time(store: "Store") -> None:
    """It waits for the next instant that suits both, its attempt says why in words, and no try is spent."""
    _, campaign_id = await campaign(store, day())
    leased = await store.leased((await store.tick(campaign_id))[0])
    assert leased.callee == CalleeClock(hours=USUAL_HOURS, zones=(day(),))
    # As if it had been planned at the end of the callee's day, and that were over.
    await store.sql("UPDATE attempt SET callee_closes_at = clock_timestamp()")
    evening = CalleeClock(hours=USUAL_HOURS, zones=(zone_showing(21),))
    facts = await refused(store, leased)
    assert verdict(facts) is Withheld.CALLEE_HOURS
    decision = land(await store.attempts().calendar(leased.job), evening, earliest=facts.now)
    assert isinstance(decision, WaitUntil)
    said = words(Withheld.CALLEE_HOURS, facts, evening)
    assert await store.attempts().withhold(leased, Withheld.CALLEE_HOURS, decision, words=said)
    attempt, number = await store.attempt(leased.job), await store.number_of(leased.job)
    assert attempt["withheld_because"] == said
    assert said.startswith(("21:", "22:"))
    assert said.endswith(f"{evening.zones[0]}, allowed until 21:00")
    assert (number["state"], number["tries"], number["next_at"]) == ("WAITING", 0, decision.at)
    assert timedelta(hours=9) < number["next_at"] - facts.now <= timedelta(hours=25)


async def test_inside_the_callee_s_hours_the_intent_is_committed(store: "Store") -> None:
    """Else every other test here would pass by refusing everything."""
    _, campaign_id = await campaign(store, day())
    [job] = await store.tick(campaign_id)
    answer = await store.attempts().commit_intent(await store.leased(job), "fence")
    assert isinstance(answer, Intent)


async def test_the_gap_between_two_calls_is_kept_across_campaigns(store: "Store") -> None:
    """Another campaign of the tenant waits until the gap is over; another tenant and a gap of zero wait for nothing."""
    tenant_id = await store.tenant()
    first = await store.dialing(await store.planned(tenant_id=tenant_id))
    assert await store.end(first)
    second = await store.leased(await store.planned(tenant_id=tenant_id))
    facts = await refused(store, second, gap=60)
    assert verdict(facts) is Withheld.TOO_SOON
    ended_at = await store.one("SELECT last_call_ended_at FROM callee")
    assert facts.rested_at == ended_at + timedelta(seconds=60)
    assert f"allowed from {facts.rested_at:%Y-%m-%d %H:%M:%S} UTC" in words(Withheld.TOO_SOON, facts, None)
    strangers = await store.leased(await store.planned())
    for leased in (strangers, second):
        gap = 60 if leased is strangers else 0
        answer = await store.attempts(callee_gap_seconds=gap).commit_intent(leased, f"fence-{gap}")
        assert isinstance(answer, Intent)


async def test_a_gap_that_is_over_keeps_nobody(store: "Store") -> None:
    """A call that ended longer ago than the gap is no reason to wait, and the facts do not make it one."""
    tenant_id = await store.tenant()
    assert await store.end(await store.dialing(await store.planned(tenant_id=tenant_id)))
    await store.sql("UPDATE callee SET last_call_ended_at = last_call_ended_at - interval '61 s'")
    second = await store.leased(await store.planned(tenant_id=tenant_id))
    await store.sql("INSERT INTO hold (tenant_id, reason) VALUES (0, 'why')")
    assert verdict(await refused(store, second, gap=60)) is Withheld.HELD
    await store.sql("UPDATE hold SET released_at = clock_timestamp()")
    answer = await store.attempts(callee_gap_seconds=60).commit_intent(second, "fence")
    assert isinstance(answer, Intent)


# Seen, and over ----------------------------------------------------------------------------------------------------


async def test_an_owner_sees_whose_clocks_keep_numbers_back(store: "Store") -> None:
    """In words, each clock once, and only while somebody is in line there."""
    tenant_id, campaign_id = await campaign(store, night(), night(), day())
    view = await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)
    [why] = view.withheld
    assert why.startswith(("02:", "03:"))
    assert why.endswith(f"{night()}, allowed from 08:00")
    assert view.callee_hours == USUAL_HOURS
    await store.sql(WAKE_ALL, campaign_id)
    assert (await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)).withheld == ()


async def test_who_could_never_be_called_is_out_of_time(store: "Store") -> None:
    """When the campaign's windows are over, numbers that slept in all of them end like the others, none uncalled."""
    tenant_id, campaign_id = await campaign(store, night(), day(), night())
    [job] = await store.tick(campaign_id)
    assert await store.end(await store.dialing(job))
    await store.sql("UPDATE campaign SET last_date = first_date")
    assert await store.tick(campaign_id) == []
    results = await store.sql("SELECT outcome, attempts FROM result ORDER BY number_id")
    never = (Outcome.OUT_OF_TIME, 0)
    assert [tuple(row) for row in results] == [never, (Outcome.ANSWERED, 1), never]
    view = await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)
    assert (view.numbers.accepted, view.numbers.final, view.state.value) == (3, 3, "DONE")
    assert await store.one("SELECT count(*) FROM delivery") == 3
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_sleepers_at_the_head_of_the_line_cost_a_claim_nothing(store: "Store") -> None:
    """What is read depends on who is claimed: not one of ten thousand numbers of closed lines is looked at."""
    _, campaign_id = await campaign(store, *[night()] * 10_000, *[day()] * 20)
    await store.sql("ANALYZE number")
    database = await Database.connect(store.url, role="paceline_pacer", size=2)
    planning = PostgresPlanning(database, send_tolerance_seconds=SEND_TOLERANCE_SECONDS)
    before = await pages_of_numbers(store)
    assert len(await store.tick(campaign_id, planning=planning)) == 20
    await database.close()  # a session that ends has reported all that it has read
    assert await pages_of_numbers(store) - before < 2000


async def pages_of_numbers(store: "Store") -> int:
    """Return how many pages of the numbers and their indexes have been looked at so far."""
    await store.sql("SELECT pg_stat_force_next_flush()")
    await store.sql("SELECT pg_stat_clear_snapshot()")
    pages: int = await store.one(
        "SELECT heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit"
        " FROM pg_statio_user_tables WHERE relname = 'number'"
    )
    return pages


async def test_the_chosen_places_are_what_they_say() -> None:
    """Their clocks show the hours that they were chosen for, or the next, if these tests run over one."""
    for hour in range(24):
        shown = utc_now().astimezone(ZoneInfo(zone_showing(hour))).hour
        assert shown in {hour, (hour + 1) % 24}
