"""A result's way to its receiver.

`QUEUED -> SENDING(lease) -> DELIVERED | RETRY(next_at) -> ... -> FAILED ; PARKED`. At least once: a lease that
runs out while a try was under way means that nobody knows, and the same bytes with the same `webhook-id` go out
again. Nothing is dropped: FAILED and PARKED are kept and can be queued again.
"""

from enum import StrEnum

from shared.domain.state_machine import StateMachine


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"  # one deliverer holds it until lease_until
    RETRY = "RETRY"  # not before its next_at
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"  # the schedule is used up, or the receiver said never again
    PARKED = "PARKED"  # its receiver is disabled


class DeliveryEvent(StrEnum):
    """What moves a delivery."""

    CLAIM = "claim"
    ACCEPT = "accept"  # the receiver answered 2xx
    POSTPONE = "postpone"  # it did not; another try is left
    EXPIRE = "expire"  # the deliverer went silent: nobody knows, so again
    FAIL = "fail"
    PARK = "park"
    REQUEUE = "requeue"  # replayed by a person, or the receiver is enabled again


DELIVERY = StateMachine[DeliveryState, DeliveryEvent](
    "delivery",
    {
        DeliveryState.QUEUED: {
            DeliveryEvent.CLAIM: DeliveryState.SENDING,
            DeliveryEvent.PARK: DeliveryState.PARKED,
        },
        DeliveryState.RETRY: {
            DeliveryEvent.CLAIM: DeliveryState.SENDING,
            DeliveryEvent.PARK: DeliveryState.PARKED,
        },
        DeliveryState.SENDING: {
            DeliveryEvent.ACCEPT: DeliveryState.DELIVERED,
            DeliveryEvent.POSTPONE: DeliveryState.RETRY,
            DeliveryEvent.EXPIRE: DeliveryState.RETRY,
            DeliveryEvent.FAIL: DeliveryState.FAILED,
            DeliveryEvent.PARK: DeliveryState.PARKED,
        },
        DeliveryState.DELIVERED: {DeliveryEvent.REQUEUE: DeliveryState.QUEUED},
        DeliveryState.FAILED: {DeliveryEvent.REQUEUE: DeliveryState.QUEUED},
        DeliveryState.PARKED: {DeliveryEvent.REQUEUE: DeliveryState.QUEUED},
    },
)
