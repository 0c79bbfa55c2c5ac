"""The INVITE of a call and what comes of it: tries, early dialogs, PRACK, ACK and CANCEL (RFC 3261, 8, 9, 13).

It carries out; whether a try, a CANCEL or an answer is still wanted is the call's to decide, by its table.
"""

from dataclasses import dataclass, field
from typing import Final

from shared.sip.answers import answer_in
from shared.sip.desk import MAX_TRIES, Desk
from shared.sip.dialog import Dialog, dialog_of, literal_address
from shared.sip.effects import Address
from shared.sip.errors import BadMessage
from shared.sip.exchanges import ClientExchange, Purpose
from shared.sip.grammar import number
from shared.sip.limits import MAX_FORKS
from shared.sip.message import Request, Response, header, option_tags
from shared.sip.offer_answer import Media
from shared.sip.order import invite_of, session_headers
from shared.sip.responses import cancel_of
from shared.sip.sdp import LocalMedia
from shared.sip.session_timer import MIN_SE_SECONDS, raised
from shared.sip.transaction import TxState
from shared.sip.uri import SipUri

_MAX_RSEQ: Final = 2**32 - 1  # RFC 3262, 7.1


@dataclass(slots=True)
class Invitation:
    """The INVITE of one call, through all its tries."""

    desk: Desk
    #: What our latest offer or answer said.
    local: LocalMedia
    cseq: int
    session_seconds: int | None
    least_seconds: int = MIN_SE_SECONDS
    #: The latest try.
    exchange: ClientExchange | None = None
    #: Dialogs by the peer's tag: early ones, then the one that won and those of unwanted forks.
    dialogs: dict[str, Dialog] = field(default_factory=dict)
    #: What the answers in provisional responses came to, by the peer's tag.
    early_media: dict[str, Media] = field(default_factory=dict)
    #: The tags of peers that have changed it since by an UPDATE.
    renegotiated: set[str] = field(default_factory=set)
    #: Where the far end sees us, from `received` and `rport`; None until it says so.
    seen_as: Address | None = None

    @property
    def left(self) -> bool:
        """Whether the latest try may have reached anybody, if the datagram just sent did not."""
        return self.exchange is not None and self.exchange.sends > 1

    @property
    def unheard(self) -> bool:
        """Whether the latest try has had no response yet."""
        return self.exchange is not None and self.exchange.transaction.state is TxState.CALLING

    def send(self, now: float) -> None:
        """Send the INVITE: the first time, or again after a refusal that can be met (a new transaction, 8.1.3.5)."""
        desk, order = self.desk, self.desk.order
        self.cseq += 1
        interval = session_headers(self.session_seconds, least_seconds=self.least_seconds)
        request = invite_of(
            order,
            desk.endpoint,
            tag=desk.tag,
            branch=desk.tokens.branch(),
            cseq=self.cseq,
            headers=(*interval, *desk.signed("INVITE", str(order.callee))),
        )
        tries = self.exchange.tries + 1 if self.exchange else 1
        self.exchange = desk.begin(Purpose.INVITE, request, order.trunk, now, tries=tries)

    def can_meet(self, invite: ClientExchange, response: Response) -> bool:
        """Whether the refusal asks for something that another INVITE can bring; that is then prepared."""
        if invite.tries >= MAX_TRIES:
            return False
        if response.status == 422 and self.session_seconds is not None:  # noqa: PLR2004 - RFC 4028, 7.3
            higher = raised(max(self.session_seconds, self.least_seconds), response)
            self.least_seconds = higher or self.least_seconds
            return higher is not None
        return self.desk.auth.learn(response)

    def drop(self) -> None:
        """Forget a try that never left."""
        if self.exchange is not None:
            self.desk.clients.drop(self.exchange)

    def cancel(self, now: float) -> bool:
        """Send the CANCEL, if a provisional response has made that possible (9.1) and none has left; whether it did."""
        invite = self.exchange
        if invite is None or invite.cancelled:
            return False
        if invite.transaction.state not in {TxState.PROCEEDING, TxState.ABANDONED}:
            return False
        invite.cancelled = True
        self.desk.begin(Purpose.CANCEL, cancel_of(invite.request), invite.to, now)
        return True

    def progress(self, invite: ClientExchange, response: Response, now: float) -> None:
        """Take a provisional response: its early dialog, its early media, and the PRACK that it may require."""
        tag = response.to.tag
        if tag is None or response.status == 100:  # noqa: PLR2004 - 100 makes no dialog (12.1)
            return
        if tag not in self.dialogs and len(self.dialogs) < MAX_FORKS:
            self.dialogs[tag] = self._dialog(invite.request, response)
        dialog = self.dialogs.get(tag)
        if dialog is None:
            return
        self._acknowledge_provisional(dialog, response, now)
        media = answer_in(self.desk.order.local, response)
        if media is not None:
            self.early_media[tag] = media

    def _dialog(self, invite: Request, response: Response) -> Dialog:
        order = self.desk.order
        return dialog_of(invite, response, trunk=order.trunk, follows=order.follows_contact)

    def _acknowledge_provisional(self, dialog: Dialog, response: Response, now: float) -> None:
        """Send a PRACK where the peer requires one, once per RSeq and in order (RFC 3262, 4)."""
        try:
            required = "100rel" in option_tags(response, "Require")
            rseq = number(header(response, "RSeq") or "", most=_MAX_RSEQ, what="RSeq") if required else 0
        except BadMessage:
            return
        last = dialog.acknowledged_rseq
        if not required or (last is not None and rseq != last + 1) or self.desk.clients.full:
            return
        dialog.acknowledged_rseq = rseq
        rack = ("RAck", f"{rseq} {response.cseq}")
        self.desk.begin_in(dialog, Purpose.PRACK, "PRACK", now, headers=(rack,))

    def accept(self, invite: ClientExchange, response: Response) -> Dialog | None:
        """Acknowledge a 2xx; return its dialog, None for a repeated 2xx and for one fork too many."""
        tag = response.to.tag or ""
        if self.desk.acknowledge_again(invite, tag) or len(invite.acks) >= MAX_FORKS:
            return None
        dialog = self._dialog(invite.request, response)
        early = self.dialogs.get(tag)
        if early is not None:  # route set and target anew, what was counted is kept (13.2.2.4)
            dialog.local_cseq = max(dialog.local_cseq, early.local_cseq)
            dialog.remote_cseq = early.remote_cseq
        self.dialogs[tag] = dialog
        self.desk.acknowledge(invite, dialog)
        return dialog

    def media(self, dialog: Dialog, response: Response) -> Media | None:
        """Return what both agreed on: from the 2xx, or from before where it says nothing, or nothing new (13.2.1)."""
        early = self.early_media.get(dialog.remote_tag)
        if dialog.remote_tag in self.renegotiated:
            return early
        return answer_in(self.desk.order.local, response) or early

    def note_address(self, response: Response) -> None:
        """Keep what the response says of where we are seen (RFC 3581, 4)."""
        via = response.vias[0]
        host, port = via.parameter("received"), via.parameter("rport")
        try:
            seen = literal_address(SipUri.parse(f"sip:{host}:{port}")) if host and port else None
        except BadMessage:
            return  # a hint, no more
        self.seen_as = seen or self.seen_as
