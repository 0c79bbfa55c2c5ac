"""What the walk asks of something real that is to make the same of every step as the model."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.attempt import AttemptEvent
from shared.domain.campaign import CampaignEvent
from shared.domain.delivery import DeliveryEvent
from shared.domain.disposition import Outcome
from shared.domain.retry import Withheld
from tests.chaos.model.road import Copy, LeaseGone, Post, Road


class Mirror(Protocol):
    """Carries the steps out on something real; places are the model's, and answers must be the model's."""

    def plan(self, campaign: int, most: int) -> list[int]:
        """Claim numbers and plan attempts; returns the numbers in their order."""

    def in_order(self, attempts: Sequence[int]) -> list[int]:
        """Return attempts in the order of their ids."""

    def lease(self, worker: int, attempts: Sequence[int]) -> tuple[set[tuple[int, int, bool]], int]:
        """Lease; returns attempt, epoch and whether the number was taken, and how many came too late."""

    def intend(self, copy: Copy) -> Withheld | LeaseGone | None:
        """Commit the intent."""

    def withhold(self, copy: Copy, reason: Withheld) -> bool:
        """Record that it was no call."""

    def progress(self, copy: Copy, event: AttemptEvent) -> None:
        """Note RING or ANSWER."""

    def report(self, copy: Copy, outcome: Outcome, *, again: bool) -> bool:
        """Report the end of a call."""

    def renew(self, worker: int, copies: Sequence[Copy]) -> set[int]:
        """Renew leases."""

    def reap(self, what: str) -> int:
        """Call a method of the reaper."""

    def command(self, campaign: int, event: CampaignEvent) -> None:
        """Start or stop."""

    def hold(self, *, stands: bool) -> None:
        """Place the platform's hold, or release it."""

    def block(self, person: int) -> None:
        """Put a person on the blocklist."""

    def claim_deliveries(self) -> set[tuple[int, int]]:
        """Claim; returns number and epoch."""

    def record_post(self, post: Post, event: DeliveryEvent) -> bool:
        """Record what came of a post."""

    def body_of(self, post: Post) -> tuple[str, bytes]:
        """Return what is posted: the id and the bytes."""

    def let_pass(self, what: str, place: int) -> None:
        """Let an instant of an attempt, a number or a delivery have passed."""

    def differences(self, road: Road) -> list[str]:
        """Compare everything that is stored with the model."""
