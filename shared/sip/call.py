"""One outbound call: a user agent client and, within its dialog, a server (RFC 3261, 13 to 15).

Every method takes the instant and returns effects. The table in `call_table` says which steps exist; this module
says what each step does. The user hears `Provisional`s, at most one `Answered`, `MediaChanged`s, and last exactly
one `Failed` or `Ended`, at the moment when the outcome is settled: the BYE and its answer, late 2xx and repeated
requests are dealt with after that, until `Forget`.

Whatever happens, a call ends: CALLING is bounded by timer B, ringing by the order's ring_seconds, cancelling by
64*T1, talking by longest_seconds, and our BYE by timer F.
"""

from enum import StrEnum
from typing import Final

from shared.sip.answers import allows
from shared.sip.call_table import CallInput, CallState, after, takes
from shared.sip.conversation import Conversation
from shared.sip.desk import Desk
from shared.sip.dialog import Dialog
from shared.sip.digest import Authenticator
from shared.sip.effects import (
    Address,
    Answered,
    Cause,
    Effect,
    Ended,
    Failed,
    Forget,
    KeyByInfo,
    MediaChanged,
    Party,
    Provisional,
    Wake,
)
from shared.sip.errors import BadMessage
from shared.sip.exchanges import ClientExchange, Dice, Endpoint, Purpose, Tokens
from shared.sip.grammar import number
from shared.sip.headers import asserted_identity, q850_cause
from shared.sip.inbound import Reply, Standing, decide
from shared.sip.invitation import Invitation
from shared.sip.message import Message, Request, Response, header, header_values
from shared.sip.offer_answer import Media
from shared.sip.order import Order
from shared.sip.responses import response_to
from shared.sip.session_timer import agreed_as_client
from shared.sip.timing import Timings


class _Alarm(StrEnum):
    """The call's own timers."""

    RING = "ring"
    GIVE_UP = "give up"
    TALK = "talk"


#: Which of them run in which state: entering any other state stops them.
_ALARMS: Final = {
    CallState.CALLING: frozenset({_Alarm.RING}),
    CallState.PROCEEDING: frozenset({_Alarm.RING}),
    CallState.EARLY: frozenset({_Alarm.RING}),
    CallState.CANCELING: frozenset({_Alarm.GIVE_UP}),
    CallState.CONFIRMED: frozenset({_Alarm.TALK}),
}
#: A Retry-After beyond a day says no more than a day.
_LONGEST_RETRY_AFTER_SECONDS: Final = 24 * 3600
_DEFAULT_TIMINGS: Final = Timings()


class Call:
    """One call. Feed it until it returns `Forget`."""

    def __init__(
        self, order: Order, *, endpoint: Endpoint, dice: Dice, timings: Timings = _DEFAULT_TIMINGS
    ) -> None:
        tokens = Tokens(dice)
        self._desk = Desk(
            order=order,
            endpoint=endpoint,
            timings=timings,
            tokens=tokens,
            tag=tokens.token(),
            auth=Authenticator(order.credentials),
        )
        self._invitation = Invitation(self._desk, order.local, tokens.cseq(), order.session_seconds)
        self.state = CallState.CALLING
        #: A 18x was seen.
        self.rang = False
        self._told: Provisional | None = None
        self._talk: Conversation | None = None
        self._alarms: dict[_Alarm, float] = {}
        self._cause = Cause.HUNG_UP
        self._alarm_set: float | None = None
        self._forgotten = False

    # What its owner calls.

    def start(self, now: float) -> list[Effect]:
        """Send the INVITE. Once."""
        self._alarms[_Alarm.RING] = now + self._desk.order.ring_seconds
        self._invitation.send(now)
        return self._effects()

    def receive(self, message: Message, source: Address, now: float) -> list[Effect]:
        """Take a message with this call's Call-ID."""
        if isinstance(message, Response):
            exchange = self._desk.clients.receive(message, now)
            if exchange is not None:
                self._response(exchange, message, now)
        else:
            self._request(message, source, now)
        return self._effects()

    def wake(self, now: float) -> list[Effect]:
        """Do what is due at this instant; woken too early, the call asks to be woken again."""
        self._alarm_set = None  # its owner has used it up
        for exchange in self._desk.clients.expire(now):
            self._timed_out(exchange, now)
        if self._desk.servers.expire(now):
            self._hang_up(Cause.PEER_SILENT, now)
        self._own_alarms(now)
        return self._effects()

    def hang_up(self, now: float) -> list[Effect]:
        """End the call: CANCEL while it rings, BYE afterwards. Again, or too late, it does nothing."""
        cause = Cause.HUNG_UP if self.state is CallState.CONFIRMED else Cause.CANCELLED
        self._hang_up(cause, now)
        return self._effects()

    def unroutable(self, now: float) -> list[Effect]:
        """Take note that the network refused the datagram just sent.

        Only the first INVITE's refusal, before any response, proves that nobody was reached.
        """
        if self._invitation.unheard and takes(self.state, CallInput.ROUTE_FAILURE):
            left = self._invitation.left
            self._enter(CallInput.ROUTE_FAILURE, now)
            if not left:
                self._invitation.drop()
            self._desk.tell(Failed(cause=Cause.UNROUTABLE, sent=left))
        return self._effects()

    @property
    def seen_as(self) -> Address | None:
        """Where the far end sees us, from `received` and `rport` (RFC 3581); None until it says so."""
        return self._invitation.seen_as

    @property
    def media(self) -> Media | None:
        """What is agreed on now; None before the 2xx."""
        return self._talk.media if self._talk else None

    # What the INVITE brings.

    def _response(self, exchange: ClientExchange, response: Response, now: float) -> None:
        match exchange.purpose:
            case Purpose.INVITE if response.status < 200:  # noqa: PLR2004 - provisional
                self._provisional(exchange, response, now)
            case Purpose.INVITE if response.status < 300:  # noqa: PLR2004 - success
                self._success(exchange, response, now)
            case Purpose.INVITE:
                self._refusal(exchange, response, now)
            case Purpose.REFRESH:
                self._refreshed(exchange, response, now)
            case Purpose.CANCEL:
                pass  # 200 or 481: the INVITE's own final response decides
            case Purpose.PRACK | Purpose.BYE | Purpose.BYE_UNWANTED:
                again = self._desk.sign_again(exchange, response, now)
                if exchange.purpose is Purpose.BYE and not again:
                    self._enter(CallInput.BYE_DONE, now)

    def _provisional(self, invite: ClientExchange, response: Response, now: float) -> None:
        self._invitation.note_address(response)
        if self.state is CallState.TERMINATED:
            self._invitation.cancel(now)  # it comes to life after we gave it up
            return
        rings = 180 <= response.status < 190  # noqa: PLR2004 - 18x: a phone may ring, or is about to
        self._enter(CallInput.PROGRESS if rings else CallInput.TRYING, now)
        self.rang = self.rang or rings
        self._invitation.progress(invite, response, now)
        if self.state is CallState.CANCELING:
            self._cancel(now)
        elif response.status > 100:  # noqa: PLR2004 - 100 says only that the INVITE arrived
            self._tell_progress(response)

    def _tell_progress(self, response: Response) -> None:
        """Tell a provisional response, unless it says what was already told."""
        media = self._invitation.early_media.get(response.to.tag or "")
        news = Provisional(status=response.status, media=media or (self._told.media if self._told else None))
        if news != self._told:
            self._told = news
            self._desk.tell(news)

    def _success(self, invite: ClientExchange, response: Response, now: float) -> None:
        self._invitation.note_address(response)
        dialog = self._invitation.accept(invite, response)
        if dialog is None:
            return
        if not takes(self.state, CallInput.ANSWER):  # another fork, or an answer after we gave up (13.2.2.4)
            self._desk.begin_in(dialog, Purpose.BYE_UNWANTED, "BYE", now)
            return
        self._enter(CallInput.ANSWER, now)
        if self.state is CallState.CONFIRMED:
            self._answered(dialog, response, now)
        else:  # it crossed our CANCEL
            self._desk.begin_in(dialog, Purpose.BYE, "BYE", now)
            self._fail(response, self._cause)

    def _answered(self, dialog: Dialog, response: Response, now: float) -> None:
        media = self._invitation.media(dialog, response)
        if media is None:
            self._enter(CallInput.HANG_UP, now)
            self._desk.begin_in(dialog, Purpose.BYE, "BYE", now)
            self._fail(response, Cause.BAD_MEDIA)
            return
        self._desk.auth.accepted()
        self._alarms[_Alarm.TALK] = now + self._desk.order.longest_seconds
        self._talk = Conversation(
            desk=self._desk,
            dialog=dialog,
            media=media,
            local=self._invitation.local,
            updates=allows(response, "UPDATE"),
            least_seconds=self._invitation.least_seconds,
        )
        self._talk.keep(agreed_as_client(response), now)
        identity = asserted_identity(header_values(response, "P-Asserted-Identity"))
        self._desk.tell(Answered(media=media, identity=identity))

    def _refusal(self, invite: ClientExchange, response: Response, now: float) -> None:
        if takes(self.state, CallInput.RETRY) and self._invitation.can_meet(invite, response):
            self._enter(CallInput.RETRY, now)
            self._invitation.send(now)
        elif takes(self.state, CallInput.REFUSAL):
            ours = self.state is CallState.CANCELING and response.status == 487  # noqa: PLR2004 - RFC 3261, 21.4.25
            self._enter(CallInput.REFUSAL, now)
            self._fail(response, self._cause if ours else Cause.REFUSED)

    # The end.

    def _hang_up(self, cause: Cause, now: float) -> None:
        if not takes(self.state, CallInput.HANG_UP):
            return
        before = self.state
        self._enter(CallInput.HANG_UP, now)
        if before is CallState.CONFIRMED and self._talk is not None:
            self._desk.begin_in(self._talk.dialog, Purpose.BYE, "BYE", now)
            self._desk.tell(Ended(by=Party.US, cause=cause))
        elif before is not self.state:
            self._cause = cause
            self._cancel(now)

    def _cancel(self, now: float) -> None:
        """Send the CANCEL when it may leave, and wait for its effect no longer than 64*T1 (9.1)."""
        if self._invitation.cancel(now):
            self._alarms[_Alarm.GIVE_UP] = now + self._desk.timings.give_up_seconds

    def _timed_out(self, exchange: ClientExchange, now: float) -> None:
        match exchange.purpose:
            case Purpose.INVITE if takes(self.state, CallInput.TIME_OUT):
                self._enter(CallInput.TIME_OUT, now)
                self._desk.tell(Failed(cause=Cause.TIMED_OUT, rang=self.rang))
            case Purpose.BYE:
                self._enter(CallInput.BYE_DONE, now)
            case Purpose.REFRESH:
                self._hang_up(Cause.SESSION_EXPIRED, now)
            case _:
                pass

    def _own_alarms(self, now: float) -> None:
        due = [alarm for alarm, at in self._alarms.items() if at <= now]
        for alarm in due:
            if self._alarms.pop(alarm, None) is None:
                continue  # stopped by the one before
            match alarm:
                case _Alarm.RING:
                    self._hang_up(Cause.UNANSWERED, now)
                case _Alarm.TALK:
                    self._hang_up(Cause.TOO_LONG, now)
                case _Alarm.GIVE_UP:
                    self._enter(CallInput.TIME_OUT, now)
                    self._desk.tell(Failed(cause=self._cause, rang=self.rang))
        talk = self._talk
        if talk is None or self.state is not CallState.CONFIRMED:
            return
        if talk.expires_at is not None and talk.expires_at <= now:
            self._hang_up(Cause.SESSION_EXPIRED, now)
        elif talk.refresh_at is not None and talk.refresh_at <= now:
            talk.refresh(now)

    def _fail(self, response: Response, cause: Cause) -> None:
        self._desk.tell(
            Failed(
                cause=cause,
                status=response.status,
                q850=q850_cause(header_values(response, "Reason")),
                rang=self.rang,
                retry_after_seconds=_retry_after_seconds(response),
            )
        )

    def _enter(self, event: CallInput, now: float) -> None:
        self.state = after(self.state, event)
        running = _ALARMS.get(self.state, frozenset())
        self._alarms = {alarm: at for alarm, at in self._alarms.items() if alarm in running}
        if self.state is CallState.TERMINATED:
            self._desk.clients.abandon_invites(now)

    # The peer's requests.

    def _request(self, request: Request, source: Address, now: float) -> None:
        desk = self._desk
        if desk.servers.absorb(request, source, now):
            return
        known = request.to.tag == desk.tag
        dialog = self._invitation.dialogs.get(request.sender.tag or "") if known else None
        if dialog is None or request.method == "CANCEL" or not self._stands(dialog, request):
            desk.servers.refuse(request, 481, source, desk.tag)
        elif request.method == "ACK":
            self._acknowledged(request, now)
        elif self.state is CallState.TERMINATED:
            # A BYE that crossed ours: nothing is kept for it, so that we can go.
            desk.servers.refuse(request, 200, source, desk.tag)
        elif dialog.remote_cseq is not None and request.cseq.number <= dialog.remote_cseq:
            desk.servers.refuse(request, 500, source, desk.tag)  # out of order (12.2.2)
        else:
            dialog.remote_cseq = request.cseq.number
            self._answer(dialog, request, source, now)

    def _stands(self, dialog: Dialog, request: Request) -> bool:
        """Whether the dialog still takes this request: one that ends takes only ACK and the peer's own BYE."""
        ours = self._talk is None or self._talk.dialog is dialog
        alive = self.state not in {CallState.TERMINATING, CallState.TERMINATED}
        return request.method in {"ACK", "BYE"} or (ours and alive)

    def _acknowledged(self, request: Request, now: float) -> None:
        exchange = self._desk.servers.acknowledge(request, now)
        if exchange is not None and exchange.offers and self._talk is not None:
            self._talk.answered(request)

    def _answer(self, dialog: Dialog, request: Request, source: Address, now: float) -> None:
        desk, talk = self._desk, self._talk
        reply = decide(request, self._standing(dialog))
        headers = reply.headers
        if request.method in {"INVITE", "UPDATE"} and reply.status < 300:  # noqa: PLR2004 - success
            headers = (("Contact", f"<{desk.endpoint.contact}>"), *headers)
            dialog.refresh_target(request)
        response = response_to(
            request, reply.status, source=source, to_tag=desk.tag, headers=headers, body=reply.body
        )
        desk.servers.answer(request, response, source, now, offers=reply.offers)
        if reply.ends:
            self._peer_left(dialog, request, now)
        elif talk is not None and talk.dialog is dialog:
            self._carry_out(talk, reply, now)
        elif reply.media is not None:
            self._invitation.local = reply.local or self._invitation.local
            self._invitation.early_media[dialog.remote_tag] = reply.media
            self._invitation.renegotiated.add(dialog.remote_tag)
            desk.tell(MediaChanged(media=reply.media))

    def _standing(self, dialog: Dialog) -> Standing:
        talk = self._talk
        if talk is None:
            pending = dialog.remote_tag not in self._invitation.early_media  # our offer has no answer yet
            return Standing(local=self._invitation.local, confirmed=False, pending=pending)
        pending = talk.refreshing or self._desk.servers.awaits_answer
        return Standing(local=talk.local, confirmed=True, pending=pending)

    def _carry_out(self, talk: Conversation, reply: Reply, now: float) -> None:
        talk.local = reply.local or talk.local
        if reply.timer is not None:
            talk.keep(reply.timer, now)
        if reply.media is not None:
            talk.changed(reply.media)
        if reply.key is not None:
            self._desk.tell(KeyByInfo(key=reply.key))

    def _peer_left(self, dialog: Dialog, request: Request, now: float) -> None:
        """Take a BYE; one for a fork that nobody wants changes nothing."""
        wanted = self._talk is None or self._talk.dialog is dialog
        if not wanted or not takes(self.state, CallInput.PEER_BYE):
            return
        self._enter(CallInput.PEER_BYE, now)
        if self.state is CallState.TERMINATED:
            cause = q850_cause(header_values(request, "Reason"))
            self._desk.tell(Ended(by=Party.PEER, cause=Cause.HUNG_UP, q850=cause))
        elif self.state is CallState.CANCELING:
            self._cancel(now)

    def _refreshed(self, exchange: ClientExchange, response: Response, now: float) -> None:
        if self._talk is not None and not self._talk.refreshed(exchange, response, now):
            self._hang_up(Cause.SESSION_EXPIRED, now)

    # The border.

    def _effects(self) -> list[Effect]:
        """Return what was decided, with the alarm where it moved, and Forget where nothing is left."""
        effects, call_id = list(self._desk.outbox), self._desk.order.call_id
        self._desk.outbox.clear()
        deadline = self._deadline()
        if deadline != self._alarm_set:
            self._alarm_set = deadline
            effects.append(Wake(call_id, deadline))
        idle = self._desk.clients.idle and self._desk.servers.idle
        if self.state is CallState.TERMINATED and idle and not self._forgotten:
            self._forgotten = True
            effects.append(Forget(call_id))
        return effects

    def _deadline(self) -> float | None:
        instants = [self._desk.clients.deadline, self._desk.servers.deadline, *self._alarms.values()]
        if self._talk is not None and self.state is CallState.CONFIRMED:
            instants += [self._talk.refresh_at, self._talk.expires_at]
        return min((instant for instant in instants if instant is not None), default=None)


def _retry_after_seconds(response: Response) -> int | None:
    """Return Retry-After in seconds (20.33), None where it is absent or cannot be read."""
    digits = (header(response, "Retry-After") or "").split(";")[0].split("(")[0].strip()
    try:
        return min(number(digits, most=2**32, what="Retry-After"), _LONGEST_RETRY_AFTER_SECONDS)
    except BadMessage:
        return None
