"""The campaigns as the public API lists them: what the page shows of each, and nothing else.

The answer of an API is outside input here too: texts are cut, counts are counts, and what is not shown (the
campaign's URLs above all) is not passed on to a browser.
"""

from collections.abc import Sequence
from typing import Annotated

import orjson
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from shared.domain.campaign import CampaignState
from shared.domain.errors import PacelineError

#: More rows than this nobody reads.
MOST_SHOWN = 100
#: Longer than any name, nickname or reason that the API takes.
LONGEST_TEXT = 500
#: The published outcomes are thirteen, the profiles of a campaign a handful.
MOST_PARTS = 50


class NotCampaigns(PacelineError):
    """The API answered no list of campaigns: it and the dashboard must be of the same version."""


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT]


Text = Annotated[str, AfterValidator(_cut)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Profile(BaseModel):
    """A pace and the hours in which it holds."""

    nickname: Text | None
    start_time: Text
    end_time: Text


class Numbers(BaseModel):
    """Where a campaign's numbers stand; accepted = ready + waiting + in_attempt + final."""

    accepted: Count
    ready: Count
    waiting: Count
    in_attempt: Count
    final: Count
    refused: Count
    duplicates: Count


class Campaign(BaseModel):
    """One campaign."""

    campaign_id: Count
    name: Text | None = None
    status: Text
    held: Text | None = None
    start_date: Text
    end_date: Text
    time_zone: Text | None = None
    schedule_nickname: Text | None = None
    profiles: Annotated[list[Profile], Field(max_length=MOST_PARTS)]
    numbers: Numbers
    calls_in_progress: Count
    outcomes: Annotated[dict[Text, Count], Field(max_length=MOST_PARTS)]


class Listed(BaseModel):
    """The campaigns to show, and what all of them add up to."""

    shown: list[Campaign]
    campaigns: int
    calls_in_progress: int


class _Counted(BaseModel):
    """What is read of every campaign, shown or not."""

    campaign_id: Count
    status: Text
    calls_in_progress: Count

    @property
    def is_live(self) -> bool:
        return self.status == CampaignState.RUNNING or self.calls_in_progress > 0


_ALL = TypeAdapter(Sequence[_Counted])
_SHOWN = TypeAdapter(list[Campaign])


def read_campaigns(answer: bytes) -> Listed:
    """Read the API's list; raises NotCampaigns when it is none.

    Shown are the live campaigns, then the newest: an old one that still calls must not hide behind a hundred
    that are over. The newest has the highest id.
    """
    try:
        entries = orjson.loads(answer)
        counted = _ALL.validate_python(entries)
        ranked = sorted(zip(counted, entries, strict=True), key=_rank)
        shown = _SHOWN.validate_python([entry for _, entry in ranked[:MOST_SHOWN]])
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise NotCampaigns from error
    return Listed(
        shown=shown,
        campaigns=len(counted),
        calls_in_progress=sum(campaign.calls_in_progress for campaign in counted),
    )


def _rank(pair: tuple[_Counted, object]) -> tuple[bool, int]:
    counted, _ = pair
    return (not counted.is_live, -counted.campaign_id)
