"""What the API asks of the store when something that exists is changed or deleted.

A value that was not sent is None and stays as it is: every change is partial. A schedule or profile is referred to by
campaigns and never copied, so that a change of it reaches those that run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from shared.domain.callee_hours import CalleeHours
from shared.domain.campaign import Dialect
from shared.domain.disposition import Outcome
from shared.domain.errors import PacelineError
from shared.domain.retry import RetryPolicy
from shared.domain.wall_clock import Weekday
from shared.ports.campaigns import NewWindow, Nickname, Profile, Schedule


class InUse(PacelineError):
    """A campaign uses it, so it cannot be deleted; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceChange:
    """The figures of a pace that are to be others."""

    period_minutes: int | None = None
    amount: int | None = None
    gap_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class CalleeHoursChange:
    """What callees' hours become; None switches them off."""

    hours: CalleeHours | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryChange:
    """The parts of a retry policy that are to be others."""

    tries: int | None = None
    intervals_seconds: tuple[int, ...] | None = None
    by_outcome_seconds: Mapping[Outcome, int] | None = None

    def of(self, policy: RetryPolicy) -> RetryPolicy:
        """Return the changed policy; raises Invalid."""
        intervals, by_outcome = self.intervals_seconds, self.by_outcome_seconds
        return RetryPolicy(
            tries=policy.tries if self.tries is None else self.tries,
            intervals_seconds=policy.intervals_seconds if intervals is None else intervals,
            by_outcome_seconds=policy.by_outcome_seconds if by_outcome is None else by_outcome,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignChange:
    """What is to be another about a campaign; every value was checked by itself."""

    name: str | None = None
    first_date: date | None = None
    last_date: date | None = None
    time_zone: str | None = None
    schedule_id: int | None = None
    #: They replace all that there are (PLUM-72).
    windows: tuple[NewWindow, ...] | None = None
    start_url: str | None = None
    result_url: str | None = None
    retry: RetryChange = field(default_factory=RetryChange)
    callee_hours: CalleeHoursChange | None = None


class CampaignChanges(Protocol):
    """Changes of one API process. Everything of another tenant answers as unknown."""

    async def update_schedule(
        self,
        tenant_id: int,
        schedule_id: int,
        nickname: Nickname | None,
        days: tuple[Weekday, ...] | None,
    ) -> Schedule:
        """Change a schedule; nothing that running campaigns planned by other days is dialed any more.

        Raises NotFound and NicknameTaken.
        """

    async def delete_schedule(self, tenant_id: int, schedule_id: int) -> None:
        """Delete a schedule; raises NotFound and InUse."""

    async def update_profile(
        self, tenant_id: int, profile_id: int, nickname: Nickname | None, pace: PaceChange
    ) -> Profile:
        """Change a profile; campaigns that run by it take the pace up with their next cycle or window.

        Raises NotFound, NicknameTaken and Invalid.
        """

    async def delete_profile(self, tenant_id: int, profile_id: int) -> None:
        """Delete a profile; raises NotFound and InUse."""

    async def update_campaign(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, change: CampaignChange
    ) -> None:
        """Change a campaign; nothing that it planned by other hours is dialed any more.

        Raises NotFound and Invalid.
        """

    async def delete_campaign(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, hang_up: bool = False
    ) -> None:
        """Take a campaign out of every list; what is undialed ends canceled, its calls are kept for the audit.

        Calls under way go on to their end, unless they are to be hung up. Raises NotFound.
        """
