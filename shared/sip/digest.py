"""Digest authentication, the client's side (RFC 3261, 22; RFC 8760; RFC 7616).

A challenge is answered at most once per realm, and once more where the server says that only the nonce was stale:
a wrong password must cost one refusal, not a storm. Where several challenges are offered, the topmost that we
understand is taken, since the server lists them by preference (RFC 8760, 2.4).
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from shared.sip.errors import BadMessage
from shared.sip.grammar import is_token, parameter, parse_parameters, quoted, split_list
from shared.sip.limits import MAX_REALMS
from shared.sip.message import Response, header_values

#: By the name on the wire, in lower case. MD5 is broken as a hash, yet most trunks offer nothing else.
_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
}
if "sha512_256" in hashlib.algorithms_available:  # the machine's OpenSSL decides
    _HASHES["sha-512-256"] = lambda data: hashlib.new("sha512_256", data).hexdigest()
#: The challenge header and the header that answers it, by status.
_HEADERS: Final = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
_SCHEME: Final = re.compile(r"Digest\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a trunk knows us by."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One Digest challenge that we can answer."""

    #: The header that carries the answer.
    answered_in: str
    realm: str
    nonce: str
    opaque: str | None = None
    #: As written by the server, None where it was absent (MD5 then).
    algorithm: str | None = None
    #: Whether `qop=auth` is offered; without it the answer has the older form (RFC 2617, 3.2.2.1).
    qop_auth: bool = False
    #: Only the nonce was too old; the password was right.
    stale: bool = False


def challenges(response: Response) -> list[Challenge]:
    """Return the challenges of a 401 or 407 that we can answer, the server's favourite first."""
    if response.status not in _HEADERS:
        return []
    offered, answered = _HEADERS[response.status]
    found = (_challenge(value, answered) for value in header_values(response, offered))
    return [challenge for challenge in found if challenge is not None]


def _challenge(value: str, answered_in: str) -> Challenge | None:
    """Read one challenge; None for another scheme, an unknown algorithm or nonsense."""
    scheme = _SCHEME.match(value)
    if scheme is None:
        return None
    try:
        fields = parse_parameters(split_list(value[scheme.end() :], ","))
    except BadMessage:
        return None
    realm, nonce, algorithm, qop = (
        parameter(fields, name) for name in ("realm", "nonce", "algorithm", "qop")
    )
    offers = {entry.strip().lower() for entry in (qop or "").split(",")}
    known = (algorithm or "md5").lower().removesuffix("-sess") in _HASHES and is_token(algorithm or "md5")
    if realm is None or nonce is None or not known or (qop and "auth" not in offers):
        return None
    return Challenge(
        answered_in=answered_in,
        realm=realm,
        nonce=nonce,
        opaque=parameter(fields, "opaque"),
        algorithm=algorithm,
        qop_auth="auth" in offers,
        stale=(parameter(fields, "stale") or "").lower() == "true",
    )


def authorization(
    challenge: Challenge, credentials: Credentials, *, method: str, uri: str, cnonce: str, count: int
) -> str:
    """Return the value of the header that answers the challenge (RFC 7616, 3.4).

    `count` is how often this nonce has been used, with this request.
    """
    algorithm = (challenge.algorithm or "md5").lower()
    digest = _HASHES[algorithm.removesuffix("-sess")]
    secret = digest(f"{credentials.username}:{challenge.realm}:{credentials.password}".encode())
    if algorithm.endswith("-sess"):
        secret = digest(f"{secret}:{challenge.nonce}:{cnonce}".encode())
    used = f"{challenge.nonce}:{count:08x}:{cnonce}:auth" if challenge.qop_auth else challenge.nonce
    proof = digest(f"{secret}:{used}:{digest(f'{method}:{uri}'.encode())}".encode())
    fields = {
        "username": quoted(credentials.username),
        "realm": quoted(challenge.realm),
        "nonce": quoted(challenge.nonce),
        "uri": quoted(uri),
        "response": quoted(proof),
    }
    if challenge.algorithm is not None:
        fields["algorithm"] = challenge.algorithm
    if challenge.opaque is not None:
        fields["opaque"] = quoted(challenge.opaque)
    if challenge.qop_auth:
        fields |= {"qop": "auth", "nc": f"{count:08x}"}
    if challenge.qop_auth or algorithm.endswith("-sess"):
        fields["cnonce"] = quoted(cnonce)
    return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


@dataclass(slots=True)
class _Known:
    """A realm that has challenged us."""

    challenge: Challenge
    uses: int = 0
    #: A fresh nonce was already taken, and nothing has been accepted since.
    renewed: bool = False
    #: The server accepted our answer once, so that a new challenge can only mean a new nonce.
    proven: bool = False


@dataclass(slots=True)
class Authenticator:
    """Answers the challenges of one call, and signs its later requests with nonces already known."""

    credentials: Credentials | None
    _known: dict[tuple[str, str], _Known] = field(default_factory=dict)

    @property
    def challenged(self) -> bool:
        """Whether requests are signed."""
        return bool(self._known)

    def learn(self, response: Response) -> bool:
        """Take note of a 401 or 407; whether sending the request again may succeed now.

        A proxy that forked hands on the challenges of several realms in one response (RFC 3261, 22.3).
        """
        if self.credentials is None:
            return False
        favourites: dict[str, Challenge] = {}
        for challenge in challenges(response):
            favourites.setdefault(challenge.realm, challenge)
        learned = [self._learn(challenge) for challenge in favourites.values()]
        return any(learned)

    def _learn(self, challenge: Challenge) -> bool:
        key = (challenge.answered_in, challenge.realm)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MAX_REALMS:
                return False
            self._known[key] = _Known(challenge)
            return True
        may_be_stale = challenge.stale or known.proven
        if not may_be_stale or known.renewed or challenge.nonce == known.challenge.nonce:
            return False
        self._known[key] = _Known(challenge, renewed=True, proven=known.proven)
        return True

    def accepted(self) -> None:
        """Take note that a signed request was taken: the next stale nonce may be exchanged again."""
        for known in self._known.values():
            known.renewed, known.proven = False, True

    def headers(self, method: str, uri: str, cnonce: str) -> tuple[tuple[str, str], ...]:
        """Return the headers that sign a request to this Request-URI."""
        return tuple(self._signed(known, method, uri, cnonce) for known in self._known.values())

    def _signed(self, known: _Known, method: str, uri: str, cnonce: str) -> tuple[str, str]:
        assert self.credentials is not None  # noqa: S101 - learn() keeps no challenge without credentials
        known.uses += 1
        value = authorization(
            known.challenge, self.credentials, method=method, uri=uri, cnonce=cnonce, count=known.uses
        )
        return known.challenge.answered_in, value
