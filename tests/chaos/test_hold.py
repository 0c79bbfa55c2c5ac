"""A hold stops everything: not one more call leaves, and what talks is hung up."""

import asyncio
from collections.abc import Mapping

import pytest

from tests.area_codes import AREAS
from tests.chaos.conftest import Scene
from tests.chaos.instants import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVE = 200
DUE = 1000
#: All that are due are called within so long: a busy machine may take most of it from a look to the hold.
DUE_SECONDS = 6
LAST_INVITE_SECONDS = 1.0
LAST_BYE_SECONDS = 5.0
#: Less than what talks would go on for, and more than any machine takes to hang up.
PATIENCE_SECONDS = 90.0
#: An intent that Postgres took after the hold had been placed there: one look at its clock may come before the other.
INTENT_AFTER_HOLD = "SELECT 1 FROM attempt, hold WHERE intent_at > placed_at + interval '1 s'"


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """Calls that would go on for two minutes."""
    return {
        "PACELINE_SIMULATOR_SPEED": "1",
        "PACELINE_LONGEST_CALL_SECONDS": "120",
        "PACELINE_CALLS_PER_DIALER": "700",
    }


@pytest.mark.parametrize("in_time", [False, pytest.param(True, marks=pytest.mark.drill)])
async def test_a_hold_with_hang_up_ends_every_call_and_loses_no_number(
    scene: Scene, *, in_time: bool
) -> None:
    """200 live, 1,000 due: no intent is taken any more, all that talks is hung up, and released, all get their call.

    The drill, on a machine with nothing else to do, has a watch: the last INVITE within 1 s, the last BYE within 5 s.
    """
    talkers = await scene.campaign(
        LIVE, per_minute=60 * 60, numbers=[f"+1{AREAS[place]}5550100" for place in range(LIVE)]
    )
    await scene.until(lambda: len(scene.calls(talkers)) == LIVE, "all are called", seconds=PATIENCE_SECONDS)
    waiting = await scene.campaign(
        DUE, per_minute=60 * DUE // DUE_SECONDS,
        numbers=[f"+1{AREAS[place // 2]}55501{(1, 5)[place % 2]:02}" for place in range(DUE)],
    )  # fmt: skip
    planned = "SELECT 1 FROM attempt WHERE campaign_id = $1 HAVING count(*) >= $2"
    await scene.until_sql(planned, waiting.campaign_id, DUE // DUE_SECONDS, seconds=PATIENCE_SECONDS)
    assert scene.live() >= LIVE
    await scene.stage.sql("INSERT INTO hold (tenant_id, reason, hang_up) VALUES (0, 'a drill', true)")
    held_at = now()
    await scene.until(lambda: scene.live() == 0, "every call is over", seconds=PATIENCE_SECONDS)
    await asyncio.sleep(1)
    calls = scene.stage.telephony.look()
    assert await scene.stage.sql(INTENT_AFTER_HOLD) == []
    if in_time:
        assert max(call.sent_at for call in calls) - held_at <= LAST_INVITE_SECONDS
        assert max(call.ended_at or float("inf") for call in calls) - held_at <= LAST_BYE_SECONDS
    called = len(calls)
    assert called < LIVE + DUE
    await scene.stage.sql("UPDATE hold SET released_at = clock_timestamp()")
    await scene.until(
        lambda: len(scene.stage.telephony.look()) > called, "dialing again", seconds=PATIENCE_SECONDS
    )
    evidence = await scene.come_to_rest(seconds=240)
    assert len(evidence.calls) == LIVE + DUE
