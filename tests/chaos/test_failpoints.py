"""Every crash point of the road, each with a real process that dies exactly there.

The story is told once. Each test then looks at one point: that it was hit, and what followed. In the end the judge of
all crash tests says whether anybody was rung twice or anything was lost.
"""

import contextlib
import random
import signal
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from shared.domain.retry import Withheld
from shared.failpoints import Failpoint, FailpointRaised
from tests.chaos.evidence import UNKNOWN
from tests.chaos.failpoint_story import LEAVES_UNKNOWN, SETTINGS, ArmedFleet, P, SlowReceiver, Story
from tests.chaos.judge import charges
from tests.chaos.stage import stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """The story, told to its end."""
    folder = tmp_path_factory.mktemp("failpoints")
    async with contextlib.AsyncExitStack() as stack:
        platform = await stack.enter_async_context(stage(folder, services={}, settings=SETTINGS))
        receiver = SlowReceiver(rng=random.Random(1))
        address = await stack.enter_async_context(receiver.served())
        for customer in platform.customers.values():
            customer.receiver = address
        await platform.fleet.close()
        fleet = ArmedFleet(folder, platform.fleet._environment)
        platform.fleet, platform.webhooks = fleet, receiver
        await fleet.start({"api": 1, "pacer": 1, "dialer": 2})
        this = Story(platform=platform, fleet=fleet, receiver=receiver)
        await this.tell()
        yield this
    assert platform.left_over == []


KILLED_AT: Final = [point for point in Failpoint if point is not P.RING_HEARD]


@pytest.mark.parametrize("point", KILLED_AT, ids=lambda point: f"{point} {point.name}")
async def test_a_process_died_by_sigkill_at_the_point(story: Story, point: Failpoint) -> None:
    """Its log ends with the pass, and what started it saw SIGKILL."""
    end = story.hits[point].end
    assert end.status == -signal.SIGKILL
    assert f"{point} {point.name}, pass " in story.fleet.logs()[end.name]


async def test_nobody_was_rung_twice_and_nothing_was_lost(story: Story) -> None:
    """Every acknowledged number is final, with one result delivered under one id, and no call was one too many."""
    assert story.evidence is not None
    found = {charge.name: charge.cases for charge in charges(story.evidence)}
    broke = [line for line in found["error lines in the logs"] if FailpointRaised.__name__ not in line]
    found["error lines in the logs"] = broke
    assert {name: cases[:5] for name, cases in found.items() if cases} == {}


async def test_conservation_and_the_one_result_hold_in_postgres(story: Story) -> None:
    """I4 and I10: every number has one result and one delivery, and no attempt and no live call is left open."""
    (row,) = await story.platform.sql(
        "SELECT (SELECT sum(accepted) FROM campaign_queue) AS accepted, (SELECT count(*) FROM number) AS numbers,"
        " (SELECT count(*) FROM result) AS results, (SELECT sum(numbers) FROM outcome_count) AS counted,"
        " (SELECT count(*) FROM delivery WHERE state = 'DELIVERED') AS delivered"
    )
    assert len(set(row.values())) == 1
    left_open = (
        "SELECT 1 FROM attempt WHERE state NOT IN ('DONE', 'WITHHELD') UNION ALL SELECT 1 FROM live_call"
    )
    assert await story.platform.sql(left_open) == []
    more_than_one = "SELECT 1 FROM attempt WHERE state = 'DONE' GROUP BY number_id HAVING count(*) > 1"
    assert await story.platform.sql(more_than_one) == []


# The API -----------------------------------------------------------------------------------------------------------


async def test_a_list_that_was_half_copied_is_not_there(story: Story) -> None:
    """CP1: nothing of it was seen after the crash, and sent again it is taken whole."""
    facts = story.hits[P.UPLOAD_STAGED_IN_PART].facts
    assert facts["batches"] == [(1, 0)]
    assert facts["afterwards"] == [(1, 0), (5, 0)]


async def test_a_list_whose_answer_was_lost_is_there_once(story: Story) -> None:
    """CP0: it was stored before the crash, and sent again every line of it is a duplicate."""
    facts = story.hits[P.UPLOAD_COMMITTED].facts
    assert facts["batches"] == [(1, 0), (5, 0), (5, 0)]
    assert facts["afterwards"] == [(1, 0), (5, 0), (5, 0), (0, 5)]


async def test_a_stop_is_whole_or_not_at_all(story: Story) -> None:
    """CP17: cut off, it changed nothing; asked for again it stopped, and after the start everybody was called."""
    facts = story.hits[P.STOP_NOT_COMMITTED].facts
    assert facts["before"] == facts["then"] == ("RUNNING", 1)
    assert facts["afterwards"] == ("RUNNING", 3)  # stopped and started again


# The pacer ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", [P.SLOTS_COMMITTED, P.RUNG], ids=str)
async def test_attempts_that_nobody_heard_of_cost_no_try(story: Story, point: Failpoint) -> None:
    """CP2, CP3: what was planned and not heard was rung for again in time, or withheld as late."""
    planned = story.hits[point].facts["planned"]
    assert planned
    rows = await story.platform.sql(
        "SELECT a.state::text, n.tries FROM attempt a JOIN number n USING (tenant_id, campaign_id, number_id)"
        " WHERE a.attempt_id = ANY ($1)",
        planned,
    )
    assert {row["state"] for row in rows} <= {"DONE", "WITHHELD"}
    assert {row["tries"] for row in rows} == {1}


@pytest.mark.parametrize("point", [P.SLOTS_COMMITTED, P.RUNG, P.SLOTS_RESERVED], ids=str)
async def test_slots_and_attempts_are_reserved_together(story: Story, point: Failpoint) -> None:
    """CP16, and the others: a campaign's account never tells of more or fewer emissions than there are."""
    assert story.hits[point].facts["torn"] == []


async def test_a_reaper_that_dies_within_a_batch_has_ended_nobody(story: Story) -> None:
    """CP15: all of the batch were Unknown still after the crash, and each is done once in the end."""
    facts = story.hits[P.REAPED_IN_PART].facts
    assert len(facts["over"]) >= 2
    assert facts["states"] == {"UNKNOWN": len(facts["over"])}
    rows = await story.platform.sql(
        "SELECT state::text, outcome FROM attempt WHERE attempt_id = ANY ($1)", facts["over"]
    )
    assert {tuple(row) for row in rows} == {("DONE", UNKNOWN)}


# The dialer --------------------------------------------------------------------------------------------------------


async def test_a_ring_that_is_fetched_and_dropped_costs_no_try(story: Story) -> None:
    """CP4: a dialer that hears nothing leases nothing, however often it is rung for."""
    passes, leased = story.dropped
    assert passes >= 3
    assert leased == 0


async def test_a_dialer_that_dies_with_a_lease_has_called_nobody(story: Story) -> None:
    """CP5: what it had leased was planned again or withheld, and its number was called once by somebody else."""
    held = [row for row in story.hits[P.LEASED].held if row["state"] == "LEASED"]
    assert held
    rows = await story.platform.sql(
        "SELECT a.attempt_id, a.state::text, a.epoch, a.outcome, n.tries FROM attempt a"
        " JOIN number n USING (tenant_id, campaign_id, number_id) WHERE a.attempt_id = ANY ($1)",
        [row["attempt_id"] for row in held],
    )
    epochs = {row["attempt_id"]: row["epoch"] for row in held}
    for row in rows:
        assert row["tries"] == 1
        leased_again = row["state"] == "DONE" and row["epoch"] > epochs[row["attempt_id"]]
        assert leased_again or row["state"] == "WITHHELD"


async def test_an_intent_that_comes_too_late_sends_nothing(story: Story) -> None:
    """CP6, held up: the worker's own clock is the last gate; the attempt is withheld, and the number called later."""
    assert story.evidence is not None
    assert len(story.too_late) >= 2
    for row in story.too_late:
        assert row["withheld_because"] == Withheld.LATE
        assert row["attempt_id"] not in story.evidence.calls_of


#: In which state a call stands at a point, how many INVITEs the network saw of it, and whether it saw the end.
STANDS: Final = {
    P.INTENT_COMMITTED: ({"DIALING"}, 0, False),
    P.INVITE_SENT: ({"DIALING"}, 1, False),
    P.RINGING: ({"RINGING"}, 1, False),
    P.APPLICATION_ASKED: ({"IN_CALL"}, 1, False),
    P.IN_CALL: ({"IN_CALL"}, 1, False),
    P.CALL_OVER: ({"IN_CALL", "RINGING", "DIALING"}, 1, True),
}


@pytest.mark.parametrize("point", LEAVES_UNKNOWN, ids=lambda point: f"{point} {point.name}")
async def test_a_call_that_nobody_can_report_on_ends_as_an_honest_unknown(
    story: Story, point: Failpoint
) -> None:
    """CP6 to CP11: a call stood exactly there; it is Unknown, costs its try, and is never called again."""
    assert story.evidence is not None
    states, invites, ended = STANDS[point]
    found = 0
    for row in story.hits[point].held:
        calls = story.evidence.calls_of.get(row["attempt_id"], [])
        seen_ended = any(call.ended_at is not None for call in calls)
        if row["state"] not in states or len(calls) != invites or seen_ended is not ended:
            continue
        found += 1
        (attempt,) = [each for each in story.evidence.attempts if each.attempt_id == row["attempt_id"]]
        assert (attempt.state, attempt.outcome) == ("DONE", UNKNOWN)
        (result,) = await story.platform.sql(
            "SELECT outcome, result, attempts FROM result WHERE number_id = $1", row["number_id"]
        )
        assert tuple(result) == (UNKNOWN, "failed", 1)
    assert found


async def test_a_result_that_nobody_was_woken_for_is_delivered(story: Story) -> None:
    """CP12: it stood in Postgres with its delivery, and arrived."""
    (row,) = story.hits[P.RESULT_COMMITTED].facts["written"]
    (delivery,) = await story.platform.sql(
        "SELECT state::text, webhook_id FROM delivery WHERE number_id = $1", row["number_id"]
    )
    assert delivery["state"] == "DELIVERED"
    assert delivery["webhook_id"] in {post.webhook_id for post in story.receiver.posts}


@pytest.mark.parametrize("point", [P.WEBHOOK_SENT, P.WEBHOOK_ANSWERED], ids=lambda point: point.name)
async def test_a_post_that_was_not_recorded_comes_again_as_it_was(story: Story, point: Failpoint) -> None:
    """CP13, CP14: the receiver had it before the crash and gets it once more, with the same id and bytes."""
    hit = story.hits[point]
    again = 0
    for webhook_id in hit.facts["sending"]:
        # The first was nobody's but the dead one's; when a busy receiver got to see it says nothing.
        posts = [post for post in story.receiver.posts if post.webhook_id == webhook_id]
        if len(posts) > 1:
            again += 1
            assert len({post.digest for post in posts}) == 1
    assert again
