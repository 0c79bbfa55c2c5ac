"""Looks at a platform while it is hurt and adds its numbers up, as customers see them and in Postgres itself."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from tests.chaos.stage import Stage

LOOK_SECONDS: Final = 1.0
_COUNTS: Final = ("accepted", "ready", "waiting", "in_attempt", "final")

#: One statement, hence one snapshot: a number that moves is seen in one place.
CONSERVATION: Final = """
SELECT c.campaign_id, q.accepted,
       (SELECT count(*) FROM number n WHERE n.campaign_id = c.campaign_id) AS numbers,
       (SELECT count(*) FROM number n WHERE n.campaign_id = c.campaign_id AND n.state = 'IN_ATTEMPT') AS in_attempt,
       (SELECT count(*) FROM attempt a WHERE a.campaign_id = c.campaign_id
           AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) AS live_attempts,
       (SELECT count(*) FROM number n WHERE n.campaign_id = c.campaign_id AND n.state = 'FINAL') AS final,
       (SELECT COALESCE(sum(numbers), 0) FROM outcome_count o WHERE o.campaign_id = c.campaign_id) AS counted,
       (SELECT count(*) FROM result r WHERE r.campaign_id = c.campaign_id) AS results,
       (SELECT count(*) FROM delivery d WHERE d.campaign_id = c.campaign_id) AS deliveries
FROM campaign c JOIN campaign_queue q USING (tenant_id, campaign_id)
"""


@dataclass(kw_only=True)
class Observer:
    """Looks every second and remembers what did not add up."""

    stage: Stage
    api_looks: int = 0
    sql_looks: int = 0
    broken: list[str] = field(default_factory=list)
    _final: dict[int, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.gather(self.look_at_api(), self.look_at_postgres())
            await asyncio.sleep(LOOK_SECONDS)

    async def look_at_api(self) -> None:
        """Ask for every campaign as its owner would."""
        for customer in self.stage.customers.values():
            for view in await customer.views() or ():
                self.api_looks += 1
                self._check_view(view)

    async def look_at_postgres(self) -> None:
        """Count every campaign in one snapshot."""
        try:
            rows = await self.stage.sql(CONSERVATION)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return  # it is being crashed
        for row in rows:
            self.sql_looks += 1
            same = (
                ("accepted", "numbers"), ("in_attempt", "live_attempts"),
                ("final", "counted"), ("final", "results"), ("final", "deliveries"),
            )  # fmt: skip
            if any(row[one] != row[other] for one, other in same):
                self.broken.append(f"Postgres: {dict(row)}")

    def _check_view(self, view: dict[str, Any]) -> None:
        accepted, *parts = (view["numbers"][name] for name in _COUNTS)
        before = self._final.get(view["campaign_id"], 0)
        if min(parts) < 0 or sum(parts) != accepted or parts[-1] < before:
            self.broken.append(
                f"API: campaign {view['campaign_id']}: {view['numbers']}, final before: {before}"
            )
        self._final[view["campaign_id"]] = max(before, parts[-1])
