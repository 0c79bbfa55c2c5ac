"""What a dialer asks of the store: leases, intents, and the ends of attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.conclusion import Conclusion
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.callee_hours import CalleeClock
from shared.domain.calling_window import Calendar
from shared.domain.disposition import CallEnding, Disposition
from shared.domain.gate import GateFacts
from shared.domain.number_policy import UNTOUCHED, NumberPolicy
from shared.domain.retry import BackInLine, RetryPolicy, WaitUntil, Withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedAttempt:
    """An attempt that this worker holds, with everything its call needs."""

    job: DialJob
    #: Raised by every lease; every later write names it.
    epoch: int
    number_id: int
    ordinal: int
    #: The due instant and the latest one, on this process's monotonic clock: a wall clock may jump between the
    #: intent and the INVITE. Taken over from Postgres' clock when the lease was, and never early.
    due: float
    send_by: float
    #: False while another call to the same number of the same tenant is under way.
    took_number: bool
    e164: str
    ani: str | None
    post_dial: str | None
    message_reference: str | None
    variables: Mapping[str, str]
    #: Calls to this number before this one.
    tries: int
    start_url: str
    start_method: str
    result_url: str | None
    result_format: ResultFormat
    #: The campaign's caller id, for numbers without one.
    caller_id: str | None
    retry_policy: RetryPolicy
    #: The clocks that the campaign keeps to for this number; None where it calls at any time.
    callee: CalleeClock | None = None
    #: What the tenant could call when the lease was taken: for whom an application transfers a call to. The gate reads
    #: it anew for the number itself.
    policy: NumberPolicy = UNTOUCHED

    @property
    def asked_caller_id(self) -> str | None:
        """The number's caller id, else the campaign's; None where nobody asked for one, and the trunk's is shown."""
        return self.ani or self.caller_id


@dataclass(frozen=True, slots=True)
class Leases:
    """What became of a handful of rings."""

    leased: list[LeasedAttempt]
    #: How many came too late to be on time; the others that are missing were somebody else's.
    missed: int


@dataclass(frozen=True, slots=True)
class Intent:
    """The intent is committed: the INVITE may leave."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LeaseGone:
    """Somebody else decided meanwhile: this worker has nothing more to do with the attempt."""


class Attempts(Protocol):
    """The attempts in the store; every method is one transaction."""

    async def lease(self, tenant_id: int, jobs: Sequence[DialJob]) -> Leases:
        """Take what can still be had of these attempts of one tenant, and their numbers, for this worker."""

    async def commit_intent(self, leased: LeasedAttempt, fence: str) -> Intent | GateFacts | LeaseGone:
        """Pass every gate and commit the intent, or return the facts by which a gate refused."""

    async def record_ringing(self, leased: LeasedAttempt) -> None:
        """Note that the far end alerts."""

    async def record_answer(self, leased: LeasedAttempt) -> None:
        """Note that the call was answered."""

    async def renew(self, held: Sequence[LeasedAttempt]) -> set[int]:
        """Renew the leases; returns the attempt ids that are still this worker's."""

    async def to_hang_up(self, held: Sequence[LeasedAttempt]) -> set[int]:
        """Return the attempt ids whose calls a stop or a hold wants ended."""

    async def conclude(
        self, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition, conclusion: Conclusion
    ) -> bool:
        """End the attempt and its number: result and delivery in one transaction. False when the epoch is stale."""

    async def postpone(
        self, leased: LeasedAttempt, ending: CallEnding, disposition: Disposition, until: WaitUntil
    ) -> bool:
        """End the attempt; its number waits for another try. False when the epoch is stale."""

    async def withhold(
        self,
        leased: LeasedAttempt,
        reason: Withheld,
        follow_up: Conclusion | WaitUntil | BackInLine,
        *,
        words: str | None = None,
    ) -> bool:
        """Record that the attempt was no call, in the reason's words or others. False when the epoch is stale."""

    async def calendar(self, job: DialJob) -> Calendar:
        """Return the campaign's calendar as it stands now."""

    async def now(self) -> datetime:
        """Return Postgres' clock."""

    async def advertise(self, capacity: int, *, unable_because: str | None = None) -> None:
        """Tell the pacer that this worker lives, how many calls it can carry, and why none while no trunk takes any."""

    async def retire(self) -> None:
        """Tell the pacer that this worker takes no more calls."""
