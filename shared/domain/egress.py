"""Which URLs Paceline may call for a customer: the rules, without a socket.

A `start_url` or a `result_url` is a request that a stranger makes from our address. Two looks guard it. This
module gives both their answer: `check_url` reads the text when it is stored, so that a person hears at once
what is wrong; `endpoint_refusal` judges the address that a connection is about to be opened to, which is the
look that counts, since a name may resolve to anything, and to something else a second later.

The deny table is explicit. `ipaddress.is_global` of Python 3.11 calls 224.0.0.1, 192.88.99.1,
64:ff9b::7f00:1, 2002:7f00:1::1, fec0::1, ::7f00:1 and 5f00::1 global, and its answers change with the
interpreter.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

from shared.domain.errors import Invalid

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

#: The setting that lets an operator open a refused network; every refusal of an address names it.
EGRESS_SETTING: Final = "PACELINE_EGRESS_ALLOW"

#: The longest URL that every browser and proxy of note has carried (Internet Explorer's limit, now a custom).
MAX_URL_CHARACTERS: Final = 2_083

#: RFC 1035 §2.3.4: a name has at most 253 characters in its written form, a label 63.
MAX_NAME_CHARACTERS: Final = 253
MAX_LABEL_CHARACTERS: Final = 63

# The web's two ports and the block where application servers live. Anything else (22, 25, 5432, 6379, 11211)
# is a service that should never receive bytes of a stranger's choosing.
_WEB_PORTS: Final = frozenset({80, 443, *range(8_000, 9_000)})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HIGHEST_PORT: Final = 65_535

_LOOPBACK: Final[tuple[Address, ...]] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
# RFC 6761 §6.3, and the names that Linux distributions put into /etc/hosts.
_LOCAL_NAMES: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})

# First match wins, so the particular stands above the general. Sources: the IANA special-purpose registries
# for IPv4 and IPv6, and the documents named.
_DENIED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "an address of this very host (RFC 791)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "carrier-grade NAT space (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("168.63.129.16/32", "the metadata service of a cloud"),  # Azure's, on an address that looks public
        ("169.254.169.254/32", "the metadata service of a cloud"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "reserved for protocols (RFC 6890)"),
        ("192.0.2.0/24", "reserved for documentation (RFC 5737)"),
        ("192.88.99.0/24", "the retired 6to4 relay (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("198.18.0.0/15", "reserved for benchmarks (RFC 2544)"),
        ("198.51.100.0/24", "reserved for documentation (RFC 5737)"),
        ("203.0.113.0/24", "reserved for documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 1112)"),
        ("255.255.255.255/32", "the broadcast address (RFC 919)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("::/128", "the unspecified address (RFC 4291)"),
        ("::1/128", "loopback (RFC 4291)"),
        (
            "64:ff9b:1::/48",
            "in a local NAT64 prefix (RFC 8215)",
        ),  # where the IPv4 address stands is the site's choice
        ("100::/64", "in the discard prefix (RFC 6666)"),
        ("100:0:0:1::/64", "in the dummy prefix (RFC 9780)"),
        ("2001::/32", "a Teredo address (RFC 4380)"),
        ("2001:2::/48", "reserved for benchmarks (RFC 5180)"),
        ("2001::/23", "reserved for protocols (RFC 2928)"),
        ("2001:db8::/32", "reserved for documentation (RFC 3849)"),
        ("3fff::/20", "reserved for documentation (RFC 9637)"),
        ("5f00::/16", "a segment routing identifier (RFC 9602)"),
        ("fc00::/7", "unique local (RFC 4193)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "site-local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
        # All that is left outside 2000::/3, the only space from which public IPv6 addresses are given out.
        ("::/3", "outside the public IPv6 space (RFC 4291)"),
        ("4000::/2", "outside the public IPv6 space (RFC 4291)"),
        ("8000::/1", "outside the public IPv6 space (RFC 4291)"),
    )
)

# The forms whose IPv6 address is nothing but a way to write or reach an IPv4 address: judged by that alone.
_TRANSPARENT_FORMS: Final = (
    (IPv6Network("::ffff:0:0/96"), "the IPv4-mapped form"),
    (IPv6Network("::ffff:0:0:0/96"), "the IPv4-translated form"),
    (IPv6Network("64:ff9b::/96"), "the NAT64 form"),
)
_COMPATIBLE: Final = IPv6Network("::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_LOW_32_BITS: Final = 0xFFFF_FFFF
# RFC 5214 §6.1: an interface identifier 0000:5efe or 0200:5efe, so the u and g bits are not compared.
_ISATAP_MASK: Final = 0xFCFF_FFFF
_ISATAP_MARK: Final = 0x0000_5EFE


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """What the operator of this installation opens; by default nothing beyond the public internet."""

    #: Networks that may be called although the deny table refuses them, and on any port.
    allow: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Tell whether the operator has listed the address."""
        return any(address in network for network in self.allow)

    def allows_loopback(self) -> bool:
        """Tell whether `localhost` may be called: one of its two addresses is listed."""
        return any(self.allows(address) for address in _LOOPBACK)


class ForbiddenUrl(Invalid):
    """A URL that Paceline will not call; the sentence says why and what would be accepted."""


def check_url(text: str, policy: EgressPolicy, *, field: str = "url") -> None:
    """Accept an absolute http or https URL that could be called, or raise `ForbiddenUrl` for `field`.

    A DNS name is not resolved here: a URL that passes may still be refused when it is called.
    """
    problem = url_problem(text, policy)
    if problem is not None:
        raise ForbiddenUrl(field, problem)


def url_problem(text: str, policy: EgressPolicy) -> str | None:
    """Say in a sentence why the URL cannot be called; None if nothing speaks against it."""
    if len(text) > MAX_URL_CHARACTERS:  # first: all that follows costs time in proportion to the length
        return f"The URL has {len(text)} characters; at most {MAX_URL_CHARACTERS} are accepted."
    if any(_is_unprintable(character) for character in text):
        return "The URL has a space, a backslash or an invisible character in it; write it percent-encoded."
    parts = _URL.fullmatch(text)
    if parts is None:
        return "The URL must begin with http:// or https:// and a host name."
    if "@" in parts["authority"]:
        return "The URL must not carry a user name or password: it ends up in logs."
    if parts["rest"].startswith("#"):
        return "The URL must not have a # right behind its host; put a / between them."
    return _authority_problem(parts["scheme"].lower(), parts["authority"], policy)


def endpoint_refusal(address: Address, port: int, policy: EgressPolicy) -> str | None:
    """Judge what a connection is about to be opened to: a sentence of refusal, or None to go ahead."""
    reason = forbidden_reason(address, policy)
    if reason is not None:
        return f"The address {address} is {reason}; an operator can list its network in {EGRESS_SETTING}."
    return _port_problem(port, listed=policy.allows(address))


def forbidden_reason(address: Address, policy: EgressPolicy) -> str | None:
    """Say what kind of address this is, if it is one that must not be called: "loopback (RFC 1122)".

    An IPv6 address that carries an IPv4 address in it is judged by that one too: mapped, compatible and
    translated forms, NAT64, 6to4, Teredo and ISATAP would otherwise lead around every IPv4 row.
    """
    if policy.allows(address):
        return None
    if isinstance(address, IPv4Address):
        return _denied_row(address)
    for network, form in _TRANSPARENT_FORMS:
        if address in network:
            return _carried_reason(form, _low_ipv4(int(address)), policy)
    reasons = (_carried_reason(form, inner, policy) for form, inner in _carried_by(address))
    return next((reason for reason in reasons if reason is not None), None) or _denied_row(address)


def is_local_name(host: str) -> bool:
    """Tell whether the name means this machine without asking anybody (RFC 6761 §6.3)."""
    name = host.lower().removesuffix(".")
    return name in _LOCAL_NAMES or name.endswith(".localhost")


# --- networks and addresses ---


def _denied_row(address: Address) -> str | None:
    return next((reason for network, reason in _DENIED if address in network), None)


def _carried_reason(form: str, inner: IPv4Address, policy: EgressPolicy) -> str | None:
    reason = forbidden_reason(inner, policy)
    return None if reason is None else f"{form} of {inner}, which is {reason}"


def _low_ipv4(bits: int) -> IPv4Address:
    return IPv4Address(bits & _LOW_32_BITS)


def _carried_by(address: IPv6Address) -> Iterator[tuple[str, IPv4Address]]:
    """Name every IPv4 address that a router or a tunnel may take out of this one."""
    bits = int(address)
    if address in _COMPATIBLE and bits > 1:  # :: and ::1 have rows of their own; RFC 4291 §2.5.5.1
        yield "the IPv4-compatible form", _low_ipv4(bits)
    if address in _SIX_TO_FOUR:  # RFC 3056 §2: right behind the prefix
        yield "the 6to4 form", _low_ipv4(bits >> 80)
    if (
        address in _TEREDO
    ):  # RFC 4380 §4: the server, then flags and port, then the client with all bits flipped
        yield "a Teredo address", _low_ipv4(bits >> 64)
        yield "a Teredo address", _low_ipv4(~bits)
    if (bits >> 32) & _ISATAP_MASK == _ISATAP_MARK:
        yield "an ISATAP address", _low_ipv4(bits)


# --- the text of a URL ---

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]+)(?P<rest>(?:[/?#].*)?)", re.ASCII | re.IGNORECASE
)
_AUTHORITY: Final = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
# RFC 1123 §2.1 and the underscore, which container networks use.
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
_IPV4_PARTS: Final = 4
# Separators, controls, format characters (bidi, zero width) and lone surrogates.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})


def _is_unprintable(character: str) -> bool:
    return character == "\\" or unicodedata.category(character) in _INVISIBLE


def _authority_problem(scheme: str, authority: str, policy: EgressPolicy) -> str | None:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        return f"{authority[:64]!r} cannot be read as a host, or a host and a port."
    port = int(parts["port"]) if parts["port"] else _DEFAULT_PORTS[scheme]
    if parts["v6"] is not None:
        return _ipv6_problem(parts["v6"], port, policy)
    host = _fold(parts["name"])
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _ipv4_problem(parts["name"], host, port, policy)
    if is_local_name(host):
        return _local_problem(host, port, policy)
    return _name_problem(host) or _port_problem(port, listed=False)


def _port_problem(port: int, *, listed: bool) -> str | None:
    if (listed and 0 < port <= _HIGHEST_PORT) or port in _WEB_PORTS:
        return None
    return (
        f"Port {port} may not be called: use 80, 443 or one from 8000 to 8999; any other needs an IP address "
        f"that {EGRESS_SETTING} lists."
    )


def _ipv6_problem(text: str, port: int, policy: EgressPolicy) -> str | None:
    if "%" in text:
        return "The host has a zone id (%...): that names a network interface of this machine."
    try:
        address = IPv6Address(text)
    except ValueError:
        return f"[{text[:64]}] is not an IPv6 address."
    return endpoint_refusal(address, port, policy)


def _ipv4_problem(written: str, host: str, port: int, policy: EgressPolicy) -> str | None:
    """Judge a host that ends in a number, which the URL standard reads as an address or not at all.

    What is refused is said with its reason, however it is spelled; what is not must still be spelled plainly,
    since resolvers and HTTP clients disagree about everything else.
    """
    address = _spelled_ipv4(host)
    if address is None:
        return f"The host {written[:64]!r} ends in a number but is not an IPv4 address."
    refusal = endpoint_refusal(address, port, policy)
    if refusal is None and written != str(address):
        return f"Write the host as {address}."
    return refusal


def _spelled_ipv4(host: str) -> IPv4Address | None:
    """Read an address as `inet_aton` does: one to four decimal, octal or hex parts, the last one wide."""
    parts = host.split(".")
    if len(parts) > _IPV4_PARTS:
        return None
    numbers = [_part(part) for part in parts]
    room = 256 ** (_IPV4_PARTS + 1 - len(parts))  # what the last part may count up to
    value = 0
    for number in numbers[:-1]:
        if number is None or number > 0xFF:  # noqa: PLR2004 - a byte
            return None
        value = value << 8 | number
    last = numbers[-1]
    return None if last is None or last >= room else IPv4Address(value * room + last)


def _part(text: str) -> int | None:
    if not _NUMBER.fullmatch(text):
        return None
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    try:
        return int(text, 8 if text.startswith("0") else 10)
    except ValueError:  # 08 and 09, or more digits than int() reads
        return None


def _local_problem(host: str, port: int, policy: EgressPolicy) -> str | None:
    if policy.allows_loopback():
        return _port_problem(port, listed=True)
    return f"{host[:64]!r} is Paceline's own machine; an operator can list 127.0.0.0/8 in {EGRESS_SETTING}."


def _name_problem(host: str) -> str | None:
    try:
        labels = [_ascii_label(label) for label in host.split(".")]
    except UnicodeError:
        return f"The host name {host[:64]!r} is not valid punycode."
    if any(not _LABEL.fullmatch(label) or len(label) > MAX_LABEL_CHARACTERS for label in labels):
        return (
            f"The host {host[:64]!r} is not a host name: letters, digits and hyphens, in parts of up to 63."
        )
    if len(".".join(labels)) > MAX_NAME_CHARACTERS:
        return f"The host name is longer than the {MAX_NAME_CHARACTERS} characters that DNS allows."
    return None


def _ascii_label(label: str) -> str:
    """Encode one part of an international name (RFC 5891); raises UnicodeError for broken punycode."""
    if label.startswith("xn--"):
        _ = label[4:].encode("ascii").decode("punycode")
    if label.isascii():
        return label
    if not all(character == "-" or unicodedata.category(character)[0] in "LMN" for character in label):
        return ""  # letters, marks and digits only: no name has a symbol in it
    return "xn--" + label.encode("punycode").decode("ascii")


def _fold(host: str) -> str:
    """Write a host as IDNA does before a look-up: circled, wide and capital letters become plain."""
    plain = unicodedata.normalize("NFKC", host).replace("\N{IDEOGRAPHIC FULL STOP}", ".")
    return plain.lower().removesuffix(".")
