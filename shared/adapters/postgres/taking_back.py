"""Ends numbers that their owner took back, many at a time, as the reaper and the dialer end one.

A step takes the lock on the campaign's pacing, so that nobody claims what it looks at; withholds what was planned for
its numbers and nobody has said to be dialing; marks what is in a call, which is left to it; and only then writes
results, deliveries and the total of all its other numbers in one statement: a call that ends meanwhile finds its number
either among these or marked.
"""

from collections.abc import Sequence
from typing import Final

import asyncpg

from shared.adapters.postgres.conclusions import COUNT_SHARDS, conclude_undialed, number_facts, receiver_of
from shared.adapters.postgres.queries import queries
from shared.contracts.conclusion import Conclusion, Receiver, conclude
from shared.domain.campaign import UnknownCampaign
from shared.domain.disposition import Result
from shared.domain.retry import CANCELED
from shared.ports.upload_desk import Canceled

_SQL = queries("undoing")

#: Why an attempt was withheld whose number was taken back.
TAKEN_BACK: Final = "the number was canceled before the call was sent"
#: In one transaction: some tenths of a second, during which nothing new of the campaign is claimed.
AT_ONCE: Final = 2000
#: A row of the totals that no call's result waits for.
_SHARD: Final = COUNT_SHARDS


async def cancel_step(
    connection: asyncpg.Connection, tenant_id: int, campaign_id: int, number_ids: Sequence[int]
) -> Canceled:
    """End those of these numbers that are undialed, inside the caller's transaction; raises NotFound."""
    key = tenant_id, campaign_id
    await connection.execute(_SQL["lock_line"], *key)
    campaign = await connection.fetchrow(_SQL["receiver_as_it_stands"], *key)
    if campaign is None:
        raise UnknownCampaign(campaign_id)
    receiver = receiver_of(campaign)
    await connection.execute(_SQL["withhold_planned"], *key, number_ids, TAKEN_BACK)
    in_call = await connection.fetchval(_SQL["cancel_after_call"], *key, number_ids)
    undialed = await connection.fetch(_SQL["undialed_of"], *key, number_ids)
    canceled = 0
    if undialed:
        await connection.execute(_SQL["conclude_without_nested_loops"])
        ends = [canceled_conclusion(row, campaign_id, receiver) for row in undialed]
        canceled = await conclude_undialed(connection, key, ends, shard=_SHARD, taken_back=True)
    return Canceled(canceled=canceled, in_call=in_call)


def canceled_conclusion(row: asyncpg.Record, campaign_id: int, receiver: Receiver | None) -> Conclusion:
    """Return the end of a number that was taken back."""
    facts = number_facts(row, campaign_id, receiver)
    return conclude(facts, CANCELED, result=Result.CANCELED)
