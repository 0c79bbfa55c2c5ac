"""What the API asks of the store: schedules, profiles, campaigns, and phone lists taken in.

What a list has many of is a named tuple: one of 22 fields is made in 1.6 µs, a frozen dataclass in 3.8 µs, and a list
of a thousand campaigns would be late by that.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import NamedTuple, Protocol

from shared.domain.callee_hours import CalleeHours
from shared.domain.campaign import CampaignState, Dialect
from shared.domain.errors import Conflict, Invalid
from shared.domain.pace import Pace
from shared.domain.phone_list import PhoneEntry, RefusedLine
from shared.domain.retry import RetryPolicy
from shared.domain.wall_clock import Weekday
from shared.ports.access import Doorkeeper
from shared.ports.rehearsal import Rehearsal


class NicknameTaken(Invalid):
    """Another schedule or profile of this tenant goes by that name."""

    def __init__(self) -> None:
        super().__init__("nickname", "The nickname has already been taken.")


class CampaignOver(Conflict):
    """The campaign's last window has closed, so that nothing can be dialed: change its end date first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nickname:
    """A name, and the form in which it is unique for a tenant."""

    shown: str
    key: str


class Schedule(NamedTuple):
    """The weekdays on which campaigns run."""

    schedule_id: int
    nickname: str | None
    days: tuple[Weekday, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A pace that campaigns refer to."""

    profile_id: int
    nickname: str | None
    pace: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWindow:
    """Hours of a campaign with the profile that paces them."""

    opens_minute: int
    closes_minute: int
    profile_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign to be made; every value was checked."""

    dialect: Dialect
    name: str | None
    first_date: date
    last_date: date
    time_zone: str
    schedule_id: int
    windows: tuple[NewWindow, ...]
    start_url: str
    result_url: str | None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    #: When callees may be called, by their own clocks; None: whenever the campaign calls.
    callee_hours: CalleeHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start of a campaign."""

    #: What its addresses answered, by field; None when nobody looked.
    preflight: Mapping[str, str] | None = None


class AttachedProfile(NamedTuple):
    """A profile as a campaign uses it."""

    profile_id: int
    nickname: str | None
    opens_minute: int
    closes_minute: int


class NumberCounts(NamedTuple):
    """Where a campaign's numbers are: accepted = ready + waiting + in_attempt + final, at all times."""

    accepted: int
    ready: int
    waiting: int
    in_attempt: int
    final: int
    refused: int
    duplicates: int


class CampaignView(NamedTuple):
    """A campaign as its owner sees it."""

    campaign_id: int
    name: str | None
    state: CampaignState
    first_date: date
    last_date: date
    time_zone: str
    start_url: str
    result_url: str | None
    schedule_id: int
    schedule_nickname: str | None
    profiles: tuple[AttachedProfile, ...]
    held_because: str | None
    #: What its addresses answered at the last start, by field; None when nobody looked.
    preflight: Mapping[str, str] | None
    numbers: NumberCounts
    calls_in_progress: int
    retry: RetryPolicy = RetryPolicy()
    callee_hours: CalleeHours | None = None
    #: Where callees' clocks keep numbers from being called now, in words, each once.
    withheld: tuple[str, ...] = ()
    #: Final numbers by the published outcome name, and by Plum's result.
    outcomes: Mapping[str, int] = MappingProxyType({})
    results: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of an upload."""

    campaign_id: int
    accepted: int
    duplicates: int
    refused: int
    #: The first refused lines; the rest is kept with the batch.
    refused_lines: tuple[RefusedLine, ...] = ()


class Campaigns(Doorkeeper, Protocol):
    """The store of one API process. Everything of another tenant answers as unknown."""

    async def tenant_of(self, token_hash: bytes) -> int:
        """Return whose token has this SHA-256 hash; raises WrongToken."""

    async def create_schedule(
        self, tenant_id: int, nickname: Nickname | None, days: Sequence[Weekday]
    ) -> Schedule:
        """Make a schedule; raises NicknameTaken."""

    async def schedules(self, tenant_id: int) -> list[Schedule]:
        """Return the tenant's schedules, oldest first."""

    async def create_profile(self, tenant_id: int, nickname: Nickname | None, pace: Pace) -> Profile:
        """Make a profile; raises NicknameTaken."""

    async def profiles(self, tenant_id: int) -> list[Profile]:
        """Return the tenant's profiles, oldest first."""

    async def create_campaign(
        self,
        tenant_id: int,
        campaign: NewCampaign,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]] | None,
        *,
        file_name: str | None = None,
        start: Start | None = None,
    ) -> TakenIn:
        """Make a campaign, take in its phone list, and start it where that is wanted: all of it or nothing.

        Raises Invalid for a schedule or profile that is gone by now, and CampaignOver for one to be started.
        """

    async def add_numbers(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
        *,
        file_name: str | None = None,
    ) -> TakenIn:
        """Append a phone list to a campaign, whole or not at all; raises NotFound and CampaignOver."""

    async def rehearse_campaign(
        self,
        tenant_id: int,
        campaign: NewCampaign,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]] | None,
    ) -> Rehearsal:
        """Say what would become of a new campaign's list; nothing is stored."""

    async def rehearse_numbers(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
    ) -> Rehearsal:
        """Say what would become of more numbers; nothing is stored. Raises NotFound and CampaignOver."""

    async def start(
        self,
        tenant_id: int,
        dialect: Dialect,
        campaign_id: int,
        *,
        preflight: Mapping[str, str] | None = None,
    ) -> None:
        """Start a campaign and note what its addresses answered; one that runs already goes on as it is.

        Raises NotFound and CampaignOver.
        """

    async def stop(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, hang_up: bool = False
    ) -> None:
        """Stop a campaign, and with `hang_up` the calls under way; one that does not run stays as it is.

        Raises NotFound.
        """

    async def campaigns(self, tenant_id: int, dialect: Dialect, *, most: int) -> list[CampaignView]:
        """Return the newest campaigns made through a dialect, oldest first."""

    async def campaign(self, tenant_id: int, dialect: Dialect, campaign_id: int) -> CampaignView:
        """Return one campaign; raises NotFound."""

    async def works(self) -> bool:
        """Whether the store answers."""
