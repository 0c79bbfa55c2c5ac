"""The gates before an INVITE: every fact that can forbid a call, and the order in which they are asked.

The facts are read from Postgres in the transaction that commits the intent; the same order decides which
sentence a person reads when several gates are shut.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.retry import Withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What the gates look at, by Postgres' clock."""

    now: datetime
    send_by: datetime
    window_closes_at: datetime
    campaign_running: bool
    #: The campaign was neither stopped nor changed since the attempt was planned.
    same_epoch: bool
    held: bool
    excluded: bool


def verdict(facts: GateFacts) -> Withheld | None:
    """Return the first gate that is shut, or None when the call may go out."""
    shut = {
        Withheld.STOPPED: not (facts.campaign_running and facts.same_epoch),
        Withheld.HELD: facts.held,
        Withheld.EXCLUDED: facts.excluded,
        Withheld.WINDOW_CLOSED: facts.now >= facts.window_closes_at,
        Withheld.LATE: facts.now > facts.send_by,
    }
    return next((reason for reason, is_shut in shut.items() if is_shut), None)
