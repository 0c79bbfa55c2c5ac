"""Two networks with address translation between them: network namespaces of this machine, gone after their test.

A dialer is inside, at a private address that nobody outside has a way to. Whatever leaves through the gateway carries
its public address, and a port that the kernel draws (a symmetric translation, the worst kind for telephony) unless
the operator has forwarded it.
"""

import asyncio
import ctypes
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.sip.callee import Place, need

_PRIVATE: Final = "10.213.7"
#: RFC 5737: nobody's.
_PUBLIC: Final = "198.51.100"
INSIDE: Final = f"{_PRIVATE}.2"
GATEWAY: Final = f"{_PUBLIC}.1"
OUTSIDE: Final = f"{_PUBLIC}.2"
#: Where an operator forwards them, SIP arrives at another port than the dialer's own, audio at the same.
SIP_PORT: Final = 5060
PUBLIC_SIP_PORT: Final = 5070
AUDIO_PORTS: Final = "40000-40099"
_CLONE_NEWNET: Final = 0x40000000

_HOOK: Final = "{ type nat hook postrouting priority 100; }"
_ANY_PORT: Final = """
table ip nat {
    chain leaving {
        type nat hook postrouting priority 100;
        oifname "public" meta l4proto udp masquerade to :50000-60000 random
    }
}"""
_FORWARDED: Final = f"""
table ip nat {{
    chain coming {{
        type nat hook prerouting priority -100;
        iifname "public" udp dport {PUBLIC_SIP_PORT} dnat to {INSIDE}:{SIP_PORT}
        iifname "public" udp dport {AUDIO_PORTS} dnat to {INSIDE}
    }}
    chain leaving {{
        type nat hook postrouting priority 100;
        oifname "public" udp sport {SIP_PORT} snat to {GATEWAY}:{PUBLIC_SIP_PORT}
        oifname "public" snat to {GATEWAY}
    }}
}}"""


@dataclass(frozen=True, slots=True)
class Networks:
    """The two, by the names of their namespaces."""

    inside: str
    outside: str

    @property
    def place_inside(self) -> Place:
        """Where a dialer runs."""
        return Place(host=INSIDE, command=_within(self.inside))

    @property
    def place_outside(self) -> Place:
        """Where its callees run."""
        return Place(host=OUTSIDE, command=_within(self.outside))

    async def socket_outside(self, port: int = 0) -> socket.socket:
        """Return a UDP socket of this process that is outside."""
        with ThreadPoolExecutor(1) as elsewhere:  # a namespace is its thread's, and this one ends here
            return await asyncio.get_running_loop().run_in_executor(elsewhere, _bind, self.outside, port)


def _bind(namespace: str, port: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns is of Python 3.12
    with Path(f"/run/netns/{namespace}").open("rb") as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setblocking(False)
    bound.bind((OUTSIDE, port))
    return bound


@contextmanager
def translated(*, forwarded: bool) -> Iterator[Networks]:
    """Make the networks, with the dialer's ports forwarded or with nothing that comes in unasked."""
    need("ip", "iproute2")
    need("nft", "nftables")
    word = f"pl{secrets.token_hex(3)}"
    inside, gateway, outside = names = [f"{word}-{part}" for part in ("inside", "gateway", "outside")]
    try:
        for name in names:
            _permitted("ip", "netns", "add", name)
        _permitted(*_within(gateway), "nft", f"add table ip nat; add chain ip nat test {_HOOK}")
        _permitted(*_within(gateway), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        _connect(gateway, "private", f"{_PRIVATE}.1", inside, INSIDE)
        _connect(gateway, "public", GATEWAY, outside, OUTSIDE)
        _done("ip", "-n", inside, "route", "add", "default", "via", f"{_PRIVATE}.1")
        _done(*_within(gateway), "nft", _FORWARDED if forwarded else _ANY_PORT)
        yield Networks(inside, outside)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _within(namespace: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", namespace)


def _connect(gateway: str, device: str, gateway_address: str, name: str, address: str) -> None:
    """Lay a cable from the gateway to a network."""
    _done(
        "ip", "link", "add", device, "netns", gateway, "type", "veth", "peer", "name", "cable", "netns", name
    )
    for where, end, given in ((gateway, device, gateway_address), (name, "cable", address)):
        _done("ip", "-n", where, "address", "add", f"{given}/24", "dev", end)
        _done("ip", "-n", where, "link", "set", end, "up")


def _done(*command: str) -> None:
    """Do what must go where everything before it was permitted."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def _permitted(*command: str) -> None:
    """Do what takes rights over the network, or a kernel that can; skip by name where they are not given."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = f"`{' '.join(command)}` is not permitted here (user {os.geteuid()}): {done.stderr.strip()}"
        pytest.skip(f"calls through address translation are not tested, since {words}")
