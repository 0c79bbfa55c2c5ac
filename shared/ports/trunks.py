"""The trunks that an operator keeps: made by the command line, used by the dialers."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRecord:
    """A trunk as it is stored."""

    name: str
    host: str
    port: int
    username: str | None
    caller_id: str | None
    #: Digits, without `+`.
    prefix: str
    priority: int
    #: Calls at a time over all dialers; None sets no limit.
    channels: int | None
    #: New calls in any second over all dialers; None sets no limit.
    calls_per_second: int | None
    #: Whether it is asked by OPTIONS if it is there.
    pings: bool
    #: Whether it is told the caller id in P-Asserted-Identity as well.
    asserted_identity: bool = False
    disabled: bool = False
    #: Channels that are taken now, over all dialers; only in a list, and only where something is limited.
    in_use: int = 0
    #: Only where a trunk is added and where it is used; None in every list.
    password: str | None = field(default=None, repr=False)


class Trunks(Protocol):
    """What an operator does with trunks."""

    async def add(self, trunk: TrunkRecord) -> None:
        """Keep a new trunk; raises Conflict where the name is taken, Invalid for a value that cannot be."""

    async def listed(self) -> list[TrunkRecord]:
        """Return all trunks, without passwords."""

    async def switch(self, name: str, *, disabled: bool) -> None:
        """Take a trunk out of use, or back into it; raises NotFound."""


class UsableTrunks(Protocol):
    """What a dialer wants to know of trunks."""

    async def usable(self) -> list[TrunkRecord]:
        """Return the trunks that are not disabled, with their passwords; raises Unavailable."""
