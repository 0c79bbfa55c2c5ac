"""Requests under way, ours and the peer's: a transaction together with the bytes that it repeats."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from shared.sip.dialog import Dialog
from shared.sip.effects import Address
from shared.sip.headers import Via
from shared.sip.message import Request
from shared.sip.transaction import Transaction, TxState
from shared.sip.uri import SipUri


class Dice(Protocol):
    """Where unguessable numbers come from: `random.SystemRandom`, or a seeded one in a test."""

    def getrandbits(self, k: int, /) -> int:
        """Return an integer of k random bits."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tags, branches and the like: 96 bits, since guessing one is how a stranger would end our calls (26.1)."""

    dice: Dice

    def token(self) -> str:
        """Return 24 hexadecimal digits."""
        return f"{self.dice.getrandbits(96):024x}"

    def branch(self) -> str:
        """Return a branch with RFC 3261's cookie (8.1.1.7)."""
        return f"z9hG4bK{self.token()}"

    def cseq(self) -> int:
        """Return a first CSeq well below 2**31 (8.1.1.5)."""
        return 1 + self.dice.getrandbits(16)

    def fraction(self) -> float:
        """Return a number from 0 to below 1."""
        return self.dice.getrandbits(24) / (1 << 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where we are, as the far end is to see it: the advertised address, not the bound one."""

    host: str
    port: int
    user_agent: str = "Paceline"

    def via(self, branch: str) -> Via:
        """Return our Via, which asks for the port that the far end saw (RFC 3581, 3)."""
        return Via(host=self.host, port=self.port, parameters=(("branch", branch), ("rport", None)))

    @property
    def contact(self) -> SipUri:
        """Where in-dialog requests reach us."""
        return SipUri(host=self.host, port=self.port)


class Purpose(StrEnum):
    """Why we sent a request."""

    INVITE = "INVITE"
    CANCEL = "CANCEL"
    PRACK = "PRACK"
    REFRESH = "session refresh"
    BYE = "BYE"
    BYE_UNWANTED = "BYE to a fork that nobody wants"


@dataclass(slots=True, kw_only=True)
class ClientExchange:
    """A request of ours."""

    purpose: Purpose
    transaction: Transaction
    request: Request
    data: bytes
    to: Address
    #: The dialog that it belongs to; None for the first INVITE and its CANCEL.
    dialog: Dialog | None = None
    #: Which try this is: it was made anew with credentials or a longer interval for each but the first.
    tries: int = 1
    #: How many datagrams of it have left.
    sends: int = 0
    #: A CANCEL was sent for it.
    cancelled: bool = False
    #: For an INVITE: the ACK of each dialog's 2xx, by the peer's tag, sent again whenever the 2xx is.
    acks: dict[str, tuple[bytes, Address]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What a response is matched by (17.1.3)."""
        return self.request.vias[0].branch, self.request.cseq.method

    @property
    def open(self) -> bool:
        """Whether its final response is still to come."""
        return self.transaction.state in {TxState.CALLING, TxState.TRYING, TxState.PROCEEDING}


@dataclass(slots=True, kw_only=True)
class ServerExchange:
    """A request of the peer, answered."""

    transaction: Transaction
    request: Request
    data: bytes
    to: Address
    #: Our 2xx held an offer, so that the ACK holds the answer.
    offers: bool = False


def server_key(request: Request) -> tuple[str, str, str, int]:
    """Return what a repeated request is recognised by (17.2.3); an ACK and a CANCEL belong to their INVITE.

    The number tells the requests of an element apart that is older than RFC 3261 and writes no branch.
    """
    method = "INVITE" if request.method in {"ACK", "CANCEL"} else request.method
    top = request.vias[0]
    return top.branch, f"{top.host}:{top.port}", method, request.cseq.number
