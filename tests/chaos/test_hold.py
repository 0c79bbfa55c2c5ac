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
LAST_INVITE_SECONDS = 1.0
LAST_BYE_SECONDS = 5.0


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """Calls that would go on for half a minute and more."""
    return {
        "PACELINE_SIMULATOR_SPEED": "1",
        "PACELINE_LONGEST_CALL_SECONDS": "120",
        "PACELINE_CALLS_PER_DIALER": "700",
    }


async def test_a_hold_with_hang_up_ends_every_call_and_loses_no_number(scene: Scene) -> None:
    """200 live, 1,000 due: the last INVITE leaves within 1 s, the last BYE within 5 s; released, all get theirs."""
    talkers = await scene.campaign(
        LIVE, per_minute=60 * 60, numbers=[f"+1{AREAS[place]}5550100" for place in range(LIVE)]
    )
    await scene.until(lambda: len(scene.calls(talkers)) == LIVE, "all are called", seconds=25)
    waiting = await scene.campaign(
        DUE, per_minute=60 * DUE // 2,
        numbers=[f"+1{AREAS[place // 2]}55501{(1, 5)[place % 2]:02}" for place in range(DUE)],
    )  # fmt: skip
    planned = "SELECT 1 FROM attempt WHERE campaign_id = $1 HAVING count(*) >= $2"
    await scene.until_sql(planned, waiting.campaign_id, DUE)
    assert scene.live() >= LIVE
    await scene.stage.sql("INSERT INTO hold (tenant_id, reason, hang_up) VALUES (0, 'a drill', true)")
    held_at = now()
    await scene.until(lambda: scene.live() == 0, "every call is over", seconds=LAST_BYE_SECONDS)
    await asyncio.sleep(1)
    calls = scene.stage.telephony.look()
    assert max(call.sent_at for call in calls) - held_at <= LAST_INVITE_SECONDS
    assert max(call.ended_at or float("inf") for call in calls) - held_at <= LAST_BYE_SECONDS
    called = len(calls)
    assert called < LIVE + DUE
    await scene.stage.sql("UPDATE hold SET released_at = clock_timestamp()")
    await scene.until(lambda: len(scene.stage.telephony.look()) > called, "dialing again", seconds=5)
    evidence = await scene.come_to_rest(seconds=60)
    assert len(evidence.calls) == LIVE + DUE
