"""What the crash tests share: a platform per module that may be hurt, and what judges it in the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.chaos.customer import ChaosCampaign, Line
from tests.chaos.evidence import Evidence
from tests.chaos.faults import Saboteur
from tests.chaos.instants import now
from tests.chaos.judge import charges
from tests.chaos.stage import Stage, numbers_by_state, stage
from tests.chaos.witnesses import Call

#: How often something outside is looked at.
POLL_SECONDS: Final = 0.02


@dataclass(kw_only=True)
class Scene:
    """A platform in a test's hands."""

    stage: Stage
    saboteur: Saboteur
    _campaigns: int = 0
    _numbers: int = 0

    async def campaign(
        self, count: int, *, per_minute: int, numbers: Sequence[str] | None = None
    ) -> ChaosCampaign:
        """Start a campaign with so many numbers of its own, or with these."""
        self._campaigns += 1
        name = f"scene-{self._campaigns}"
        if numbers is None:
            numbers = [f"+1{2_040_000_000 + self._numbers + place}" for place in range(count)]
        self._numbers += count
        lines = [Line(e164=e164, reference=f"{name}-{place}") for place, e164 in enumerate(numbers)]
        customer = self.stage.customers["north"]
        campaign = await customer.create(lines, per_minute=per_minute, name=name)
        await customer.start(campaign)
        return campaign

    def calls(self, campaign: ChaosCampaign) -> list[Call]:
        """Return the calls to a campaign's numbers that the network saw so far."""
        numbers = {line.e164 for line in campaign.acknowledged}
        return [call for call in self.stage.telephony.look() if call.e164 in numbers]

    def live(self, process: int | None = None) -> int:
        """Count the calls under way, of one dialer or of all."""
        return len(self.stage.telephony.live(process))

    async def until(self, met: Callable[[], bool], what: str, *, seconds: float) -> float:
        """Wait until something is so, and return how long that took; fails when it takes longer."""
        began = now()
        while not met():
            assert now() - began < seconds, f"not within {seconds} s: {what}"
            await asyncio.sleep(POLL_SECONDS)
        return now() - began

    async def until_sql(self, statement: str, *arguments: object, seconds: float = 10) -> None:
        """Wait until a query has a row."""
        began = now()
        while not await self.stage.sql(statement, *arguments):
            assert now() - began < seconds, f"not within {seconds} s: {statement}"
            await asyncio.sleep(POLL_SECONDS)

    async def come_to_rest(self, *, seconds: float) -> Evidence:
        """Wait until every number is final and every result delivered, and fail for every promise that was broken."""
        began = now()
        while not await self.stage.is_quiet():
            assert now() - began < seconds, (
                f"not at rest within {seconds} s: {await numbers_by_state(self.stage)}"
            )
            await asyncio.sleep(0.2)
        evidence = await Evidence.of(self.stage, self.saboteur.injected)
        assert {charge.name: charge.cases[:5] for charge in charges(evidence) if charge.holds} == {}
        return evidence


@pytest.fixture(scope="module")
def services() -> Mapping[str, int]:
    """How many processes of each service; a module may say otherwise."""
    return {"api": 1, "pacer": 2, "dialer": 2}


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """Settings of the module's platform."""
    return {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    tmp_path_factory: pytest.TempPathFactory, services: Mapping[str, int], settings: Mapping[str, str]
) -> AsyncIterator[Scene]:
    """A platform that the tests of a module hurt in turn; nothing of it remains."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    async with stage(folder, services=services, settings=settings) as platform:
        yield Scene(stage=platform, saboteur=Saboteur(stage=platform))
    assert platform.left_over == []
