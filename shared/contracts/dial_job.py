"""The doorbell: what the pacer puts on Redis for a dialer to hear.

It names an attempt and nothing else. Every fact is read from Postgres when the lease is taken, so a message that
is lost, doubled, late or stale can do no harm.
"""

from dataclasses import dataclass
from typing import Final

from shared.domain.errors import PacelineError

VERSION: Final = 1

#: The dramatiq queue and actor of dial jobs, and of the bell that wakes the deliverers.
DIAL_QUEUE: Final = "dial"
DELIVER_QUEUE: Final = "deliver"

#: What a bigint id can be.
_LARGEST_ID = 2**63 - 1


class UnreadableJob(PacelineError):
    """A message on the queue is not a dial job of a known version; it was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialJob:
    """One attempt to be dialed."""

    tenant_id: int
    campaign_id: int
    attempt_id: int

    def encode(self) -> dict[str, int]:
        """Return the message's keyword arguments."""
        return {
            "v": VERSION,
            "tenant_id": self.tenant_id,
            "campaign_id": self.campaign_id,
            "attempt_id": self.attempt_id,
        }

    @classmethod
    def decode(cls, message: dict[str, object]) -> "DialJob":
        """Read a message; raises UnreadableJob for another version or anything that is not three ids."""
        fields = dict(message)
        if fields.pop("v", None) != VERSION or fields.keys() != {"tenant_id", "campaign_id", "attempt_id"}:
            raise UnreadableJob
        ids = {
            name: value for name, value in fields.items() if type(value) is int and 0 < value <= _LARGEST_ID
        }
        if ids.keys() != fields.keys():
            raise UnreadableJob
        return cls(**ids)
