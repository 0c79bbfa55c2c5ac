"""One trunk: who it is, how much it takes, and whether calls can leave through it now."""

import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Final

from shared.adapters.sip_trunk.breaker import Breaker
from shared.adapters.sip_trunk.datagrams import Address
from shared.domain.errors import Invalid
from shared.domain.routing import Route
from shared.domain.trunk_places import TrunkCaps
from shared.sip.digest import Credentials
from shared.sip.errors import SipError
from shared.sip.uri import DEFAULT_PORT, MAX_PORT, SipUri

#: RFC 1035, 2.3.4, in characters.
_LONGEST_LABEL: Final = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A trunk as its operator describes it."""

    route: Route
    host: str
    port: int = DEFAULT_PORT
    credentials: Credentials | None = None
    #: `+` and digits; shown where neither number nor campaign has a caller id.
    caller_id: str | None = None
    #: What the carrier allows.
    caps: TrunkCaps = TrunkCaps()  # noqa: RUF009 - frozen
    #: Whether it is asked by OPTIONS if it is there; a few trunks take offence.
    pings: bool = True
    #: Whether it wants the caller id in P-Asserted-Identity (RFC 3325) as well.
    asserted_identity: bool = False

    @property
    def title(self) -> str:
        """As people read it."""
        return f"{self.route.name} ({self.host}:{self.port})"


def parse_address(text: str, *, field: str) -> tuple[str, int]:
    """Read `sip:host` or `sip:host:port`, nothing more; raises Invalid."""
    try:
        uri = SipUri.parse(text)
    except SipError as error:
        raise Invalid(
            field, "A trunk must be sip:HOST or sip:HOST:PORT, as in sip:sip.example.net:5060."
        ) from error
    host = uri.host.strip("[]")
    if not _is_host(host):
        raise Invalid(field, f"A trunk must be sip:HOST or sip:HOST:PORT, and {host} can be no host.")
    if uri.scheme != "sip" or uri.user is not None or uri.parameters or uri.headers:
        raise Invalid(
            field, "A trunk must be sip:HOST or sip:HOST:PORT: user and secret are given apart; UDP only."
        )
    return host, uri.port or DEFAULT_PORT


def _is_host(host: str) -> bool:
    """Whether it is an address, or a name that can be looked up (RFC 1035, 2.3.4)."""
    if ":" not in host:
        return all(0 < len(label) <= _LONGEST_LABEL for label in host.removesuffix(".").split("."))
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def parse_listen(text: str, *, field: str) -> tuple[str, int]:
    """Read `ADDRESS:PORT`, an IPv6 address in brackets; raises Invalid."""
    host, colon, port = text.rpartition(":")
    try:
        address = str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
        if colon and port.isascii() and port.isdigit() and int(port) <= MAX_PORT:
            return address, int(port)
    except ValueError:
        pass
    raise Invalid(field, "Give an address of this machine and a UDP port, as in 0.0.0.0:5060 or [::]:5060.")


@dataclass(slots=True, kw_only=True)
class TrunkLine:
    """A trunk at work in this process."""

    trunk: Trunk
    #: None until its name was resolved.
    address: Address | None = None
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(name=self.trunk.title)
        self.address = literal(self.trunk)

    @property
    def route(self) -> Route:
        """Which numbers it takes."""
        return self.trunk.route

    def trouble(self, now: float) -> str | None:
        """Return why no call can leave through it now; None while calls can."""
        if self.address is None:
            return f"the trunk {self.trunk.title} is down: its name cannot be resolved; calls go on when it can be"
        return self.breaker.trouble(now)


def literal(trunk: Trunk) -> Address | None:
    """Return the trunk's address if it is written as one; None for a name."""
    try:
        return str(ipaddress.ip_address(trunk.host)), trunk.port
    except ValueError:
        return None


def address_towards(peer: Address) -> str:
    """Return the address of this machine from which a peer is reached; sends nothing. Raises OSError."""
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(peer)
        return str(probe.getsockname()[0])
