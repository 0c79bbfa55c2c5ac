"""Totals of campaigns for the scoreboard."""

import asyncpg
from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.disposition import Outcome
from shared.ports.planning import Totals
from shared.ports.scoreboard import CampaignTotals

_SQL = queries("totals")


class PostgresTotals(Totals):
    """Totals in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def of_live_campaigns(self, most: int) -> list[CampaignTotals]:
        return [_totals(row) for row in await self._database.rows(_SQL["live_totals"], most)]


def _totals(row: asyncpg.Record) -> CampaignTotals:
    by_outcome = {Outcome(outcome): numbers for outcome, numbers in row["outcomes"]}
    final = sum(by_outcome.values())
    return CampaignTotals(
        tenant_id=row["tenant_id"],
        campaign_id=row["campaign_id"],
        accepted=row["accepted"],
        ready=row["accepted"] - row["waiting"] - row["in_attempt"] - final,
        waiting=row["waiting"],
        in_attempt=row["in_attempt"],
        final=final,
        refused=row["refused"],
        duplicates=row["duplicates"],
        by_outcome=by_outcome,
    )
