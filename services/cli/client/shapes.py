"""What the public API answers, as far as the command line reads it; what it does not know it leaves unread."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Any JSON object of the API."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Numbers(Answer):
    """Where the numbers of a campaign stand: accepted = ready + waiting + in attempt + final."""

    accepted: int = 0
    ready: int = 0
    waiting: int = 0
    in_attempt: int = 0
    final: int = 0
    refused: int = 0
    duplicates: int = 0


class Window(Answer):
    """A pacing profile with its hours."""

    nickname: str
    start_time: str
    end_time: str


class Campaign(Answer):
    """A campaign as the API shows it."""

    campaign_id: int
    name: str | None = None
    status: str
    #: Why nothing is dialed at present, as a sentence.
    held: str | None = None
    start_date: str
    end_date: str
    time_zone: str
    schedule_nickname: str | None = None
    profiles: list[Window] = []
    numbers: Numbers = Numbers()
    calls_in_progress: int = 0
    #: Where callees' clocks keep numbers from being called now.
    withheld: list[str] = []
    #: Final numbers by the published name of their outcome.
    outcomes: dict[str, int] = {}
    results: dict[str, int] = {}

    @property
    def is_over(self) -> bool:
        """Whether every number that was accepted has its result."""
        return self.status == "DONE" or 0 < self.numbers.accepted == self.numbers.final


class RefusedLine(Answer):
    """A line of a phone list that was not taken."""

    line: int
    text: str = ""
    reason: str


class Upload(Answer):
    """What became of a phone list."""

    accepted: int = 0
    refused: int = 0
    duplicates: int = 0
    refused_lines: list[RefusedLine] = []


class CreatedCampaign(Upload):
    """A new campaign and what became of its list."""

    id: int


class Created(Answer):
    """A new schedule or profile."""

    id: int
    nickname: str


class Schedule(Answer):
    """Days of the week under a name."""

    schedule_id: int
    nickname: str | None
    days: list[str]


class Profile(Answer):
    """A pace under a name; minutes and calls."""

    profile_id: int
    nickname: str | None
    period: int
    amount_per_period: int
    time_between_periods: int
