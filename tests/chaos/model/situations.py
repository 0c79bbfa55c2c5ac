"""What a step may meet on the road: the orders of steps in which dialers break, each by its name.

A mistake in a statement tells only in the situation that the missing condition is about, and only where nothing else
stands in the way too: an intent that looks at no hold is found out by an attempt that a hold alone forbids.
"""

from collections.abc import Iterator, Sequence

from shared.domain.attempt import HELD, AttemptState
from shared.domain.campaign import CampaignState
from shared.domain.delivery import DeliveryEvent, DeliveryState
from shared.domain.number import NumberState
from tests.chaos.model.road import WAITS_TO_BE_SENT, Copy, Post, Road


def of_tick(road: Road, campaign: int, most: int) -> Iterator[str]:
    """A tick finds numbers that wait, numbers in line, or that it must begin its list anew."""
    here = [number for number in road.numbers if number.campaign == campaign]
    cursor = road.campaigns[campaign].cursor
    due = sum(number.is_due for number in here)
    in_line = [number.line for number in here if number.state is NumberState.READY]
    if due and in_line:
        yield "planned: both who wait and who are in line"
    if due > most:
        yield "planned: more who wait than there is room for"
    if any(line <= cursor for line in in_line) and due + sum(line > cursor for line in in_line) < most:
        yield "planned: who came back behind the cursor"


def of_lease(road: Road, asked: Sequence[int]) -> Iterator[str]:
    """A ring for an attempt: whether it can be leased, and whether its number is free."""
    for place in asked:
        attempt = road.attempts[place]
        late = ", late" if attempt.is_late else ""
        yield f"rung for: {attempt.state}{late}"
        if attempt.state is AttemptState.PLANNED and not attempt.is_late:
            person = road.numbers[attempt.number].person
            yield "leased: free" if person not in road.live_calls else "leased: on another call"


def of_intent(road: Road, copy: Copy) -> Iterator[str]:
    """An intent: with nothing in its way, or with one thing alone."""
    attempt = road.attempts[copy.attempt]
    number = road.numbers[attempt.number]
    campaign = road.campaigns[number.campaign]
    runs = campaign.state is CampaignState.RUNNING
    in_the_way = {
        f"it is {attempt.state}": attempt.state is not AttemptState.LEASED,
        "leased to another": attempt.epoch != copy.epoch,
        "the lease is over": attempt.lease_is_over,
        "stopped": not runs,
        "stopped and started again": runs and campaign.epoch != attempt.campaign_epoch,
        "held": road.is_held,
        "blocked": number.person in road.blocked,
        "late": attempt.is_late,
    }
    found = [what for what, is_so in in_the_way.items() if is_so]
    if len(found) <= 1:
        yield f"intended: {found[0] if found else 'in time'}"


def of_copy(deed: str, road: Road, copy: Copy) -> Iterator[str]:
    """What a worker does to an attempt that is its own, or is no longer."""
    attempt = road.attempts[copy.attempt]
    whose = "its own" if attempt.epoch == copy.epoch else "another's"
    over = ", lease over" if attempt.state in HELD and attempt.lease_is_over else ""
    yield f"{deed}: {whose}, {attempt.state}{over}"


def of_claim(road: Road) -> Iterator[str]:
    """A claim finds what is due, what another was silent about, or a receiver that wants no more."""
    for delivery in road.deliveries.values():
        waits = delivery.state in WAITS_TO_BE_SENT
        if (waits and delivery.is_due) or delivery.lease_is_over:
            disabled = ", receiver disabled" if road.receiver_is_disabled else ""
            yield f"claimed: {delivery.state}{disabled}"


def of_post(road: Road, post: Post, event: DeliveryEvent) -> Iterator[str]:
    """What came of a post is written down by whom it belongs to, or by somebody who was silent for too long."""
    delivery = road.deliveries[post.number]
    whose = "its own" if delivery.epoch == post.epoch else "another's"
    over = ", lease over" if delivery.lease_is_over else ""
    yield f"posted: {whose}, {delivery.state}{over}"
    if whose == "its own" and delivery.state is DeliveryState.SENDING:
        yield f"posted: {event}"
        others = [other for number, other in road.deliveries.items() if number != post.number]
        if event is DeliveryEvent.PARK and any(other.state in WAITS_TO_BE_SENT for other in others):
            yield "posted: park, with others that wait"
