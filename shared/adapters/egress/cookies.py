"""The cookies of one call (RFC 6265, 5): by them an application written in PHP, say, knows its session again.

A jar is in memory, lives as long as its call and is nobody else's. aiohttp's own was looked at: it reads the machine's
clock, believes `Domain=com`, takes no cookie from a server without a name (or then every kind), and its bounds are a
browser's, thousands of cookies of four kilobytes each, where thousands of calls have a jar each.

The list of public suffixes is not kept: a domain of one label is refused, and `co.uk` is believed. In a jar that sees
nothing but the servers of one application, that much trust among them is the application's own affair.
"""

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from math import inf
from typing import Final
from urllib.parse import urlsplit

#: RFC 6265, 6.1: what a server may count on, a cookie with its attributes, and how many of them.
MAX_COOKIE_BYTES: Final = 4_096
MAX_COOKIES: Final = 50
#: Of all cookies with whose they are. They may all go into one header, of which nginx and Apache read 8 KiB by default.
MAX_JAR_BYTES: Final = 8_000

#: Longer than any call, in seconds: what is beyond need not be counted exactly.
_LONGEST_AGE: Final = 1_000_000_000
_AGE: Final = re.compile(r"-?[0-9]+")
_SPACE: Final = " \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What of a URL decides about cookies."""

    host: str
    path: str
    secure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cookie:
    name: str
    value: str
    domain: str
    #: It is for the very host that set it, and not for those below.
    host_only: bool
    path: str
    #: For https alone.
    secure: bool
    #: On the jar's clock.
    expires: float

    @property
    def key(self) -> tuple[str, str, str]:
        """By this a cookie replaces an older one (5.3, 11)."""
        return self.name, self.domain, self.path

    @property
    def size_bytes(self) -> int:
        return len(f"{self.name}={self.value}; {self.domain}{self.path}".encode())

    def is_for(self, place: _Place) -> bool:
        """Tell whether it is sent there (5.4, 1)."""
        same = place.host == self.domain
        below = not self.host_only and place.host.endswith(f".{self.domain}")
        return (same or below) and _matches(place.path, self.path) and (place.secure or not self.secure)


class CookieJar:
    """The cookies of one call. `clock` is the time of day in seconds since 1970: servers name dates."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: In the order in which they were first set (5.4, 2).
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}
        self._last_used: dict[tuple[str, str, str], int] = {}
        self._uses = itertools.count()

    def header(self, url: str) -> str:
        """Return what a request to the URL carries as its Cookie header; empty: nothing (5.4)."""
        place = _place(url)
        if place is None or not self._cookies:
            return ""
        self._forget_expired()
        found = [cookie for cookie in self._cookies.values() if cookie.is_for(place)]
        for cookie in found:
            self._last_used[cookie.key] = next(self._uses)
        found.sort(
            key=lambda cookie: -len(cookie.path)
        )  # stable: the older one first where paths are as long
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in found)

    def keep(self, url: str, lines: Iterable[str]) -> None:
        """Keep what the Set-Cookie lines of an answer from the URL say; what is against the rules is passed over."""
        place = _place(url)
        if place is None:
            return
        for line in lines:
            cookie = _read(line, place, self._clock())
            if cookie is not None:
                self._keep(cookie)

    def _keep(self, cookie: _Cookie) -> None:
        self._cookies[cookie.key] = cookie
        self._last_used[cookie.key] = next(self._uses)
        self._forget_expired()
        while len(self._cookies) > MAX_COOKIES or self._size_bytes() > MAX_JAR_BYTES:
            self._forget(min(self._last_used, key=self._last_used.__getitem__))

    def _forget_expired(self) -> None:
        now = self._clock()
        for key in [key for key, cookie in self._cookies.items() if cookie.expires <= now]:
            self._forget(key)

    def _forget(self, key: tuple[str, str, str]) -> None:
        del self._cookies[key], self._last_used[key]

    def _size_bytes(self) -> int:
        return sum(cookie.size_bytes for cookie in self._cookies.values())


def _read(line: str, place: _Place, now: float) -> _Cookie | None:
    """Read a Set-Cookie line (5.2 and 5.3); None if there is no cookie in it for whoever sent it."""
    if len(line.encode(errors="surrogatepass")) > MAX_COOKIE_BYTES:
        return None
    pair, *attributes = line.split(";")
    name, equals, value = (part.strip(_SPACE) for part in pair.partition("="))
    # What is not printable is no part of a cookie by any grammar, and cannot be sent again.
    if not equals or not name or not f"{name}{value}".isprintable():
        return None
    given = _attributes(attributes)
    whose = _domain(_host(given.get("domain", "").removeprefix(".")), place.host)
    if whose is None:
        return None
    domain, host_only = whose
    path = given.get("path", "")
    return _Cookie(
        name=name,
        value=value,
        domain=domain,
        host_only=host_only,
        path=path if path.startswith("/") and path.isprintable() else _default_path(place.path),
        secure="secure" in given,
        expires=_expiry(given, now),
    )


def _attributes(texts: Iterable[str]) -> dict[str, str]:
    """Read attributes by their names in small letters: the last of a name counts that can be understood (5.2)."""
    given: dict[str, str] = {}
    for text in texts:
        name, _, value = (part.strip(_SPACE) for part in text.partition("="))
        name = name.lower()
        if (
            name in {"path", "secure"}
            or (name == "domain" and value)
            or (name == "max-age" and _AGE.fullmatch(value))
            or (name == "expires" and _instant(value) is not None)
        ):
            given[name] = value
    return given


def _expiry(given: dict[str, str], now: float) -> float:
    """Return when a cookie ends; by Max-Age rather than by Expires, and without either with the call (5.3, 3)."""
    if "max-age" in given:
        seconds = min(int(given["max-age"]), _LONGEST_AGE)
        return now + seconds if seconds > 0 else -inf
    instant = _instant(given["expires"]) if "expires" in given else None
    return inf if instant is None else instant


def _instant(text: str) -> float | None:
    """Read a date, which is in UTC whatever it says (5.1.1), as seconds since 1970."""
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _domain(given: str, host: str) -> tuple[str, bool] | None:
    """Return whose cookie it is and whether of that host alone (5.3, 5 and 6); None: the host may not set it."""
    if not given:
        return host, True
    if _is_address(host) or "." not in host:
        return (host, True) if given == host else None
    if given == host:
        return host, False
    return (given, False) if host.endswith(f".{given}") and "." in given.rstrip(".") else None


def _default_path(path: str) -> str:
    """Return the folder of a path (5.1.4)."""
    return path[: path.rfind("/")] or "/"


def _matches(path: str, cookie_path: str) -> bool:
    """Tell whether a path is a cookie's or below it (5.1.4)."""
    below = path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")
    return path == cookie_path or below


def _place(url: str) -> _Place | None:
    try:
        parts = urlsplit(url)
        host = _host(parts.hostname or "")
    except ValueError:
        return None
    if not host:
        return None
    return _Place(host=host, path=parts.path or "/", secure=parts.scheme == "https")


def _host(text: str) -> str:
    """Write a host as it is compared (5.1.2)."""
    host = text.lower()
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
