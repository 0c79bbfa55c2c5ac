"""The deeds of a walk down the road, each on the model and on its mirror at once, whose answers must be the same.

With no mirror the model walks alone. What each deed met, it notes: a walk that never comes upon a stale lease or a
late report shows nothing about them, so that the tests ask what was met, and not only that nothing broke.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from shared.domain.attempt import HELD, AttemptEvent, AttemptState
from shared.domain.campaign import CampaignEvent, CampaignState
from shared.domain.delivery import DeliveryEvent, DeliveryState
from shared.domain.disposition import Outcome
from shared.domain.number import NumberState
from shared.domain.retry import Withheld
from tests.chaos.model import situations
from tests.chaos.model.mirror import Mirror
from tests.chaos.model.road import (
    TRIES_ALLOWED,
    WAITS_TO_BE_SENT,
    Attempt,
    Copy,
    Delivery,
    LeaseGone,
    Post,
    Road,
    Stage,
    Tables,
)

REAPING: Final = ("free_expired_leases", "withhold_late", "quarantine_lost_calls", "give_up")
#: What may pass, of what, and the fact that it decides. A worker's deadline and a call are nobody's row.
INSTANTS: Final = {
    "lease": ("attempts", "lease_is_over"),
    "send_by": ("attempts", "is_late"),
    "deadline": ("attempts", "is_gone"),
    "call": ("attempts", "leg_is_live"),
    "quarantine": ("attempts", "quarantine_is_over"),
    "next_at": ("numbers", "is_due"),
    "delivery lease": ("deliveries", "lease_is_over"),
    "retry": ("deliveries", "is_due"),
}
OVER: Final = frozenset({AttemptState.DONE, AttemptState.WITHHELD})

_T = TypeVar("_T")


class Walk(RuleBasedStateMachine):
    """The model, its mirror, and what workers and deliverers believe; no rules of its own."""

    tables = Tables()
    #: What was met so far, by all walks of the class.
    met: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.road = Road(tables=self.tables)
        self.mirror: Mirror | None = None
        self.copies: list[Copy] = []
        self.posts: list[Post] = []
        #: What the receiver has: by webhook-id, or by number where nothing real is posted.
        self.received: dict[str | int, bytes] = {}

    def told(self, expected: _T, ask: Callable[[Mirror], _T]) -> _T:
        """Ask the mirror to do the same, and return what both say."""
        if self.mirror is not None:
            answer = ask(self.mirror)
            same = isinstance(expected, LeaseGone) and isinstance(answer, LeaseGone)
            assert same or answer == expected, f"the model says {expected}, the mirror {answer}"
        return expected

    # The pacer ---------------------------------------------------------------------------------------------------

    def tick(self, campaign: int, most: int) -> None:
        """Plan, while the campaign runs and nobody holds it."""
        if self.road.campaigns[campaign].state is CampaignState.RUNNING and not self.road.is_held:
            self.met.update(situations.of_tick(self.road, campaign, most))
            self.told(self.road.plan(campaign, most), lambda mirror: mirror.plan(campaign, most))

    def reap_once(self, what: str) -> None:
        """One statement of the reaper's round."""
        ended: int = getattr(self.road, what)()
        if ended:
            self.met[what] += 1
        self.told(ended, lambda mirror: mirror.reap(what))

    # The dialers -------------------------------------------------------------------------------------------------

    def lease_some(self, worker: int, asked: list[int]) -> list[Copy]:
        """Lease some attempts at once; returns the worker's copies of what it got."""
        if self.mirror is not None:
            asked = self.mirror.in_order(asked)
        self.met.update(situations.of_lease(self.road, asked))
        copies, missed = self.road.lease(worker, asked)
        got = {(copy.attempt, copy.epoch, copy.took_number) for copy in copies}
        self.told((got, missed), lambda mirror: mirror.lease(worker, asked))
        self.copies += copies
        return copies

    def step(self, copy: Copy, *, busy: bool, event: AttemptEvent) -> None:
        """Go on with what a worker has, however stale that is."""
        match copy.stage:
            case Stage.LEASED if not copy.took_number:
                self.withhold(copy, Withheld.ELSEWHERE)
            case Stage.LEASED:
                self.intend(copy)
            case Stage.REFUSED:
                self.withhold(copy, copy.refused or Withheld.LATE)
            case Stage.INTENDED:
                self.send(copy)
            case Stage.SENT if self.road.attempts[copy.attempt].leg_is_live:
                self.progress(copy, event)
            case Stage.SENT:
                self.report(copy, busy=busy)

    def intend(self, copy: Copy) -> None:
        """Ask for the intent."""
        self.met.update(situations.of_intent(self.road, copy))
        answer = self.told(self.road.intend(copy), lambda mirror: mirror.intend(copy))
        if isinstance(answer, LeaseGone):
            self.copies.remove(copy)
        elif answer is None:
            copy.stage = Stage.INTENDED
        else:
            copy.stage, copy.refused = Stage.REFUSED, answer

    def withhold(self, copy: Copy, reason: Withheld) -> None:
        """Give an attempt back: it was no call."""
        self.copies.remove(copy)
        self.met.update(situations.of_copy("withheld", self.road, copy))
        self.told(self.road.withhold(copy, reason), lambda mirror: mirror.withhold(copy, reason))

    def send(self, copy: Copy) -> None:
        """Send the INVITE, or find that it is too late."""
        if self.road.send(copy):
            copy.stage = Stage.SENT
        else:
            self.withhold(copy, Withheld.LATE)

    def progress(self, copy: Copy, event: AttemptEvent) -> None:
        """Note that it rings, or that it was answered."""
        self.met.update(situations.of_copy(event, self.road, copy))
        self.road.progress(copy, event)
        if self.mirror is not None:
            self.mirror.progress(copy, event)

    def report(self, copy: Copy, *, busy: bool) -> None:
        """Report the end of a call."""
        self.copies.remove(copy)
        tries = self.road.numbers[self.road.attempts[copy.attempt].number].tries
        outcome, again = (Outcome.BUSY, tries + 1 < TRIES_ALLOWED) if busy else (Outcome.ANSWERED, False)
        self.met.update(situations.of_copy("reported", self.road, copy))
        self.told(
            self.road.report(copy, outcome, again=again),
            lambda mirror: mirror.report(copy, outcome, again=again),
        )

    def renew(self, worker: int) -> None:
        """Give a sign of life for all that a worker has, stale or not."""
        mine = [copy for copy in self.copies if copy.worker == worker]
        for copy in mine:
            self.met.update(situations.of_copy("renewed", self.road, copy))
        self.told(self.road.renew(mine), lambda mirror: mirror.renew(worker, mine))

    def die(self, worker: int) -> None:
        """Forget everything, with no word to anybody."""
        self.copies = [copy for copy in self.copies if copy.worker != worker]

    # Time --------------------------------------------------------------------------------------------------------

    def attempts_that(self, is_so: Callable[[Attempt], bool]) -> list[int]:
        """Return the places of some attempts."""
        return [place for place, one in enumerate(self.road.attempts) if is_so(one)]

    def may_pass(self, what: str) -> Sequence[int]:
        """Return of which attempts, numbers or deliveries this instant lies ahead."""
        match what:
            case "lease":
                return self.attempts_that(lambda one: one.state in HELD and not one.lease_is_over)
            case "send_by":
                return self.attempts_that(lambda one: not one.is_late and one.state not in OVER)
            case "deadline":
                return self.attempts_that(lambda one: one.is_late and not one.is_gone)
            case "call":
                return self.attempts_that(lambda one: one.leg_is_live)
            case "quarantine":
                return self.attempts_that(_may_be_given_up)
            case "next_at":
                return [
                    place for place, one in enumerate(self.road.numbers)
                    if one.state is NumberState.WAITING and not one.is_due
                ]  # fmt: skip
            case "delivery lease":
                return self._deliveries(frozenset({DeliveryState.SENDING}), lambda one: not one.lease_is_over)
            case _:
                return self._deliveries(WAITS_TO_BE_SENT, lambda one: not one.is_due)

    def let_it_pass(self, what: str, place: int) -> None:
        """Let an instant pass that lies ahead."""
        table, fact = INSTANTS[what]
        setattr(getattr(self.road, table)[place], fact, what != "call")
        if self.mirror is not None:
            self.mirror.let_pass(what, place)

    def _deliveries(self, states: frozenset[DeliveryState], is_so: Callable[[Delivery], bool]) -> list[int]:
        return [number for number, one in self.road.deliveries.items() if one.state in states and is_so(one)]

    # The owner ---------------------------------------------------------------------------------------------------

    def command(self, campaign: int, event: CampaignEvent) -> None:
        """Start or stop."""
        self.road.command(campaign, event)
        if self.mirror is not None:
            self.mirror.command(campaign, event)

    def hold(self, *, stands: bool) -> None:
        """Pull the brake, or let it go; what stands as wished is left alone."""
        if self.road.is_held is not stands:
            self.road.is_held = stands
            if self.mirror is not None:
                self.mirror.hold(stands=stands)

    def block(self, person: int) -> None:
        """Somebody asks never to be called again."""
        if person not in self.road.blocked:
            self.road.blocked.add(person)
            if self.mirror is not None:
                self.mirror.block(person)

    # The deliverer -----------------------------------------------------------------------------------------------

    def claim(self) -> None:
        """Take the deliveries that are due."""
        self.met.update(situations.of_claim(self.road))
        posts = self.road.claim_deliveries()
        self.told({(post.number, post.epoch) for post in posts}, lambda mirror: mirror.claim_deliveries())
        self.posts += posts

    def post(self, post: Post, event: DeliveryEvent, *, dies: bool) -> None:
        """Post, and write down what came of it, unless the deliverer dies first."""
        self.posts.remove(post)
        webhook_id, body = self.mirror.body_of(post) if self.mirror is not None else (post.number, b"")
        if event is DeliveryEvent.ACCEPT:
            assert self.received.setdefault(webhook_id, body) == body, "I5: other bytes under the same id"
        if not dies:
            self.met.update(situations.of_post(self.road, post, event))
            self.told(self.road.record_post(post, event), lambda mirror: mirror.record_post(post, event))


def _may_be_given_up(one: Attempt) -> bool:
    """Tell whether a quarantine may be over: it is longer than any call, and than any worker's patience."""
    in_quarantine = one.state is AttemptState.UNKNOWN and not one.quarantine_is_over
    return in_quarantine and one.is_gone and not one.leg_is_live
