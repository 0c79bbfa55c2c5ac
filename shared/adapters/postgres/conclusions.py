"""Writes the end of a number, for whoever concludes it: the dialer, the reaper, a cancellation."""

import asyncpg

from shared.adapters.postgres.queries import queries
from shared.contracts.conclusion import Conclusion
from shared.domain.errors import IllegalTransition
from shared.domain.number import NumberEvent

_CONCLUDE = queries("dialing")["conclude_number"]


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
