"""The trunk is gone for a minute: nobody's number ends by it, the campaign says why it waits, and goes on alone."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from shared.domain.retry import Withheld
from tests.chaos.conftest import Scene
from tests.chaos.customer import ChaosCampaign
from tests.chaos.instants import now

pytestmark = [pytest.mark.drill, pytest.mark.asyncio(loop_scope="module")]

NUMBERS: Final = 1000
GONE_SECONDS: Final = 60.0
#: A dialer speaks every two seconds, and a blocked campaign is looked at every second.
HELD_SECONDS: Final = 5.0
RESUMED_SECONDS: Final = 10.0


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file whose existence takes the trunk away."""
    return tmp_path_factory.mktemp("trunk") / "outage"


@pytest.fixture(scope="module")
def settings(outage: Path) -> Mapping[str, str]:
    """Dialers that look for the file."""
    return {"PACELINE_SIMULATOR_OUTAGE_FILE": str(outage)}


async def test_a_trunk_may_be_gone_for_a_minute(scene: Scene, outage: Path) -> None:
    """1,000 numbers: none is final by it and none lost, no try is spent, the campaign says why it is held."""
    campaign = await scene.campaign(NUMBERS, per_minute=2400)
    await scene.until(lambda: len(scene.calls(campaign)) >= 100, "dialing", seconds=20)
    await asyncio.to_thread(outage.touch)
    gone_at = now()
    await _until_held(scene, campaign)
    await scene.until(lambda: scene.live() == 0, "the calls under way end", seconds=10)
    await scene.until_sql(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM attempt WHERE state IN ('PLANNED', 'LEASED', 'DIALING'))"
    )
    called, standing = len(scene.calls(campaign)), await _standing(scene)
    await asyncio.sleep(GONE_SECONDS - (now() - gone_at))
    assert len(scene.calls(campaign)) == called
    assert await _standing(scene) == standing
    assert standing["final"] == called < NUMBERS
    await asyncio.to_thread(outage.unlink)
    await scene.until(lambda: len(scene.calls(campaign)) > called, "dialing again", seconds=RESUMED_SECONDS)
    evidence = await scene.come_to_rest(seconds=60)
    assert len(evidence.calls) == NUMBERS
    assert not evidence.unknown
    assert (await _view(campaign))["held"] is None
    withheld = {attempt.withheld_because for attempt in evidence.attempts if attempt.withheld_because}
    assert Withheld.NO_TRUNK in withheld
    (tries,) = await scene.stage.sql("SELECT min(tries) AS fewest, max(tries) AS most FROM number")
    assert (tries["fewest"], tries["most"]) == (1, 1)


async def _until_held(scene: Scene, campaign: ChaosCampaign) -> None:
    began = now()
    while (held := (await _view(campaign))["held"]) is None:
        assert now() - began < HELD_SECONDS, "the campaign does not say that it is held"
        await asyncio.sleep(0.1)
    assert held == "the simulated trunk is gone: calls go on when the file outage is removed"


async def _view(campaign: ChaosCampaign) -> dict[str, Any]:
    views = await campaign.customer.views()
    assert views is not None
    return next(view for view in views if view["campaign_id"] == campaign.campaign_id)


async def _standing(scene: Scene) -> dict[str, int]:
    """Return how many numbers are final, how many results there are, and how many calls were counted as tries."""
    (row,) = await scene.stage.sql(
        "SELECT count(*) FILTER (WHERE state = 'FINAL') AS final, sum(tries)::integer AS tries,"
        " (SELECT count(*) FROM result) AS results FROM number"
    )
    return dict(row)
