"""The second leg of a transfer, where no network is needed to show it."""

from collections import deque
from collections.abc import Callable

from shared.adapters.sip_trunk.second_leg import Joinable, SecondLeg
from shared.telephony.port import OutboundCall, TransferAnswered, TransferEnded
from tests.sip.caller import call_to


class Near:
    """What the first leg is to the second: somewhere to be joined with."""

    def join(self, hears: deque[bytes] | None, tells: deque[bytes] | None) -> None:
        """Hear nothing."""


async def test_a_transfer_that_is_given_up_before_it_began_calls_nobody() -> None:
    """Its end is told once, as that of one who left by himself."""
    placed: list[OutboundCall] = []
    told: list[TransferAnswered | TransferEnded] = []

    async def place(call: OutboundCall) -> Joinable:
        placed.append(call)
        raise AssertionError

    tell: Callable[[TransferAnswered | TransferEnded], None] = told.append
    leg = SecondLeg(Near(), place, tell, bridge=True, pace_of_time=1.0)  # type: ignore[arg-type]
    await leg.give_up()
    await leg.run(call_to())
    assert placed == []
    assert told == [TransferEnded("near_end_disconnect")]
