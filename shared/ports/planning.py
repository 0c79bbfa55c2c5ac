"""What the pacer asks of the store: one campaign at a time, locked for one tick."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.conclusion import Conclusion, NumberFacts
from shared.contracts.dial_job import DialJob
from shared.domain.callee_hours import CalleeHours
from shared.domain.calling_window import Calendar
from shared.domain.campaign import CampaignState
from shared.domain.fair_share import Queue
from shared.domain.pacing import PacingState
from shared.domain.trunk_rate import TrunkLoad
from shared.ports.scoreboard import CampaignTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCampaign:
    """A campaign that is due for a look."""

    tenant_id: int
    campaign_id: int
    state: CampaignState
    epoch: int
    started_at: datetime | None
    pacing: PacingState
    #: Postgres' clock at the beginning of the tick.
    now: datetime
    #: When callees may be called, by their own clocks; None: whenever the campaign calls.
    callee_hours: CalleeHours | None = None
    #: Calls that it was given while room was short.
    served: int = 0
    #: At its last look it wanted more calls than there was room for.
    waits_for_room: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LostAttempt:
    """An attempt whose quarantine is over, with its number."""

    job: DialJob
    epoch: int
    number: NumberFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Calls that may still begin by each cap; None where there is none."""

    #: What the living dialers can still take.
    dialers: int
    #: Channels of the trunks, of which a call in quarantine may still hold one, and a transfer has a second.
    channels: int | None = None
    #: What the trunks let through in a second, and the calls that are on their way to them.
    trunk: TrunkLoad | None = None
    #: By the tenant's own cap.
    tenant: int | None = None
    #: By the campaign's own cap.
    campaign: int | None = None
    #: Calls that the tenant's campaigns were given while room was short.
    tenant_served: int = 0
    #: So much of everything that nobody needs to wait for a turn.
    plenty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A campaign's place in the queue for room, after a tick."""

    #: Calls that it would have claimed, too, had there been room.
    wants: int
    served: int
    #: None when the tenant's count stays as it is.
    tenant_served: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Who of a campaign is still to be called."""

    #: When the first number may be called that is in no attempt, by its own hours too; None when there is none.
    next_at: datetime | None
    #: Some number is in an attempt, from which it may come back at any moment.
    in_attempt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """What a look for lost rings found."""

    #: First due, first named.
    jobs: list[DialJob]
    #: Up to which due instant it has looked, by Postgres' clock: the next look begins there.
    until: datetime


class Tick(Protocol):
    """One locked campaign; everything happens in one transaction, or not at all."""

    campaign: DueCampaign

    async def calendar(self) -> Calendar:
        """Return the campaign's calendar and paces as they stand now."""

    async def held_because(self) -> str | None:
        """Return the reason of a standing hold, or why no call can leave at all; None when the campaign may dial."""

    async def room(self) -> Room:
        """Return what every cap leaves; where it is scarce, no other tick counts before this one is over."""

    async def queue(self) -> Queue:
        """Return who waited for room at their last look, this campaign excepted, those given least first."""

    async def due_instants(self, numbers: Sequence[range]) -> dict[int, datetime]:
        """Return the due instants of past emissions by number."""

    async def claim(
        self, dues: Sequence[datetime], *, first_emission_no: int, closes_at: Sequence[datetime]
    ) -> list[DialJob]:
        """Plan an attempt at each due instant for as many numbers as are in line, in order.

        Where the campaign keeps to callees' hours, a number whose own clock forbids the call is not in line.
        """

    async def keep(self, pacing: PacingState, look_at: datetime | None, turn: Turn) -> None:
        """Store the pacing, when to look again, and the campaign's place in the queue."""

    async def look_again(self, at: datetime | None) -> None:
        """Store only when to look again: it waits for no room."""

    async def line(self) -> Line:
        """Return how the line stands now, after all that this tick has claimed."""

    async def undialed(self, most: int) -> list[NumberFacts]:
        """Return numbers that no window is left for."""

    async def conclude(self, conclusions: Sequence[Conclusion]) -> None:
        """End numbers of this campaign that are in no attempt, all of them alike."""

    async def complete(self) -> bool:
        """Make the campaign DONE when every number is final; False when some is not."""


class Planning(Protocol):
    """The pacer's store."""

    def tick(self) -> AbstractAsyncContextManager[Tick | None]:
        """Lock the campaign that is most overdue for a look; None when none is due."""

    async def set_aside(self, campaign: DueCampaign, *, seconds: float) -> None:
        """Let a campaign that cannot be paced as it is be looked at no sooner than so much later."""

    async def next_look_in_seconds(self) -> float | None:
        """Return how long until the next campaign is due; None when none will be."""


class Reaping(Protocol):
    """What ends the work of dialers that went silent."""

    async def withhold_late(self, most: int) -> int:
        """Withhold what can no longer be sent in time; returns how many."""

    async def free_expired_leases(self, most: int) -> int:
        """Plan again what was leased and never intended; returns how many."""

    async def quarantine_lost_calls(self, quarantine_seconds: float, most: int) -> int:
        """Put calls whose dialer went silent into quarantine; returns how many."""

    async def give_up(self, decide: "Decide", most: int) -> int:
        """End attempts whose quarantine is over, as decided, each with its number; returns how many."""

    async def unheard(self, since: datetime | None, *, ahead_seconds: float, most: int) -> Unheard:
        """Return attempts that are due from `since` to so far ahead of now and that no dialer has leased.

        `since` is where the look before ended, None for a first look; what is due before now is late and not named.
        """

    async def keep_house(self) -> None:
        """End what was taken back during a call, forget silent dialers, keep the planner's statistics true.

        The places on trunks of calls that are over are freed, where the dialer that had them could not.
        """


class Decide(Protocol):
    """Decides what becomes of a number whose call was lost."""

    def __call__(self, lost: LostAttempt) -> Conclusion:
        """Return the number's end."""


class Totals(Protocol):
    """What dashboards want to know of all campaigns."""

    async def of_live_campaigns(self, most: int) -> list[CampaignTotals]:
        """Return the totals of the campaigns that run or ran lately, newest first."""
