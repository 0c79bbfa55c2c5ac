"""Visiting the input items that are not listened for: subdialogs, recordings, transfers (2.3.4 to 2.3.7)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.voicexml.context import InterpreterContext
from shared.voicexml.draining import drain
from shared.voicexml.effects import Record as RecordEffect
from shared.voicexml.effects import Transfer as TransferEffect
from shared.voicexml.effects import TransferKind
from shared.voicexml.errors import Exhausted, ScriptFailed, Thrown
from shared.voicexml.event_handling import EventScope
from shared.voicexml.events import Recorded, TransferEnded
from shared.voicexml.grammar.active import AnyOf
from shared.voicexml.item_loader import records
from shared.voicexml.limits import MAX_SUBDIALOGS
from shared.voicexml.model import Record, Subdialog, Transfer
from shared.voicexml.navigation import dialog_here, open_document
from shared.voicexml.prompts import resolved
from shared.voicexml.transitions import Destination, End, Leave, Transition
from shared.voicexml.waits import Recording, Steps, Transferring

#: Runs dialogs until they end; `application.py` has it, and hands it down because it needs forms itself.
RunDialogs = Callable[[InterpreterContext, Destination], Steps[End]]

#: Where the document does not say: a minute is a long message, and three seconds of silence end it, as most
#: voicemail has it.
_RECORD_MAX_MS = 60_000
_FINAL_SILENCE_MS = 3_000

#: How long the other side of a transfer may ring: five to seven rings.
_CONNECT_TIMEOUT_MS = 30_000

_TRANSFER_KINDS: dict[str, TransferKind] = {
    "blind": "blind",
    "bridge": "bridge",
    "consultation": "consultation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit to such an item: each method fills the item's variable, or returns where to go instead."""

    context: InterpreterContext
    scope: EventScope
    run_dialogs: RunDialogs

    def subdialog(self, item: Subdialog) -> Steps[Transition | None]:
        """Run dialogs in a context of their own (2.3.4); raises Thrown with the event that they return."""
        context, model = self.context, self.context.model
        if context.subdialogs >= MAX_SUBDIALOGS:
            raise Exhausted.of("subdialogs were nested", MAX_SUBDIALOGS)
        destination = yield from self._destination(item)
        self._give(item)
        context.subdialogs += 1
        model.suspend()
        end = yield from self.run_dialogs(context, destination)
        model.resume()
        context.subdialogs -= 1
        if isinstance(end, Leave):
            return end
        if end.event:
            raise Thrown(end.event, end.message)
        model.take_all(item.name)
        return None

    def _destination(self, item: Subdialog) -> Steps[Destination]:
        params = tuple(param.name for param in item.params)
        place = self.scope.place
        try:
            request = self.scope.execution(self.context).request(item.target, place.base_url)
        except ScriptFailed as failure:
            raise failure.thrown_at(item.line) from None
        if request.url.strip().startswith("#") and not request.form:
            here = dialog_here(place, request.url.strip()[1:])
            return replace(here, fresh=True, params=params)
        destination = yield from open_document(self.context, request, None)
        return replace(destination, params=params)

    def _give(self, item: Subdialog) -> None:
        self.context.model.give_nothing()
        for param in item.params:
            try:
                if param.expr is not None:
                    self.context.model.give(param.name, param.expr)
                else:
                    self.context.model.give_text(param.name, param.value or "")
            except ScriptFailed as failure:
                raise failure.thrown_at(param.line) from None

    def record(self, item: Record, timeout_ms: int, grammar: AnyOf) -> Steps[Recording]:
        """Record the caller (2.3.6); returns how it ended. Raises Thrown."""
        if not records(item.type):
            raise Thrown("error.unsupported.format", f"Nothing can be recorded as {item.type!r}.")
        yield from self._be_heard()
        wait = Recording(
            record_id=self.context.new_id(),
            dtmf_term=item.dtmf_term,
            grammar=grammar,
            emit=self.context.emit,
            typed_ahead=self.context.typed_ahead,
        )
        longest_ms = _RECORD_MAX_MS if item.max_time_ms is None else item.max_time_ms
        silence_ms = _FINAL_SILENCE_MS if item.final_silence_ms is None else item.final_silence_ms
        self.context.emit(
            RecordEffect(
                record_id=wait.record_id,
                beep=item.beep,
                max_time_ms=longest_ms,
                final_silence_ms=silence_ms,
                dtmf_term=item.dtmf_term,
                content_type=item.type,
                timeout_ms=timeout_ms,
            )
        )
        yield wait
        return wait

    def keep_recording(self, item: Record, wait: Recording) -> None:
        """Fill the item with what was recorded; raises Thrown."""
        if wait.answer is not None:
            self._recorded(item, wait.answer, wait)
        if self.context.hung_up:
            raise self.context.hangup()

    def _recorded(self, item: Record, answer: Recorded, wait: Recording) -> None:
        if answer.ended_by.startswith("error."):
            raise Thrown(answer.ended_by)
        if answer.recording:
            self.context.model.store(item.name, self.context.keep_recording(answer.recording))
            shadow: dict[str, object] = {
                "duration": answer.duration_ms,
                "size": answer.size_bytes,
                "maxtime": answer.ended_by == "maxtime",
            }
            if wait.key:
                # Otherwise it is undefined, and not null.
                shadow["termchar"] = wait.key
            if wait.matched:
                shadow |= {"utterance": wait.keys, "inputmode": "dtmf"}
            self.context.model.store(f"{item.name}$", shadow)
        elif not self.context.hung_up:
            raise Thrown("noinput")

    def transfer(self, item: Transfer, grammar: AnyOf) -> Steps[Transferring]:
        """Connect the caller to somebody else (2.3.7); returns how it ended. Raises Thrown."""
        effect = self._transfer_effect(item)
        yield from self._be_heard()
        wait = Transferring(transfer_id=effect.transfer_id, grammar=grammar, emit=self.context.emit)
        self.context.emit(effect)
        yield wait
        if self.context.hung_up:
            raise self.context.hangup()
        if wait.answer is not None:
            self._transferred(item, wait.answer, wait)
        return wait

    def _transfer_effect(self, item: Transfer) -> TransferEffect:
        model = self.context.model
        try:
            dest = (item.dest if item.destexpr is None else model.text(item.destexpr)) or ""
            aai = (item.aai if item.aaiexpr is None else model.text(item.aaiexpr)) or ""
        except ScriptFailed as failure:
            raise failure.thrown_at(item.line) from None
        scheme, colon, rest = dest.strip().partition(":")
        if not colon or not rest:
            raise Thrown("error.connection.baddestination", f"{dest!r} is not a URI to transfer to.")
        if scheme.lower() not in {"tel", "sip", "sips"}:
            raise Thrown("error.unsupported.uri", f"{scheme!r} is no scheme that can be transferred to.")
        connect_ms = _CONNECT_TIMEOUT_MS if item.connect_timeout_ms is None else item.connect_timeout_ms
        return TransferEffect(
            transfer_id=self.context.new_id(),
            dest=dest.strip(),
            kind=_TRANSFER_KINDS[item.type],
            connect_timeout_ms=connect_ms,
            max_time_ms=item.max_time_ms,
            audio=resolved(item.base_url, item.audio) if item.audio else "",
            aai=aai,
        )

    def _transferred(self, item: Transfer, answer: TransferEnded, wait: Transferring) -> None:
        if answer.outcome.startswith("error."):
            raise Thrown(answer.outcome)
        if answer.outcome == "transferred":
            # The caller is gone for us: what is left is as after a hang-up.
            self.context.disconnected = self.context.final = True
            self.context.caller_gone()
            raise Thrown("connection.disconnect.transfer")
        shadow: dict[str, object] = {"duration": answer.duration_ms / 1_000}
        if wait.ending:
            said = wait.said.text if wait.said else wait.keys
            shadow |= {"utterance": said, "inputmode": "voice" if wait.said else "dtmf"}
        self.context.model.store(item.name, answer.outcome)
        self.context.model.store(f"{item.name}$", shadow)

    def _be_heard(self) -> Steps[None]:
        """Play what is queued to its end, to somebody who is still there."""
        if self.context.hung_up:
            raise self.context.hangup()
        yield from drain(self.context)
        if self.context.hung_up:
            raise self.context.hangup()
        self.context.typed_ahead.clear()
        self.context.effort.rest()
        # 5.1.5: what was recognised is known until the next waiting state, and this is one.
        self.context.model.clear_last_result()
        self.context.mark = None
