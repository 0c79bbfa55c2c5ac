"""Writes the end of a number, for whoever concludes it: the dialer, the reaper, a cancellation."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.contracts.conclusion import Conclusion, NumberFacts, Receiver
from shared.contracts.result_body import ResultFormat
from shared.domain.errors import IllegalTransition
from shared.domain.number import NumberEvent

_CONCLUDE = queries("dialing")["conclude_number"]
_CONCLUDE_UNDIALED = queries("planning")["conclude_undialed"]

#: Numbers are counted in so many rows, by their id, so that ends in one campaign seldom wait for each other; the
#: statement has the same number.
COUNT_SHARDS: Final = 16


def receiver_of(row: asyncpg.Record) -> Receiver | None:
    """Return where a campaign's results go, by its columns `result_url` and `result_format`."""
    if row["result_url"] is None:
        return None
    return Receiver(url=row["result_url"], result_format=ResultFormat(row["result_format"]))


def number_facts(row: asyncpg.Record, campaign_id: int, receiver: Receiver | None) -> NumberFacts:
    """Return what the end of a number without (another) call needs to know."""
    return NumberFacts(
        campaign_id=campaign_id,
        number_id=row["number_id"],
        e164=row["e164"],
        message_reference=row["message_reference"],
        tries=row["tries"],
        last_attempt_at=row["intent_at"],
        receiver=receiver,
    )


def place_in_counts(tenant_id: int, conclusion: Conclusion) -> tuple[int, int, int, int, str]:
    """Return which row counts a conclusion: who writes more than one in a transaction writes them in this order.

    Two that take the same rows in different orders would wait for each other until Postgres ends one of them.
    """
    result = conclusion.result
    return (
        tenant_id,
        result.campaign_id,
        result.call_id % COUNT_SHARDS,
        int(result.disposition.outcome),
        result.result.value,
    )


async def write_conclusion(connection: asyncpg.Connection, tenant_id: int, conclusion: Conclusion) -> None:
    """Make a number FINAL with its result and delivery, inside the caller's transaction.

    Raises IllegalTransition when the number is final already: the caller's transaction must not commit.
    """
    result, delivery = conclusion.result, conclusion.delivery
    written = await connection.fetchval(
        _CONCLUDE,
        tenant_id,
        result.campaign_id,
        result.call_id,
        result.attempts,
        int(result.disposition.outcome),
        int(result.disposition.stage),
        result.result.value,
        result.callee_type.value,
        result.last_attempt_at,
        result.duration_seconds,
        dict(result.exit_values),
        *((delivery.webhook_id, delivery.url, delivery.origin, delivery.content_type, delivery.body)
          if delivery else (None,) * 5),
    )  # fmt: skip
    if written is None:
        raise IllegalTransition("number", f"{result.call_id} (final or unknown)", NumberEvent.CONCLUDE)


async def conclude_undialed(
    connection: asyncpg.Connection,
    campaign: tuple[int, int],
    conclusions: Sequence[Conclusion],
    *,
    shard: int | None = None,
    taken_back: bool = False,
) -> int:
    """Make numbers of one campaign (tenant and campaign id) FINAL that end alike and without another call.

    Those that are final already stay as they are; returns how many were not. They are counted in the rows of their ids,
    or all in one, `shard`.
    """
    results = [conclusion.result for conclusion in conclusions]
    deliveries = [conclusion.delivery for conclusion in conclusions]
    end, receiver = results[0], deliveries[0]  # of all of them: one end, and one receiver or none
    concluded: int = await connection.fetchval(
        _CONCLUDE_UNDIALED,
        *campaign,
        [result.call_id for result in results],
        [result.attempts for result in results],
        [result.last_attempt_at for result in results],
        [delivery.webhook_id if delivery else None for delivery in deliveries],
        [delivery.body if delivery else None for delivery in deliveries],
        int(end.disposition.outcome),
        int(end.disposition.stage),
        end.result.value,
        *((receiver.url, receiver.origin, receiver.content_type) if receiver else (None, None, None)),
        end.callee_type.value,
        shard,
        taken_back,
    )
    return concluded


async def write_undialed(
    connection: asyncpg.Connection, campaign: tuple[int, int], conclusions: Sequence[Conclusion]
) -> None:
    """Do the same for numbers of which none may be final already.

    Raises IllegalTransition when one is: the caller's transaction must not commit.
    """
    concluded = await conclude_undialed(connection, campaign, conclusions)
    if concluded != len(conclusions):
        who = f"{len(conclusions) - concluded} of {len(conclusions)} (final or unknown)"
        raise IllegalTransition("number", who, NumberEvent.CONCLUDE)
