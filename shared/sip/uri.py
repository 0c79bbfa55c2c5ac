"""SIP URIs (RFC 3261, 19.1), read and written without loss.

A callee's number becomes a URI only here and only as digits: pasted text could bring its own host, parameters
or headers along and ring somebody else at the trunk's cost.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from typing_extensions import override

from shared.sip.errors import BadArgument, BadMessage
from shared.sip.grammar import Parameters, parameter, write_parameters
from shared.sip.limits import MAX_PARAMETERS, MAX_REMEMBERED, MAX_URI_CHARS

#: `host:port` where only these may stand; an underscore is no hostname, yet container networks use it.
_HOST = r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,253}))(?::(?P<port>[0-9]{1,5}))?"
HOST_PORT: Final = re.compile(_HOST)
_ESCAPED = r"%[0-9A-Fa-f]{2}"
_USER = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|{_ESCAPED})+"
_PASSWORD = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,]|{_ESCAPED})*"
_URI_CHARS = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]|{_ESCAPED})+"
_PARAMETER: Final = re.compile(rf";({_URI_CHARS})(?:=({_URI_CHARS}))?")
_HEADERS: Final = re.compile(rf"\?(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$&=]|{_ESCAPED})+")
_USER_INFO: Final = re.compile(rf"(?P<user>{_USER})(?P<password>:{_PASSWORD})?")
_ABSOLUTE: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+\-.]*):(?P<rest>[^\s<>\"]+)")
_DIALLED: Final = re.compile(r"\+?[0-9]{1,32}")
MAX_PORT: Final = 65535
DEFAULT_PORT: Final = 5060  # RFC 3261, 19.1.2; for UDP and `sip:`


@dataclass(frozen=True, slots=True, kw_only=True)
class SipUri:
    """`sip:user@host:port;parameters?headers`; the parts stay escaped as they were."""

    scheme: str = "sip"
    user: str | None = None
    password: str | None = None
    #: In lower case; an IPv6 address keeps its brackets.
    host: str
    port: int | None = None
    parameters: Parameters = ()
    #: With the leading `?`, or ''.
    headers: str = ""

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value; '' for a flag, None where it is absent."""
        return parameter(self.parameters, name)

    @property
    def loose(self) -> bool:
        """Whether a route with this URI is a loose router (RFC 3261, 16.12)."""
        return self.parameter("lr") is not None

    @override
    def __str__(self) -> str:
        password = "" if self.password is None else f":{self.password}"
        user = "" if self.user is None else f"{self.user}{password}@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}:{user}{self.host}{port}{write_parameters(self.parameters)}{self.headers}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a `sip:` or `sips:` URI; raises BadMessage."""
        uri = parse_uri(text)
        if not isinstance(uri, cls):
            raise BadMessage("The URI must be a SIP URI.", status=416)
        return uri


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUri:
    """A URI of a scheme that we only carry: `tel:`, `urn:`, and what RFC 4475 makes up."""

    scheme: str
    rest: str

    @override
    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


Uri = SipUri | OtherUri


@lru_cache(maxsize=MAX_REMEMBERED)
def parse_uri(text: str) -> Uri:
    """Read any absolute URI; raises BadMessage. Remembered: few gateways occur, and each in every message."""
    found = _ABSOLUTE.fullmatch(text) if len(text) <= MAX_URI_CHARS else None
    if found is None:
        raise BadMessage("A URI is too long or is none at all.")
    scheme = found["scheme"].lower()
    if scheme not in {"sip", "sips"}:
        return OtherUri(scheme=scheme, rest=found["rest"])
    return _sip_uri(scheme, found["rest"])


def _sip_uri(scheme: str, rest: str) -> SipUri:
    user, password, place = _user_info(rest)
    host = HOST_PORT.match(place)
    if host is None:
        raise BadMessage("A SIP URI has no proper host.")
    parameters, end = _uri_parameters(place, host.end())
    headers = place[end:]
    if headers and _HEADERS.fullmatch(headers) is None:
        raise BadMessage("A SIP URI ends in what is neither parameter nor header.")
    return SipUri(
        scheme=scheme,
        user=user,
        password=password,
        host=host["host"].lower(),
        port=port_number(host["port"]),
        parameters=parameters,
        headers=headers,
    )


def _user_info(rest: str) -> tuple[str | None, str | None, str]:
    """Split `user:password@` off; a user part may itself hold `;` and `?`, so the `@` decides."""
    before, at, after = rest.partition("@")
    if not at:
        return None, None, rest
    found = _USER_INFO.fullmatch(before)
    if found is None:
        raise BadMessage("The user part of a SIP URI holds a character that must be escaped.")
    password = found["password"]
    return found["user"], None if password is None else password[1:], after


def _uri_parameters(text: str, start: int) -> tuple[Parameters, int]:
    parameters: dict[str, str | None] = {}
    while found := _PARAMETER.match(text, start):
        name = found[1].lower()
        if name in parameters or len(parameters) >= MAX_PARAMETERS:
            raise BadMessage("A URI parameter comes twice or is one too many.")
        parameters[name] = found[2]
        start = found.end()
    return tuple(parameters.items()), start


def uri_host(host: str) -> str:
    """Return a host as URIs write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def port_number(text: str | None) -> int | None:
    """Read a port; None stays None; raises BadMessage for 0 and beyond 65535."""
    if text is None:
        return None
    if not 0 < int(text) <= MAX_PORT:
        raise BadMessage("A port must be 1 to 65535.")
    return int(text)


def dialled_uri(number: str, *, host: str, port: int | None = None, prefix: str = "") -> SipUri:
    """Return the URI that dials a number at a trunk; raises BadArgument unless it is `+` and digits.

    `prefix` is the trunk's own (digits, a `+`, or a tech prefix such as `9011#`); `user=phone` tells the trunk that
    the user part is a telephone number (RFC 3261, 19.1.1).
    """
    if _DIALLED.fullmatch(number) is None:
        raise BadArgument("A number that is dialled must be digits, with a + before them or not.")
    if re.fullmatch(r"[0-9*#+]{0,16}", prefix) is None:
        raise BadArgument("A trunk's prefix must be at most 16 of 0-9, *, # and +.")
    found = HOST_PORT.fullmatch(host)
    if found is None or found["port"] is not None:
        raise BadArgument("A trunk's host must be a name or an address.")
    user = f"{prefix}{number}".replace("#", "%23")
    return SipUri(user=user, host=host.lower(), port=port, parameters=(("user", "phone"),))
