"""The road of a number by the tables of shared/domain and nothing else: what Postgres must make of every step.

Two campaigns of one tenant ring three people, who stand in both lists. Every step is a compare-and-set on an epoch and
a row of a table, as DESIGN has it; there is no SQL here, no clock and no process. Time is a handful of facts that come
true: a lease is over, an instant has passed. The network is here too, because what it saw is what counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from shared.domain.attempt import ATTEMPT, HELD, AttemptEvent, AttemptState
from shared.domain.campaign import CAMPAIGN, CampaignEvent, CampaignState
from shared.domain.delivery import DELIVERY, DeliveryEvent, DeliveryState
from shared.domain.disposition import Outcome
from shared.domain.gate import GateFacts, verdict
from shared.domain.number import NUMBER, NumberEvent, NumberState
from shared.domain.retry import BackInLine, Conclude, WaitUntil, Withheld, after_withheld
from shared.domain.state_machine import StateMachine

#: Whom each campaign names, line by line: both want all three people, and one wants two of them twice.
LISTS: Final = ((0, 1, 0, 2, 1), (2, 0, 1))
#: The campaign whose owner wants its results posted; the other one's are only kept.
WITH_RECEIVER: Final = 0
TRIES_ALLOWED: Final = 3
#: Whenever it is: what has passed lies before it, and what has not behind.
NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
A_WHILE: Final = timedelta(hours=1)
WAITS_TO_BE_SENT: Final = frozenset({DeliveryState.QUEUED, DeliveryState.RETRY})


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The production tables, or others, to see whether that is noticed."""

    attempt: StateMachine[AttemptState, AttemptEvent] = ATTEMPT
    number: StateMachine[NumberState, NumberEvent] = NUMBER
    delivery: StateMachine[DeliveryState, DeliveryEvent] = DELIVERY


@dataclass(kw_only=True)
class Campaign:
    """A campaign, started."""

    state: CampaignState = CampaignState.RUNNING
    epoch: int = 1
    #: The last line that was claimed: a hint.
    cursor: int = 0


@dataclass(kw_only=True)
class Number:
    """A number in a campaign's list."""

    campaign: int
    line: int
    person: int
    state: NumberState = NumberState.READY
    tries: int = 0
    ordinal: int = 0
    #: While it waits: its turn among those that wait, and whether its time has come.
    next_at: int | None = None
    is_due: bool = False
    outcome: Outcome | None = None


@dataclass(kw_only=True)
class Attempt:
    """An attempt, and what the network saw of it."""

    number: int
    ordinal: int
    campaign_epoch: int
    state: AttemptState = AttemptState.PLANNED
    epoch: int = 0
    #: By Postgres' clock.
    is_late: bool = False
    lease_is_over: bool = False
    quarantine_is_over: bool = False
    #: By the clock of whoever leased it: never before Postgres says so.
    is_gone: bool = False
    withheld: Withheld | None = None
    outcome: Outcome | None = None
    invites: int = 0
    leg_is_live: bool = False


@dataclass(kw_only=True)
class Delivery:
    """A result on its way."""

    state: DeliveryState = DeliveryState.QUEUED
    epoch: int = 0
    tries: int = 0
    is_due: bool = True
    lease_is_over: bool = False


class Stage(Enum):
    """How far a worker believes to be with an attempt."""

    LEASED = auto()
    REFUSED = auto()  # a gate was shut
    INTENDED = auto()
    SENT = auto()


@dataclass(eq=False, kw_only=True)
class Copy:
    """What a worker knows of an attempt: true when it was leased, and perhaps no longer."""

    worker: int
    attempt: int
    epoch: int
    took_number: bool
    stage: Stage = Stage.LEASED
    refused: Withheld | None = None


@dataclass(eq=False, kw_only=True)
class Post:
    """What a deliverer knows of a delivery."""

    number: int
    epoch: int


class LeaseGone:
    """The intent of somebody whose lease is gone."""


@dataclass(kw_only=True)
class Road:
    """Everything that Postgres holds, and the network."""

    tables: Tables = field(default_factory=Tables)
    campaigns: list[Campaign] = field(default_factory=lambda: [Campaign() for _ in LISTS])
    numbers: list[Number] = field(
        default_factory=lambda: [
            Number(campaign=campaign, line=line, person=person)
            for campaign, people in enumerate(LISTS)
            for line, person in enumerate(people, start=1)
        ]
    )
    attempts: list[Attempt] = field(default_factory=list)
    live_calls: dict[int, int] = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    is_held: bool = False
    blocked: set[int] = field(default_factory=set)
    receiver_is_disabled: bool = False
    _turns: int = 0

    # The pacer ---------------------------------------------------------------------------------------------------

    def plan(self, campaign: int, most: int) -> list[int]:
        """READY | WAITING -> IN_ATTEMPT: whose time has come, then the line from the cursor on, then all of it."""
        this = self.campaigns[campaign]
        taken = self._claim(campaign, most, beyond=this.cursor)
        if len(taken) < most and this.cursor:
            this.cursor = 0
            taken += self._claim(campaign, most - len(taken), beyond=0)
        return taken

    def _claim(self, campaign: int, most: int, *, beyond: int) -> list[int]:
        here = [place for place, number in enumerate(self.numbers) if number.campaign == campaign]
        waiting = sorted(
            (place for place in here if self.numbers[place].is_due), key=lambda place: self.numbers[place].next_at or 0
        )  # fmt: skip
        in_line = [
            place
            for place in here
            if self.numbers[place].state is NumberState.READY and self.numbers[place].line > beyond
        ]
        taken = [*waiting, *in_line][:most]
        lines = [self.numbers[place].line for place in taken if place in in_line]
        self.campaigns[campaign].cursor = max([self.campaigns[campaign].cursor, *lines])
        for place in taken:
            self._plan_one(place)
        return taken

    def _plan_one(self, place: int) -> None:
        number = self.numbers[place]
        number.state = self.tables.number.after(number.state, NumberEvent.CLAIM)
        number.next_at, number.is_due = None, False
        number.ordinal += 1
        epoch = self.campaigns[number.campaign].epoch
        self.attempts.append(Attempt(number=place, ordinal=number.ordinal, campaign_epoch=epoch))

    # The reaper --------------------------------------------------------------------------------------------------

    def free_expired_leases(self) -> int:
        """LEASED -> PLANNED, while it can still be on time."""
        return sum(
            self._expire(place)
            for place, attempt in self._all()
            if attempt.state is AttemptState.LEASED and attempt.lease_is_over and not attempt.is_late
        )

    def quarantine_lost_calls(self) -> int:
        """DIALING | RINGING | IN_CALL -> UNKNOWN."""
        return sum(
            self._expire(place)
            for place, attempt in self._all()
            if attempt.state in HELD - {AttemptState.LEASED} and attempt.lease_is_over
        )

    def _expire(self, place: int) -> int:
        attempt = self.attempts[place]
        attempt.state = self.tables.attempt.after(attempt.state, AttemptEvent.EXPIRE)
        attempt.lease_is_over = False
        if attempt.state is AttemptState.PLANNED:
            self._free_number(place)
        return 1

    def withhold_late(self) -> int:
        """PLANNED | expired LEASED -> WITHHELD, when its instant has passed."""
        late = [
            place
            for place, attempt in self._all()
            if attempt.is_late
            and (
                attempt.state is AttemptState.PLANNED
                or (attempt.state is AttemptState.LEASED and attempt.lease_is_over)
            )
        ]
        for place in late:
            self._withhold(place, Withheld.LATE)
        return len(late)

    def give_up(self) -> int:
        """UNKNOWN -> DONE, and its number FINAL."""
        over = [place for place, attempt in self._all() if attempt.quarantine_is_over]
        for place in over:
            self._end(place, AttemptEvent.GIVE_UP, Outcome.UNKNOWN)
            self.numbers[self.attempts[place].number].tries += 1
            self._conclude(self.attempts[place].number, Outcome.UNKNOWN)
        return len(over)

    # The dialer --------------------------------------------------------------------------------------------------

    def lease(self, worker: int, asked: Sequence[int]) -> tuple[list[Copy], int]:
        """PLANNED -> LEASED with the number; returns what was got, and how many came too late."""
        copies, missed = [], 0
        for place in asked:
            attempt = self.attempts[place]
            if attempt.state is AttemptState.PLANNED and not attempt.is_late:
                copies.append(self._lease_one(worker, place))
            elif self._was_missed(attempt):
                missed += 1
        return copies, missed

    def _lease_one(self, worker: int, place: int) -> Copy:
        attempt = self.attempts[place]
        attempt.state = self.tables.attempt.after(attempt.state, AttemptEvent.LEASE)
        attempt.epoch += 1
        took = self.live_calls.setdefault(self.person(place), place) == place
        return Copy(worker=worker, attempt=place, epoch=attempt.epoch, took_number=took)

    @staticmethod
    def _was_missed(attempt: Attempt) -> bool:
        never_leased = attempt.state is AttemptState.WITHHELD and attempt.epoch == 0
        return never_leased or (attempt.state is AttemptState.PLANNED and attempt.is_late)

    def intend(self, copy: Copy) -> Withheld | LeaseGone | None:
        """LEASED -> DIALING; otherwise the gate that is shut, or that the lease is gone."""
        attempt = self.attempts[copy.attempt]
        if not self._is_its_own(copy, AttemptEvent.INTEND) or attempt.lease_is_over:
            return LeaseGone()
        reason = self._shut_gate(attempt)
        if reason is None:
            attempt.state = self.tables.attempt.after(attempt.state, AttemptEvent.INTEND)
        return reason

    def _shut_gate(self, attempt: Attempt) -> Withheld | None:
        campaign = self.campaigns[self.numbers[attempt.number].campaign]
        return verdict(
            GateFacts(
                now=NOW,
                send_by=NOW - A_WHILE if attempt.is_late else NOW + A_WHILE,
                window_closes_at=NOW + A_WHILE,
                campaign_running=campaign.state is CampaignState.RUNNING,
                same_epoch=campaign.epoch == attempt.campaign_epoch,
                held=self.is_held,
                excluded=self.numbers[attempt.number].person in self.blocked,
            )
        )

    def send(self, copy: Copy) -> bool:
        """Let the INVITE leave, unless the worker's own clock says that it is too late."""
        attempt = self.attempts[copy.attempt]
        if attempt.is_gone:
            return False
        attempt.invites += 1
        attempt.leg_is_live = True
        return True

    def progress(self, copy: Copy, event: AttemptEvent) -> None:
        """Note that it rings, or that it was answered."""
        if self._is_its_own(copy, event):
            attempt = self.attempts[copy.attempt]
            attempt.state = self.tables.attempt.after(attempt.state, event)

    def renew(self, copies: Iterable[Copy]) -> set[int]:
        """Give a sign of life; returns the attempts that are still the worker's."""
        kept = {
            copy.attempt for copy in copies
            if self.attempts[copy.attempt].epoch == copy.epoch and self.attempts[copy.attempt].state in HELD
        }  # fmt: skip
        for place in kept:
            self.attempts[place].lease_is_over = False
        return kept

    def report(self, copy: Copy, outcome: Outcome, *, again: bool) -> bool:
        """Report the end of a call: the number waits for another try, or is final."""
        if not self._is_its_own(copy, AttemptEvent.END):
            return False
        self._end(copy.attempt, AttemptEvent.END, outcome)
        number = self.attempts[copy.attempt].number
        self.numbers[number].tries += 1
        if again:
            self._postpone(number)
        else:
            self._conclude(number, outcome)
        return True

    def withhold(self, copy: Copy, reason: Withheld) -> bool:
        """Record that it was no call."""
        if not self._is_its_own(copy, AttemptEvent.WITHHOLD):
            return False
        self._withhold(copy.attempt, reason)
        return True

    def _is_its_own(self, copy: Copy, event: AttemptEvent) -> bool:
        attempt = self.attempts[copy.attempt]
        return attempt.epoch == copy.epoch and self.tables.attempt.takes(attempt.state, event)

    # The owner ---------------------------------------------------------------------------------------------------

    def command(self, campaign: int, event: CampaignEvent) -> None:
        """Start or stop; what does not apply changes nothing."""
        this = self.campaigns[campaign]
        if CAMPAIGN.takes(this.state, event):
            this.state = CAMPAIGN.after(this.state, event)
            this.epoch += 1

    # The deliverer -----------------------------------------------------------------------------------------------

    def claim_deliveries(self) -> list[Post]:
        """QUEUED | RETRY, and SENDING whose lease is over, -> SENDING; to a disabled receiver nothing goes."""
        for delivery in self.deliveries.values():
            if delivery.lease_is_over:
                delivery.state = self.tables.delivery.after(delivery.state, DeliveryEvent.EXPIRE)
                delivery.tries += 1
                delivery.is_due, delivery.lease_is_over = True, False
        posts = []
        for number, delivery in self.deliveries.items():
            if delivery.state not in WAITS_TO_BE_SENT or not delivery.is_due:
                continue
            event = DeliveryEvent.PARK if self.receiver_is_disabled else DeliveryEvent.CLAIM
            delivery.state = self.tables.delivery.after(delivery.state, event)
            delivery.epoch += 1
            if delivery.state is DeliveryState.SENDING:
                posts.append(Post(number=number, epoch=delivery.epoch))
        return posts

    def record_post(self, post: Post, event: DeliveryEvent) -> bool:
        """Write down what came of a post; 410 parks everything that waits for its receiver."""
        delivery = self.deliveries[post.number]
        if delivery.epoch != post.epoch or delivery.state is not DeliveryState.SENDING:
            return False
        delivery.state = self.tables.delivery.after(delivery.state, event)
        delivery.tries += 1
        delivery.is_due, delivery.lease_is_over = False, False
        if event is DeliveryEvent.PARK and not self.receiver_is_disabled:
            self.receiver_is_disabled = True
            for other in self.deliveries.values():
                if other.state in WAITS_TO_BE_SENT:
                    other.state = self.tables.delivery.after(other.state, DeliveryEvent.PARK)
        return True

    # What several do ---------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[tuple[int, Attempt]]:
        yield from enumerate(self.attempts)

    def person(self, place: int) -> int:
        """Return whom an attempt calls."""
        return self.numbers[self.attempts[place].number].person

    def _free_number(self, place: int) -> None:
        if self.live_calls.get(self.person(place)) == place:
            del self.live_calls[self.person(place)]

    def _end(self, place: int, event: AttemptEvent, outcome: Outcome) -> None:
        attempt = self.attempts[place]
        attempt.state = self.tables.attempt.after(attempt.state, event)
        attempt.outcome = outcome
        attempt.lease_is_over = attempt.quarantine_is_over = False
        self._free_number(place)

    def _withhold(self, place: int, reason: Withheld) -> None:
        attempt = self.attempts[place]
        attempt.state = self.tables.attempt.after(attempt.state, AttemptEvent.WITHHOLD)
        attempt.withheld = reason
        attempt.lease_is_over = attempt.quarantine_is_over = False
        self._free_number(place)
        number = self.numbers[attempt.number]
        match after_withheld(reason, now=NOW):
            case Conclude(disposition):
                self._conclude(attempt.number, disposition.outcome)
            case WaitUntil():
                self._postpone(attempt.number)
            case BackInLine():
                number.state = self.tables.number.after(number.state, NumberEvent.RETURN)

    def _postpone(self, place: int) -> None:
        number = self.numbers[place]
        number.state = self.tables.number.after(number.state, NumberEvent.POSTPONE)
        self._turns += 1
        number.next_at = self._turns

    def _conclude(self, place: int, outcome: Outcome) -> None:
        number = self.numbers[place]
        number.state = self.tables.number.after(number.state, NumberEvent.CONCLUDE)
        number.outcome = outcome
        if number.campaign == WITH_RECEIVER:
            assert place not in self.deliveries, "I4: a second result"
            self.deliveries[place] = Delivery()

    # What must hold, whatever happened -----------------------------------------------------------------------------

    def broken(self) -> list[str]:
        """Name every invariant that does not hold, with what breaks it."""
        return [f"{name}: {case}" for name, cases in self._cases() for case in cases]

    def _cases(self) -> Iterator[tuple[str, list[object]]]:
        yield "I1 an attempt was sent twice", [one for one in self.attempts if one.invites > 1]
        on_the_phone = Counter(self.person(place) for place, one in self._all() if one.leg_is_live)
        yield "I2 on two calls at once", [person for person, legs in on_the_phone.items() if legs > 1]
        open_attempts = Counter(one.number for one in self.attempts if not _is_over(one))
        yield "I3 two attempts at once", [place for place, count in open_attempts.items() if count > 1]
        yield "I4 a result without its delivery", self._without_delivery()
        yield (
            "I6 may have rung and is planned again",
            [one for one in self.attempts if one.invites and one.state in _BEFORE_THE_INTENT],
        )
        withheld = [one for one in self.attempts if one.state is AttemptState.WITHHELD]
        yield "withheld, and was sent", [one for one in withheld if one.invites]
        yield "I10 nobody's attempt", self._not_conserved(open_attempts)
        yield "tries are not calls", self._tries_miscounted()

    def _without_delivery(self) -> list[object]:
        final = {place for place, number in enumerate(self.numbers) if number.state is NumberState.FINAL}
        with_outcome = {place for place, number in enumerate(self.numbers) if number.outcome is not None}
        wanted = {place for place in final if self.numbers[place].campaign == WITH_RECEIVER}
        return [*(final ^ with_outcome), *(wanted ^ self.deliveries.keys())]

    def _not_conserved(self, open_attempts: Counter[int]) -> list[object]:
        """Return the numbers that are in an attempt without one, or out of it with one, or in no state of the four."""
        return [
            (place, number)
            for place, number in enumerate(self.numbers)
            if (number.state is NumberState.IN_ATTEMPT) != (open_attempts[place] == 1)
            or number.state not in _STORED
        ]

    def _tries_miscounted(self) -> list[object]:
        calls = Counter(one.number for one in self.attempts if one.state is AttemptState.DONE)
        return [(place, number) for place, number in enumerate(self.numbers) if number.tries != calls[place]]


_BEFORE_THE_INTENT: Final = frozenset({AttemptState.PLANNED, AttemptState.LEASED})
#: Conservation: accepted = ready + waiting + in attempt + final.
_STORED: Final = frozenset(
    {NumberState.READY, NumberState.WAITING, NumberState.IN_ATTEMPT, NumberState.FINAL}
)


def _is_over(attempt: Attempt) -> bool:
    return attempt.state in {AttemptState.DONE, AttemptState.WITHHELD}
