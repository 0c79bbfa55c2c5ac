"""A UDP socket that hears one peer alone, for as long as it is told to.

Once connected the kernel passes over what others send, knows the way by heart, and need not say of each packet where it
came from: a seventh of what the audio of a call costs.

A socket that is bound to all addresses of the machine would be tied to the one from which the way to the peer begins.
That need not be the one to which the peer sends: it is connected only where the two are the same. And a port that the
system chose goes with the peer; those for audio are bound by their numbers.
"""

import ctypes
import socket
import struct
from typing import Final

from shared.adapters.sip_trunk.trunk import address_towards

#: As a socket names who sent: host and port, of IPv6 two numbers more.
SocketName = tuple[str, int] | tuple[str, int, int, int]

_ALL_ADDRESSES: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared
#: connect(2) lets go of a peer for the name of no address; Python has no words for that.
_NOBODY: Final = struct.pack("@H14x", socket.AF_UNSPEC)
_connect = ctypes.CDLL(None, use_errno=True).connect


def hear_one(bound: socket.socket, peer: SocketName, *, home: str) -> bool:
    """Hear this peer alone, beside what already lies on the socket; False where that cannot be.

    `home`: the address to which the peer was asked to send.
    """
    try:
        if bound.getsockname()[0] in _ALL_ADDRESSES and address_towards((peer[0], peer[1])) != home:
            return False
        bound.connect(peer)
    except OSError:
        return False  # no way there: what is sent will not arrive either
    return True


def hear_everybody(bound: socket.socket) -> None:
    """Hear whoever sends again, on the same port; a system that cannot let go of a peer stays with it."""
    _connect(bound.fileno(), _NOBODY, len(_NOBODY))
