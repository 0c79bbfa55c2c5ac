"""The rules by which hypothesis walks the road: workers, crashes, stale copies, time, an owner, a deliverer.

One machine drives the model alone; with a mirror, which carries every step out on something real, it compares both
after each one. So what is true of the model by the tables is shown of the SQL by the same steps.
"""

import sys
from collections.abc import Sequence
from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from typing_extensions import override

from shared.domain.attempt import AttemptEvent, AttemptState
from shared.domain.campaign import CampaignEvent, CampaignState
from shared.domain.delivery import DeliveryEvent, DeliveryState
from shared.domain.number import NumberState
from shared.domain.retry import Withheld
from tests.chaos.model.mirror import Mirror
from tests.chaos.model.road import LISTS, WITH_RECEIVER, Copy, Stage
from tests.chaos.model.walk import INSTANTS, REAPING, Walk

WORKERS: Final = 2
#: As much as there can be.
ALL: Final = 100
#: Rounds in which everything must have come to its end once nothing goes wrong any more.
ROUNDS: Final = 12
#: What shuts a gate between a lease and its intent, each as what happens one after the other.
SHUT: Final = {
    "stopped": ("stop", "stop"),  # once more, to be sure: that is no second stop
    "stopped and started again": ("stop", "start"),
    "held": ("hold",),
    "blocked": ("block",),
    "late": ("send_by",),
    "silent for too long": ("lease",),
}
#: What may become of a lease before its intent.
BEFORE_THE_INTENT: Final = {
    "nothing": (),
    "planned again": ("lease", "free_expired_leases"),
    "late": ("send_by", *REAPING),
    "silent and late": ("lease", "send_by", *REAPING),
}
#: What may come between an intent and its report.
AFTER_THE_INTENT: Final = {
    "nothing": (),
    "stopped": ("stop",),
    "held": ("hold",),
    "silent": ("lease",),
    "given up": (
        "lease", "quarantine_lost_calls", "send_by", "deadline", "call", "quarantine", "withhold_late", "give_up",
    ),
}  # fmt: skip
AFTER_THE_CLAIM: Final = ("nothing", "claimed by another", "silent", "claimed by another")
#: What somebody then does who may not have noticed; what tells most, most often.
GOES_ON: Final = ("goes on", "gives a sign of life", "goes on", "gives back", "goes on", "dies")
WAKES: Final = ("goes on", "gives a sign of life", "goes on", "gives back")
#: What may come of a post: 2xx, an answer that is none or asks for patience, the last of many, 410.
POSTED: Final = (
    DeliveryEvent.ACCEPT, DeliveryEvent.POSTPONE, DeliveryEvent.FAIL, DeliveryEvent.PARK, DeliveryEvent.POSTPONE,
)  # fmt: skip
#: What passes once nothing goes wrong any more, and what the reaper then does.
RECOVERY: Final = {
    "call": (),
    "lease": ("free_expired_leases", "quarantine_lost_calls"),
    "send_by": ("withhold_late",),
    "deadline": (),
    "quarantine": ("give_up",),
    "next_at": (),
    "delivery lease": (),
    "retry": (),
}
#: Where a delivery may rest.
ENDS: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.PARKED})

_T = TypeVar("_T")
#: Which of those there are; shrinks to the first.
Picks = st.integers(min_value=0, max_value=63)
SomePicks = st.lists(Picks, min_size=1, max_size=4)
SomeReaping = st.lists(st.sampled_from(REAPING), max_size=len(REAPING))
Progress = st.sampled_from([AttemptEvent.RING, AttemptEvent.ANSWER])
SomeProgress = st.lists(Progress, max_size=2)
Campaigns = st.integers(min_value=0, max_value=len(LISTS) - 1)
Workers = st.integers(min_value=0, max_value=WORKERS - 1)


def pick(choices: Sequence[_T], number: int) -> _T:
    """Return one of the choices."""
    return choices[number % len(choices)]


class RoadMachine(Walk):
    """The model alone, unless there is a mirror."""

    def __init__(self) -> None:
        super().__init__()
        self._epochs: dict[int, int] = {}
        self._delivery_tries: dict[int, int] = {}

    @initialize()
    def begin(self) -> None:
        """Make the mirror."""
        self.mirror = self.make_mirror()

    def make_mirror(self) -> Mirror | None:
        """Return what is compared with the model, if anything is."""
        return None

    # Anything, in any order -----------------------------------------------------------------------------------------

    @rule(
        campaign=Campaigns,
        most=st.integers(min_value=1, max_value=3),
        reaping=SomeReaping,
        all_are_due=st.booleans(),
    )
    def pace(self, campaign: int, most: int, reaping: list[str], all_are_due: bool) -> None:
        """The reaper comes by, or not, and a tick."""
        for what in reaping:
            self.reap_once(what)
        for number in self.may_pass("next_at") if all_are_due else ():
            self.let_it_pass("next_at", number)
        self.tick(campaign, most)

    @precondition(lambda self: self.road.attempts)
    @rule(worker=Workers, picks=SomePicks, busy=st.booleans(), event=Progress)
    def work(self, worker: int, picks: list[int], busy: bool, event: AttemptEvent) -> None:
        """The bell rings for some attempts: planned, stale, doubled or long over; workers go on with what they have."""
        self.lease_some(worker, sorted({number % len(self.road.attempts) for number in picks}))
        for number in picks:
            if self.copies:
                self.step(pick(self.copies, number), busy=busy, event=event)

    @precondition(lambda self: self.copies)
    @rule(worker=Workers, dies=st.booleans())
    def renew_or_die(self, worker: int, dies: bool) -> None:
        """A worker gives a sign of life; or it dies, and its calls go on alone."""
        if dies:
            self.die(worker)
        else:
            self.renew(worker)

    @precondition(lambda self: self.road.attempts)
    @rule(
        whats=st.lists(st.sampled_from([*INSTANTS, "call"]), min_size=1, max_size=3),
        number=Picks,
        all_=st.booleans(),
    )
    def let_pass(self, whats: list[str], number: int, all_: bool) -> None:
        """Time passes, for one or for all: by Postgres' clock or a worker's, for a number, a delivery or a call."""
        for what in whats:
            places = self.may_pass(what)
            for place in places if all_ else [pick(places, number)] if places else []:
                self.let_it_pass(what, place)

    @rule(
        wish=st.sampled_from([CampaignEvent.START, CampaignEvent.STOP, "hold", "release"]), campaign=Campaigns
    )
    def wish(self, wish: CampaignEvent | str, campaign: int) -> None:
        """Start, stop, pull the brake or let it go."""
        if isinstance(wish, CampaignEvent):
            self.command(campaign, wish)
        else:
            self.hold(stands=wish == "hold")

    @precondition(lambda self: self.road.deliveries)
    @rule(events=st.lists(st.sampled_from(POSTED), max_size=3), all_are_due=st.booleans())
    def deliver(self, events: list[DeliveryEvent], all_are_due: bool) -> None:
        """Take what is due, and post some of it."""
        for number in self.may_pass("retry") if all_are_due else ():
            self.let_it_pass("retry", number)
        self.claim()
        for event in events[: len(self.posts)]:
            self.post(self.posts[-1], event, dies=False)

    # One thing, in trouble: what would be rare shall not be ---------------------------------------------------------

    @rule(campaign=Campaigns, worker=Workers, shut=st.sampled_from([*SHUT]), relents=st.booleans())
    def meet_a_shut_gate(self, campaign: int, worker: int, shut: str, relents: bool) -> None:
        """A gate shuts between a lease and its intent."""
        if copy := self._a_leased_copy(campaign, worker):
            self._happen(copy.attempt, SHUT[shut])
            self._go_on(copy, "goes on", steps=2)
        if relents:
            self._relent()

    @rule(
        campaign=Campaigns,
        worker=Workers,
        trouble=st.sampled_from([*BEFORE_THE_INTENT]),
        then=st.sampled_from(GOES_ON),
    )
    def intend_in_trouble(self, campaign: int, worker: int, trouble: str, then: str) -> None:
        """Something becomes of a lease before its intent."""
        if copy := self._a_leased_copy(campaign, worker):
            self._happen(copy.attempt, BEFORE_THE_INTENT[trouble])
            self._go_on(copy, then, steps=2)

    @rule(
        campaign=Campaigns,
        worker=Workers,
        steps=st.sampled_from([0, 1, 0, 2]),
        then=st.sampled_from(WAKES),
    )
    def wake_up(self, campaign: int, worker: int, steps: int, then: str) -> None:
        """A worker freezes, another has its attempt meanwhile, and then it goes on as if nothing was."""
        if copy := self._a_leased_copy(campaign, worker):
            self._happen(copy.attempt, BEFORE_THE_INTENT["planned again"])
            for other in self.lease_some(1 - worker, [copy.attempt]):
                self._go_on(other, "goes on", steps=steps)
            self._go_on(copy, then)

    @rule(
        campaign=Campaigns,
        worker=Workers,
        progress=SomeProgress,
        trouble=st.sampled_from([*AFTER_THE_INTENT]),
        busy=st.booleans(),
        then=st.sampled_from(GOES_ON),
    )
    def call_in_trouble(
        self, campaign: int, worker: int, progress: list[AttemptEvent], trouble: str, busy: bool, then: str
    ) -> None:
        """Something comes between an intent and its report."""
        if copy := self._a_call(campaign, worker, progress, is_sent=then != "gives back"):
            self._happen(copy.attempt, AFTER_THE_INTENT[trouble])
            self._happen(copy.attempt, ("call",))
            self._go_on(copy, then, busy=busy)

    @rule(
        campaign=Campaigns,
        worker=Workers,
        progress=SomeProgress,
        ended=st.booleans(),
        busy=st.booleans(),
        event=Progress,
        then=st.sampled_from(WAKES),
    )
    def wake_up_in_quarantine(
        self,
        campaign: int,
        worker: int,
        progress: list[AttemptEvent],
        ended: bool,
        busy: bool,
        event: AttemptEvent,
        then: str,
    ) -> None:
        """A worker freezes for so long that its call counts as lost, and then it goes on as if nothing was."""
        if copy := self._a_call(campaign, worker, progress, is_sent=then != "gives back"):
            self._happen(copy.attempt, ("lease", "quarantine_lost_calls", *(["call"] if ended else [])))
            self._go_on(copy, then, busy=busy, event=event)

    @rule(
        trouble=st.sampled_from(AFTER_THE_CLAIM),
        event=st.sampled_from(POSTED),
        dies=st.sampled_from([False, False, False, True]),
        others_wait=st.booleans(),
    )
    def post_in_trouble(self, trouble: str, event: DeliveryEvent, dies: bool, others_wait: bool) -> None:
        """Something comes between a claim and what came of the post."""
        if not self.posts:
            self._have_a_result()
            self.claim()
        if self.posts:
            post = self.posts[-1]
            if trouble != "nothing" and post.number in self.may_pass("delivery lease"):
                self.let_it_pass("delivery lease", post.number)
            if trouble == "claimed by another":
                self.claim()
            if others_wait:
                self._have_a_result()
            self.post(post, event, dies=dies)

    def _a_leased_copy(self, campaign: int, worker: int) -> Copy | None:
        """Lease an attempt of a campaign in good time, if anybody is left to be called."""
        self._relent()
        self.tick(campaign, 1)
        for place in self.attempts_that(lambda one: one.state is AttemptState.PLANNED and not one.is_late):
            if self.road.person(place) not in self.road.live_calls:
                return self.lease_some(worker, [place])[0]
        if on_the_phone := [*self.road.live_calls.values()]:
            self._happen(on_the_phone[0], AFTER_THE_INTENT["given up"])
        return None

    def _a_call(
        self, campaign: int, worker: int, progress: Sequence[AttemptEvent], *, is_sent: bool
    ) -> Copy | None:
        """Let a worker commit an intent, and unless its INVITE is not to leave, hear of the call what there is."""
        copy = self._a_leased_copy(campaign, worker)
        if copy is not None:
            self._go_on(copy, "goes on", steps=1 + is_sent)
            for event in progress if copy.stage is Stage.SENT else ():
                self._go_on(copy, "goes on", event=event)
        return copy

    def _have_a_result(self) -> None:
        copy = self._a_call(WITH_RECEIVER, 0, (), is_sent=True)
        if copy is not None:
            self._happen(copy.attempt, ("call",))
            self._go_on(copy, "goes on")

    def _relent(self) -> None:
        self.hold(stands=False)
        for place, campaign in enumerate(self.road.campaigns):
            if campaign.state is not CampaignState.RUNNING:
                self.command(place, CampaignEvent.START)

    def _happen(self, place: int, deeds: Sequence[str]) -> None:
        for deed in deeds:
            if deed in REAPING:
                self.reap_once(deed)
            elif deed in INSTANTS:
                if place in self.may_pass(deed):
                    self.let_it_pass(deed, place)
            else:
                self._wish(place, deed)

    def _wish(self, place: int, deed: str) -> None:
        match deed:
            case "hold":
                self.hold(stands=True)
            case "block":
                self.block(self.road.person(place))
            case _:
                campaign = self.road.numbers[self.road.attempts[place].number].campaign
                self.command(campaign, CampaignEvent(deed))

    def _go_on(
        self,
        copy: Copy,
        then: str,
        *,
        steps: int = 1,
        busy: bool = False,
        event: AttemptEvent = AttemptEvent.ANSWER,
    ) -> None:
        match then:
            case "gives a sign of life":
                self.renew(copy.worker)
            case "dies":
                self.die(copy.worker)
            case "gives back" if copy in self.copies and copy.stage in {Stage.LEASED, Stage.INTENDED}:
                self.withhold(copy, Withheld.NO_TRUNK)
            case _:
                for _ in range(steps):
                    if copy in self.copies:
                        self.step(copy, busy=busy, event=event)

    # What must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        """I1 to I6 and I10."""
        broken = self.road.broken()
        assert broken == [], broken

    @invariant()
    def epochs_and_tries_only_grow(self) -> None:
        """I5 and I13."""
        for place, one in enumerate(self.road.attempts):
            assert one.epoch >= self._epochs.get(place, 0), "I13"
            self._epochs[place] = one.epoch
        for number, delivery in self.road.deliveries.items():
            assert delivery.tries >= self._delivery_tries.get(number, 0), "I5"
            self._delivery_tries[number] = delivery.tries
        delivered = [one for one in self.road.deliveries.values() if one.state is DeliveryState.DELIVERED]
        assert len(delivered) <= len(self.received), "I5: delivered, and the receiver has nothing"

    @invariant()
    def the_mirror_shows_the_same(self) -> None:
        """Every row is as the model has it."""
        if self.mirror is not None:
            differences = self.mirror.differences(self.road)
            assert differences == [], differences

    @override
    def teardown(self) -> None:
        """Let everything recover, unless a promise is broken already: every number ends, every result arrives."""
        if sys.exception() is None:
            self.recover()

    def recover(self) -> None:
        """Nothing goes wrong any more, and nobody who died comes back."""
        self.copies.clear()
        self.posts.clear()
        self._relent()
        for _ in range(ROUNDS):
            self._let_all_pass()
            self._let_everybody_work()
            self.nothing_is_broken()
            self.epochs_and_tries_only_grow()
            self.the_mirror_shows_the_same()
            if self._is_at_rest():
                return
        raise AssertionError(f"not at rest: {self.road}")

    def _is_at_rest(self) -> bool:
        return (
            all(one.state is NumberState.FINAL for one in self.road.numbers)
            and all(one.state in ENDS for one in self.road.deliveries.values())
            and not self.road.live_calls
        )

    def _let_all_pass(self) -> None:
        # In the order in which they pass in life; the reaper does after each what is then to be done.
        for what, deeds in RECOVERY.items():
            for place in self.may_pass(what):
                self.let_it_pass(what, place)
            for deed in deeds:
                self.reap_once(deed)

    def _let_everybody_work(self) -> None:
        for campaign in range(len(LISTS)):
            self.tick(campaign, ALL)
        planned = self.attempts_that(lambda one: one.state is AttemptState.PLANNED)
        self.lease_some(0, planned)
        while self.copies:
            self.step(self.copies[0], busy=False, event=AttemptEvent.ANSWER)
            for place in self.may_pass("call"):
                self.let_it_pass("call", place)
        if self.road.deliveries:
            self.claim()
        while self.posts:
            self.post(self.posts[-1], DeliveryEvent.ACCEPT, dies=False)
