"""How we answer what the peer asks within a call: a decision, taken from the request and where the call stands.

Pure: the call carries the decision out. Every in-dialog request is answered at once, so none is ever pending.
"""

import re
from dataclasses import dataclass
from typing import Final

from shared.sip.answers import content_type
from shared.sip.capabilities import ABOUT_US, ACCEPT, ALLOW, EXTENSIONS, SDP_BODY, SDP_TYPE
from shared.sip.errors import BadBody, BadMessage
from shared.sip.message import HeaderList, Request, header, option_tags
from shared.sip.offer_answer import Media, choose_stream
from shared.sip.sdp import LocalMedia, parse_sdp, write_answer, write_offer
from shared.sip.session_timer import MIN_SE_SECONDS, SessionTimer, agreed_as_server, too_small

_KEY: Final = re.compile(rb"(?:\s*Signal\s*=\s*)?([0-9*#A-Da-d])\s*(?:[\r\n;].*)?", re.DOTALL | re.IGNORECASE)
_KEY_TYPES: Final = frozenset({"application/dtmf-relay", "application/dtmf"})
_OFFERING: Final = frozenset({"INVITE", "UPDATE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the answer depends on, beside the request."""

    local: LocalMedia
    #: A 2xx made the dialog; else it is early.
    confirmed: bool
    #: An offer or an INVITE of ours is still open in this dialog.
    pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer and what it changes."""

    status: int
    headers: HeaderList = ()
    body: bytes = b""
    #: What we say of our media from now on; None where nothing changed.
    local: LocalMedia | None = None
    #: What both agreed on; None where nothing changed.
    media: Media | None = None
    #: The body is our offer: the answer comes in the ACK.
    offers: bool = False
    timer: SessionTimer | None = None
    key: str | None = None
    #: The peer hung up.
    ends: bool = False


def decide(request: Request, standing: Standing) -> Reply:
    """Return the answer to an in-dialog request other than ACK and CANCEL."""
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    match request.method:
        case "BYE":
            return Reply(status=200, ends=True)
        case "INVITE" | "UPDATE":
            return _session_change(request, standing)
        case "OPTIONS":
            return Reply(status=200, headers=(*ABOUT_US, ACCEPT))
        case "INFO":
            return Reply(status=200, key=_key(request))
        case "PRACK":
            return Reply(status=481)  # no response of ours waits for one (RFC 3262, 3)
        case _:
            return Reply(status=405, headers=(ALLOW,))


def _refusal(request: Request) -> Reply | None:
    """Refuse extensions and bodies that we do not understand (8.2.2.3, 8.2.3)."""
    try:
        unknown = option_tags(request, "Require") - EXTENSIONS
    except BadMessage:
        return Reply(status=400)
    if unknown:
        return Reply(status=420, headers=(("Unsupported", ", ".join(sorted(unknown))),))
    foreign = request.body and request.method in _OFFERING and content_type(request) != SDP_TYPE
    if foreign or header(request, "Content-Encoding") is not None:
        return Reply(status=415, headers=(ACCEPT,))
    return None


def _session_change(request: Request, standing: Standing) -> Reply:
    """Answer a re-INVITE or UPDATE: a refresh, a hold, another address (14.2; RFC 3311, 5.2)."""
    if too_small(request):
        return Reply(status=422, headers=(("Min-SE", str(MIN_SE_SECONDS)),))
    needs_offer = bool(request.body) or request.method == "INVITE"
    if (needs_offer and standing.pending) or (request.method == "INVITE" and not standing.confirmed):
        return Reply(status=491)
    agreed = agreed_as_server(request)
    timer, told = agreed or (None, ())
    if request.body:
        return _answer(request, standing, timer, told)
    if request.method == "INVITE":
        local = standing.local.changed()
        return Reply(
            status=200,
            headers=(*ABOUT_US, *told, SDP_BODY),
            body=write_offer(local),
            local=local,
            offers=True,
            timer=timer,
        )
    return Reply(status=200, headers=(*ABOUT_US, *told), timer=timer)


def _answer(request: Request, standing: Standing, timer: SessionTimer | None, told: HeaderList) -> Reply:
    local = standing.local.changed()
    try:
        offer = parse_sdp(request.body)
        chosen, media = choose_stream(local, offer)
    except BadBody:
        return Reply(status=488)  # the session stays as it was (14.2)
    return Reply(
        status=200,
        headers=(*ABOUT_US, *told, SDP_BODY),
        body=write_answer(local, offer, chosen),
        local=local,
        media=media,
        timer=timer,
    )


def _key(request: Request) -> str | None:
    """Return the key of an INFO, None where it carries none."""
    if content_type(request) not in _KEY_TYPES:
        return None
    found = _KEY.fullmatch(request.body)
    return found[1].decode().upper() if found else None
