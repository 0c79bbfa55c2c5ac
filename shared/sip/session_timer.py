"""Session timers (RFC 4028): who refreshes, how often, and when a silent session counts as dead. Pure rules."""

from dataclasses import dataclass
from typing import Final

from shared.sip.errors import BadMessage
from shared.sip.grammar import number
from shared.sip.headers import SessionExpires
from shared.sip.message import HeaderList, Message, Request, header, option_tags

#: RFC 4028, 4: nobody may ask for less.
MIN_SE_SECONDS: Final = 90
#: What a 422 may drive us to: a session that is refreshed once a day is as good as none.
LONGEST_SECONDS: Final = 24 * 3600
#: RFC 4028, 10: BYE this long before the end, or a third of the interval, whichever is less.
_MARGIN_SECONDS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimer:
    """The agreed interval and who refreshes."""

    interval_seconds: int
    we_refresh: bool

    @property
    def refresh_after_seconds(self) -> float:
        """When to refresh: half of the interval (RFC 4028, 10)."""
        return self.interval_seconds / 2

    @property
    def expires_after_seconds(self) -> float:
        """When to hang up on a session that nobody refreshed."""
        return self.interval_seconds - min(_MARGIN_SECONDS, self.interval_seconds / 3)


def session_expires(message: Message) -> SessionExpires | None:
    """Return the header, None where it is absent or cannot be read: then there is no timer."""
    value = header(message, "Session-Expires")
    try:
        return None if value is None else SessionExpires.parse(value)
    except BadMessage:
        return None


def min_se_seconds(message: Message) -> int | None:
    """Return Min-SE, None where it is absent or cannot be read."""
    value = header(message, "Min-SE")
    try:
        return (
            None if value is None else number(value.partition(";")[0].strip(), most=2**31 - 1, what="Min-SE")
        )
    except BadMessage:
        return None


def agreed_as_client(message: Message) -> SessionTimer | None:
    """Return what a 2xx to our request makes (RFC 4028, 7.2); None where the peer wants no timer."""
    told = session_expires(message)
    if told is None:
        return None
    return SessionTimer(
        interval_seconds=_bounded(told.seconds),
        we_refresh=told.refresher != "uas",  # a missing word is ours to carry: nobody else would
    )


def agreed_as_server(request: Request) -> tuple[SessionTimer, HeaderList] | None:
    """Return what we make of the peer's refresh, and the headers of our 2xx (RFC 4028, 9); None without a timer.

    We take the interval as it is. The peer, who asked, refreshes unless it named us, or knows no timers: then a proxy
    asked in its name, and nobody but us can refresh (table 2).
    """
    asked = session_expires(request)
    if asked is None:
        return None
    knows = _knows_timers(request)
    we_refresh = asked.refresher == "uas" or (asked.refresher is None and not knows)
    answer = SessionExpires(asked.seconds, "uas" if we_refresh else "uac")
    told: HeaderList = (("Session-Expires", str(answer)),)
    if not we_refresh and knows:
        told += (("Require", "timer"),)
    return SessionTimer(interval_seconds=_bounded(asked.seconds), we_refresh=we_refresh), told


def _knows_timers(request: Request) -> bool:
    try:
        return "timer" in option_tags(request, "Supported")
    except BadMessage:
        return False  # a list that cannot be read names nothing


def too_small(request: Request) -> bool:
    """Whether the peer asks for refreshes more often than RFC 4028 allows, and gets a 422."""
    asked = session_expires(request)
    return asked is not None and asked.seconds < MIN_SE_SECONDS


def raised(wanted_seconds: int, response: Message) -> int | None:
    """Return the interval to ask for after a 422 (RFC 4028, 7.3); None where asking again is in vain."""
    least = min_se_seconds(response)
    if least is None or not wanted_seconds < least <= LONGEST_SECONDS:
        return None
    return least


def _bounded(seconds: int) -> int:
    """Keep a peer from making us refresh without pause, or hold a dead session for years."""
    return min(max(seconds, MIN_SE_SECONDS), LONGEST_SECONDS)
