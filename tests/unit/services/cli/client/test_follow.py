"""Following a campaign."""

import io
from typing import TYPE_CHECKING

import pytest

from services.cli.client import follow as follow_module
from services.cli.client.api import NothingAnswers, PacelineApi
from services.cli.client.follow import Interest, follow, looks
from services.cli.screen import Screen, screen_on

if TYPE_CHECKING:
    from tests.unit.services.cli.conftest import SmallApi

OVER = Interest(until=lambda campaign: campaign.is_over)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(follow_module, "LINE_SECONDS", 0.0)


def _advancing(small_api: "SmallApi", monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one more number final at each look."""
    campaign = small_api.campaign(numbers={"accepted": 3, "final": 0})
    ask = PacelineApi.campaign

    async def advance(api: PacelineApi, campaign_id: int) -> object:
        answer = await ask(api, campaign_id)
        campaign["numbers"]["final"] += 1
        return answer

    monkeypatch.setattr(PacelineApi, "campaign", advance)


async def test_a_pipe_gets_a_line_for_each_change(
    small_api: "SmallApi", client: PacelineApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a pipe the campaign is followed line by line, until it is over and not longer."""
    _advancing(small_api, monkeypatch)
    written = io.StringIO()
    last = await follow(screen_on(written), looks(client, 1), OVER)
    assert last is not None
    assert last.is_over
    told = [line.partition(";")[0] for line in written.getvalue().splitlines()]
    assert told == [f"{final} of 3 numbers final" for final in range(4)]


async def test_a_terminal_gets_a_bar(
    small_api: "SmallApi", client: PacelineApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal there is a bar, which ends full."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(Screen, "moves", True)
    _advancing(small_api, monkeypatch)
    written = io.StringIO()
    await follow(screen_on(written), looks(client, 1), OVER)
    assert "3/3" in written.getvalue()


async def test_an_api_that_is_restarted_is_waited_for(
    small_api: "SmallApi", client: PacelineApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that finds nobody shows what was last known; one who was never there is told at once."""
    small_api.campaign(status="DONE")
    seen = looks(client, 1)
    first = await anext(seen)
    client.url = "http://127.0.0.1:1"
    assert await anext(seen) == first
    with pytest.raises(NothingAnswers):
        await anext(looks(client, 1))
