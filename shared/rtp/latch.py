"""Symmetric RTP: where to send audio when the far end's description cannot be believed (RFC 4961; RFC 7362, 5).

Behind address translation the address in the SDP is a private one, and the packets come from another. We send where
they come from, under conditions, since whoever guesses our port could otherwise take the conversation over:

- Before anything came, audio goes to the address of the SDP.
- Only packets of an agreed payload type count, and a source needs several in a row. The address of the SDP needs one:
  when it sends itself it is believed at once, and taken back from whoever was quicker.
- Once latched, the address stays as long as it sends. It moves only after silence, or after a new description.
"""

from dataclasses import dataclass, replace
from typing import Final

Address = tuple[str, int]

#: Packets of the same new source in a row before it is believed: a stray or a scan is one packet.
PACKETS_TO_LATCH: Final = 3
#: A latched source must be silent for so long before another may follow: a handover takes longer than a hiccup.
SILENCE_TO_MOVE_SECONDS: Final = 2.0
#: Moves without a new description: an attacker who alternates must not swing us for ever.
MAX_MOVES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Where audio goes, and what speaks for another place."""

    #: From the SDP.
    described: Address
    latched: Address | None = None
    heard_at: float = 0.0
    candidate: Address | None = None
    seen: int = 0
    moves: int = 0

    @property
    def target(self) -> Address:
        """Where to send."""
        return self.latched or self.described


def heard(latch: Latch, source: Address, now: float, *, agreed: bool) -> tuple[Latch, bool]:
    """Return the latch after a packet, and whether the packet is to be played.

    `agreed`: it is RTP of a payload type that was negotiated.
    """
    if not agreed:
        return latch, False
    if source in {latch.latched, latch.described}:
        return replace(latch, latched=source, heard_at=now, candidate=None, seen=0), True
    if not _may_move(latch, now):
        return latch, False
    seen = latch.seen + 1 if source == latch.candidate else 1
    if seen < PACKETS_TO_LATCH:
        return replace(latch, candidate=source, seen=seen), False
    moves = latch.moves + (latch.latched is not None)
    return replace(latch, latched=source, heard_at=now, candidate=None, seen=0, moves=moves), True


def _may_move(latch: Latch, now: float) -> bool:
    if latch.latched is None:
        return True
    return now - latch.heard_at >= SILENCE_TO_MOVE_SECONDS and latch.moves < MAX_MOVES


def described_anew(latch: Latch, described: Address) -> Latch:
    """Return the latch after a new description; the same address changes nothing (a refresh, a hold)."""
    return latch if described == latch.described else Latch(described=described)
