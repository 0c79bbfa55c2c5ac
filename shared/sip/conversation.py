"""What goes on within a confirmed dialog: the session's timer, our refreshes, and the peer's changes.

A refresh is an UPDATE where the peer allows it, since that leaves the media alone, else a re-INVITE with the media as
they are (RFC 4028, 7.4).
"""

from dataclasses import dataclass
from typing import Final

from shared.sip.answers import answer_in
from shared.sip.capabilities import ABOUT_US, SDP_BODY
from shared.sip.desk import Desk
from shared.sip.dialog import Dialog
from shared.sip.effects import MediaChanged
from shared.sip.exchanges import ClientExchange, Purpose
from shared.sip.message import Message, Response
from shared.sip.offer_answer import Media
from shared.sip.order import session_headers
from shared.sip.sdp import LocalMedia, write_offer
from shared.sip.session_timer import MIN_SE_SECONDS, SessionTimer, agreed_as_client, raised

#: RFC 3261, 14.1: who made the Call-ID tries again after 2.1 to 4 seconds.
_GLARE_SECONDS: Final = (2.1, 4.0)
#: After any other refusal; the session's own end sets the limit.
_TRY_AGAIN_SECONDS: Final = 30.0
_GONE: Final = frozenset({408, 481})
#: What a gateway says that passed on another's Allow.
_NO_SUCH_METHOD: Final = frozenset({405, 501})


@dataclass(slots=True, kw_only=True)
class Conversation:
    """The part of a call that follows its answer."""

    desk: Desk
    dialog: Dialog
    media: Media
    local: LocalMedia
    #: The peer takes UPDATE.
    updates: bool
    timer: SessionTimer | None = None
    refresh_at: float | None = None
    expires_at: float | None = None
    least_seconds: int = MIN_SE_SECONDS
    _refresh: ClientExchange | None = None

    @property
    def refreshing(self) -> bool:
        """Whether a refresh of ours has no final response yet."""
        return self._refresh is not None and self._refresh.open

    def keep(self, timer: SessionTimer | None, now: float) -> None:
        """Begin a new interval."""
        self.timer, self.refresh_at, self.expires_at = timer, None, None
        if timer is not None:
            self.expires_at = now + timer.expires_after_seconds
            self.refresh_at = now + timer.refresh_after_seconds if timer.we_refresh else None

    def refresh(self, now: float) -> None:
        """Send a refresh, unless an exchange of media is under way: then soon after."""
        if self.timer is None or self.refreshing or self.desk.servers.awaits_answer:
            self.refresh_at = now + _GLARE_SECONDS[0]
            return
        self.refresh_at = None
        interval = session_headers(
            self.timer.interval_seconds, least_seconds=self.least_seconds, refresher="uac"
        )
        contact = ("Contact", f"<{self.desk.endpoint.contact}>")
        headers = (contact, *ABOUT_US, *interval)
        if self.updates:
            self._refresh = self.desk.begin_in(self.dialog, Purpose.REFRESH, "UPDATE", now, headers=headers)
            return
        self.local = self.local.changed()
        offer = write_offer(self.local, self.media.direction)
        self._refresh = self.desk.begin_in(
            self.dialog, Purpose.REFRESH, "INVITE", now, headers=(*headers, SDP_BODY), body=offer
        )

    def refreshed(self, exchange: ClientExchange, response: Response, now: float) -> bool:
        """Take the response to a refresh; False when the peer no longer knows the call."""
        status = response.status
        if status < 200:  # noqa: PLR2004 - provisional
            return True
        if status < 300:  # noqa: PLR2004 - success
            self._success(exchange, response, now)
        elif (signed := self.desk.sign_again(exchange, response, now)) is not None:
            self._refresh = signed
        elif status in _GONE:
            return False
        else:
            self._again(response, now)
        return True

    def _success(self, exchange: ClientExchange, response: Response, now: float) -> None:
        tag = response.to.tag or ""
        if response.cseq.method == "INVITE":
            if self.desk.acknowledge_again(exchange, tag):
                return
            self.dialog.refresh_target(response)
            self.desk.acknowledge(exchange, self.dialog)
            self.answered(response)
        else:
            self.dialog.refresh_target(response)
        self.desk.auth.accepted()
        self.keep(agreed_as_client(response), now)

    def _again(self, response: Response, now: float) -> None:
        """Try again after a refusal: with a longer interval, by re-INVITE, after a glare, or a little later."""
        wanted = self.timer.interval_seconds if self.timer else 0
        higher = raised(wanted, response) if response.status == 422 else None  # noqa: PLR2004 - RFC 4028
        if higher is not None and self.timer is not None:
            self.least_seconds = higher
            self.timer = SessionTimer(interval_seconds=higher, we_refresh=True)
            self.refresh_at = now
        elif self.updates and response.status in _NO_SUCH_METHOD:
            self.updates = False
            self.refresh_at = now
        elif response.status == 491:  # noqa: PLR2004 - RFC 3261, 14.1
            shortest, longest = _GLARE_SECONDS
            self.refresh_at = now + shortest + (longest - shortest) * self.desk.tokens.fraction()
        else:
            self.refresh_at = now + _TRY_AGAIN_SECONDS

    def answered(self, message: Message) -> None:
        """Take the answer to an offer of ours, from a 2xx or an ACK; one that cannot be met changes nothing."""
        media = answer_in(self.local, message)
        if media is not None:
            self.changed(media)

    def changed(self, media: Media) -> None:
        """Take what both sides agreed on now, and tell it where it is news."""
        if media != self.media:
            self.media = media
            self.desk.tell(MediaChanged(media=media))
