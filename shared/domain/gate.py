"""The gates before an INVITE: every fact that can forbid a call, and the order in which they are asked.

The facts are read from Postgres in the transaction that commits the intent; the same order decides which
sentence a person reads when several gates are shut.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.callee_hours import CalleeClock, why_closed
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
    #: When the callee's hours end; None where they do not matter.
    callee_closes_at: datetime | None = None
    #: When the next call to the number may be placed; None where the last one was long enough ago.
    rested_at: datetime | None = None
    #: Why the tenant may not call the number, or not as whom it asks to, in a sentence; None where it may.
    number_refused: str | None = None
    caller_refused: str | None = None


def verdict(facts: GateFacts) -> Withheld | None:
    """Return the first gate that is shut, or None when the call may go out."""
    shut = {
        Withheld.STOPPED: not (facts.campaign_running and facts.same_epoch),
        Withheld.HELD: facts.held,
        Withheld.EXCLUDED: facts.excluded,
        Withheld.NOT_ALLOWED: facts.number_refused is not None,
        Withheld.UNVERIFIED_CALLER: facts.caller_refused is not None,
        Withheld.WINDOW_CLOSED: facts.now >= facts.window_closes_at,
        Withheld.CALLEE_HOURS: facts.callee_closes_at is not None and facts.now >= facts.callee_closes_at,
        Withheld.TOO_SOON: facts.rested_at is not None and facts.now < facts.rested_at,
        Withheld.LATE: facts.now > facts.send_by,
    }
    return next((reason for reason, is_shut in shut.items() if is_shut), None)


def words(reason: Withheld, facts: GateFacts, callee: CalleeClock | None) -> str:
    """Say why an attempt was withheld, with the times that decided it, each with its zone."""
    if reason is Withheld.CALLEE_HOURS and callee is not None:
        return why_closed(callee, facts.now)
    if reason is Withheld.TOO_SOON and facts.rested_at is not None:
        return (
            f"{reason.value}: {facts.now:%H:%M:%S} UTC, allowed from {facts.rested_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    if reason is Withheld.NOT_ALLOWED and facts.number_refused is not None:
        return f"{reason.value}: {facts.number_refused}"
    if reason is Withheld.UNVERIFIED_CALLER and facts.caller_refused is not None:
        return f"{reason.value}: {facts.caller_refused}"
    return reason.value
