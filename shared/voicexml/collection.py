"""Collecting one input from the keys of a telephone (VoiceXML 2.0, 4.1.7, 4.1.8, 6.3.3 and Appendix D).

A small machine of its own. It plays the queued prompts, waits for the first key, then for the next ones, and
ends in an `Outcome`. The specification's timing:

- The time for the first key (`timeout`) runs from the end of the prompts.
- A key ends a prompt that may be interrupted, and with it all the prompts behind it.
- While a prompt that may not be interrupted plays, keys are thrown away; so are keys from before, if any of
  the prompts is of that kind.
- `interdigittimeout` runs while more keys could follow. At its end the input is what the keys say so far: a
  match if they match, else nomatch (D.2, D.3).
- The `termchar` ends the input at once (D.4), unless the grammar itself has a use for that key there.
- When no further key could match, the input is over at once, or after `termtimeout` if there is a `termchar`
  to wait for (D.5 to D.7). Another key in that time is kept for the next input.
- A key that cannot match ends the input as nomatch at once.
- Words come as one whole utterance and end the input, unless keys came before them.
- With `bargeintype` hotword nothing but a match is an input: all else is passed over, and stops no prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.voicexml.effects import Effect, Listen, Play, StartTimer, StopListening, StopPlay, StopTimer
from shared.voicexml.events import Digit, PlayEnded, Said, TimerFired
from shared.voicexml.grammar.active import COMPLETE, AnyOf
from shared.voicexml.grammar.expansion import Mode
from shared.voicexml.grammar.matcher import Status
from shared.voicexml.grammar.tokens import spoken_words
from shared.voicexml.keys import TypeAhead
from shared.voicexml.limits import MAX_WORDS


class Phase(StrEnum):
    """Where the collection stands."""

    #: A prompt plays that no key stops.
    ANNOUNCING = "announcing"
    #: A prompt plays that a key stops.
    PROMPTING = "prompting"
    #: The prompts are over, no key came yet; `timeout` runs.
    LISTENING = "listening"
    #: Keys came, more may; `interdigittimeout` runs.
    ENTERING = "entering"
    #: The keys are complete but for a termchar; `termtimeout` runs.
    TERMINATING = "terminating"
    #: There is an outcome.
    OVER = "over"


class Step(StrEnum):
    """What happens next."""

    DISCARD = "discard"
    NEXT_PROMPT = "next_prompt"
    INTERRUPT = "interrupt"
    KEY = "key"
    LAST_KEY = "last_key"
    NO_INPUT = "no_input"
    CONCLUDE = "conclude"
    INTERRUPT_WITH_WORDS = "interrupt_with_words"
    WORDS = "words"


Stimulus = Digit | Said | PlayEnded | TimerFired

#: The machine. A pair that is absent cannot occur: no play or timer of ours is under way in that phase, and
#: an answer to an older one is passed over before this table is read.
STEPS: Mapping[tuple[Phase, type[Stimulus]], Step] = MappingProxyType(
    {
        (Phase.ANNOUNCING, Digit): Step.DISCARD,
        (Phase.ANNOUNCING, Said): Step.DISCARD,
        (Phase.ANNOUNCING, PlayEnded): Step.NEXT_PROMPT,
        (Phase.PROMPTING, Digit): Step.INTERRUPT,
        (Phase.PROMPTING, Said): Step.INTERRUPT_WITH_WORDS,
        (Phase.PROMPTING, PlayEnded): Step.NEXT_PROMPT,
        (Phase.LISTENING, Digit): Step.KEY,
        (Phase.LISTENING, Said): Step.WORDS,
        (Phase.LISTENING, TimerFired): Step.NO_INPUT,
        (Phase.ENTERING, Digit): Step.KEY,
        (Phase.ENTERING, Said): Step.DISCARD,
        (Phase.ENTERING, TimerFired): Step.CONCLUDE,
        (Phase.TERMINATING, Digit): Step.LAST_KEY,
        (Phase.TERMINATING, Said): Step.DISCARD,
        (Phase.TERMINATING, TimerFired): Step.CONCLUDE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The properties that decide when an input is over."""

    timeout_ms: int
    interdigit_timeout_ms: int
    term_timeout_ms: int
    #: Empty: there is none.
    termchar: str
    #: Keys after which an input is over (Plum's termmaxdigits); 0: as many as the grammars take.
    most_keys: int = 0
    #: What is listened to (6.3.6); the other does not count as input, and interrupts nothing.
    modes: frozenset[str] = frozenset(Mode)
    #: Whether nothing but a match is an input and stops a prompt (4.1.5.1).
    hotword: bool = False
    #: The format in which what is said is to be kept (VoiceXML 2.1, 7), which may be empty; None: it is not kept.
    sound_type: str | None = None


class Verdict(StrEnum):
    """How an input ended."""

    MATCH = "match"
    NOMATCH = "nomatch"
    NOINPUT = "noinput"
    #: The caller went instead of answering.
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an input ended, and what it was: the keys that were pressed, or what was said."""

    verdict: Verdict
    mode: Mode = Mode.DTMF
    keys: str = ""
    said: str = ""
    confidence: float = 1.0
    #: The host's name of the sound of it; empty: there is none.
    recording: str = ""
    recording_ms: int = 0
    recording_bytes: int = 0

    @property
    def tokens(self) -> Sequence[str]:
        """What grammars are asked about."""
        return self.keys if self.mode is Mode.DTMF else spoken_words(self.said)


class Collection:
    """One visit to the waiting state; over when there is an `outcome`."""

    def __init__(
        self,
        *,
        prompts: tuple[Play, ...],
        grammar: AnyOf,
        timing: Timing,
        typed_ahead: TypeAhead,
        emit: Callable[[Effect], None],
        new_id: Callable[[], int],
    ) -> None:
        self.outcome: Outcome | None = None
        self._prompts = list(prompts)
        self._grammar = grammar
        self._timing = timing
        self._typed_ahead = typed_ahead
        self._emit = emit
        self._new_id = new_id
        self._phase = Phase.LISTENING
        self._keys = ""
        self._playing: int | None = None
        self._timer: int | None = None
        self._listens = False

    def begin(self) -> None:
        """Enter the waiting state: use the keys from before, or play the prompts."""
        if Mode.DTMF not in self._timing.modes or not all(play.bargein for play in self._prompts):
            self._typed_ahead.clear()
        if not self._typed_ahead:
            self._next_prompt()
            return
        self._prompts.clear()
        self._listen()
        while self.outcome is None and self._typed_ahead:
            self._apply(STEPS[self._phase, Digit], self._typed_ahead.pop())

    def take(self, event: Stimulus) -> None:
        """Take an event; one that answers something that is over is passed over."""
        match event:
            case Digit(key=key) if self.outcome is None and Mode.DTMF in self._timing.modes:
                if self._timing.hotword and self._phase in {Phase.PROMPTING, Phase.LISTENING}:
                    self._watch(key)
                    return
                self._apply(STEPS[self._phase, Digit], key)
            case Said() if self.outcome is None and Mode.VOICE in self._timing.modes:
                self._hear(STEPS[self._phase, Said], event)
            case PlayEnded(play_id=play_id) if play_id == self._playing:
                self._apply(STEPS[self._phase, PlayEnded])
            case TimerFired(timer_id=timer_id) if timer_id == self._timer:
                self._timer = None
                self._apply(STEPS[self._phase, TimerFired])
            case _:
                pass

    def abandon(self) -> None:
        """Stop: the caller has gone."""
        self._silence()
        self._end(Verdict.HANGUP)

    def _apply(self, step: Step, key: str = "") -> None:
        match step:
            case Step.DISCARD:
                pass
            case Step.NEXT_PROMPT:
                self._next_prompt()
            case Step.INTERRUPT:
                self._interrupt(key)
            case Step.KEY:
                self._key(key)
            case Step.LAST_KEY:
                self._last_key(key)
            case Step.NO_INPUT:
                self._end(Verdict.NOINPUT)
            case Step.CONCLUDE:
                self._conclude()
            case Step.INTERRUPT_WITH_WORDS | Step.WORDS:
                raise AssertionError("Words are heard and not keyed.")

    def _hear(self, step: Step, said: Said) -> None:
        """Take a whole utterance, unless a prompt or keys are in its way."""
        words = spoken_words(said.text)[: MAX_WORDS + 1]
        matches = 0 < len(words) <= MAX_WORDS and self._grammar.hears(words)
        if step is Step.DISCARD or (self._timing.hotword and not matches):
            return
        if step is Step.INTERRUPT_WITH_WORDS:
            self._silence()
            self._prompts.clear()
        self._end(Verdict.MATCH if matches else Verdict.NOMATCH, said)

    def _next_prompt(self) -> None:
        self._playing = None
        if not self._prompts:
            self._phase = Phase.LISTENING
            self._listen()
            self._start_timer(self._timing.timeout_ms)
            return
        play = self._prompts.pop(0)
        self._phase = Phase.PROMPTING if play.bargein else Phase.ANNOUNCING
        self._playing = play.play_id
        self._emit(play)
        if play.bargein:
            self._listen()

    def _interrupt(self, key: str) -> None:
        """Barge in (4.1.5)."""
        self._silence()
        self._prompts.clear()
        self._key(key)

    def _watch(self, key: str) -> None:
        """Wait for keys that match, and pass over what comes between (4.1.5.1, hotword)."""
        for keys in (self._keys + key, key):
            status = self._grammar.status(keys)
            if status in COMPLETE:
                self._keys = keys[: -len(key)]
                self._interrupt(key)
                return
            if status is Status.PARTIAL:
                self._keys = keys
                return
        self._keys = ""

    def _key(self, key: str) -> None:
        self._stop_timer()
        status = self._grammar.status(self._keys + key)
        if status is Status.NOMATCH and key == self._timing.termchar:
            self._conclude()
            return
        self._keys += key
        if status is Status.NOMATCH:
            self._end(Verdict.NOMATCH)
        elif status is Status.MATCH:
            self._complete()
        elif len(self._keys) == self._timing.most_keys:
            self._conclude()
        else:
            self._phase = Phase.ENTERING
            self._start_timer(self._timing.interdigit_timeout_ms)

    def _complete(self) -> None:
        if self._timing.termchar and self._timing.term_timeout_ms:
            self._phase = Phase.TERMINATING
            self._start_timer(self._timing.term_timeout_ms)
        else:
            self._conclude()

    def _last_key(self, key: str) -> None:
        if key != self._timing.termchar:
            self._typed_ahead.put_back(key)
        self._conclude()

    def _conclude(self) -> None:
        """End with what the keys say; a termchar alone says nothing that could match."""
        matches = self._keys and self._grammar.status(self._keys) in COMPLETE
        self._end(Verdict.MATCH if matches else Verdict.NOMATCH)

    def _end(self, verdict: Verdict, said: Said | None = None) -> None:
        self._stop_timer()
        if self._listens:
            self._emit(StopListening())
        self._phase = Phase.OVER
        if verdict is Verdict.NOMATCH and self._timing.hotword:
            # 4.1.5.1: there is no nomatch; keys that came to nothing were none.
            verdict = Verdict.NOINPUT
        if said is None:
            self.outcome = Outcome(verdict=verdict, keys=self._keys)
        else:
            self.outcome = Outcome(
                verdict=verdict,
                mode=Mode.VOICE,
                said=said.text,
                confidence=said.confidence,
                recording=said.recording if self._timing.sound_type is not None else "",
                recording_ms=said.recording_ms,
                recording_bytes=said.recording_bytes,
            )

    def _listen(self) -> None:
        if not self._listens:
            sound_type = self._timing.sound_type
            self._emit(
                Listen(
                    timeout_ms=self._timing.timeout_ms,
                    keep_sound=sound_type is not None,
                    sound_type=sound_type or "",
                )
            )
            self._listens = True

    def _silence(self) -> None:
        if self._playing is not None:
            self._emit(StopPlay())
            self._playing = None

    def _start_timer(self, after_ms: int) -> None:
        self._timer = self._new_id()
        self._emit(StartTimer(timer_id=self._timer, after_ms=after_ms))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._emit(StopTimer(timer_id=self._timer))
            self._timer = None
