"""The timing of keys (VoiceXML 2.0, 4.1.5, 4.1.8, 6.3.3 and Appendix D)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.collection import STEPS, Collection, Phase, Step, Timing, Verdict
from shared.voicexml.effects import (
    Effect,
    Listen,
    Play,
    Speech,
    StartTimer,
    StopListening,
    StopPlay,
    StopTimer,
)
from shared.voicexml.events import Digit, PlayEnded, TimerFired
from shared.voicexml.grammar.active import AnyOf
from shared.voicexml.grammar.builtin import builtin
from shared.voicexml.grammar.expansion import Mode
from shared.voicexml.keys import TypeAhead

Call = Callable[..., SimpleNamespace]

TIMING = Timing(timeout_ms=5_000, interdigit_timeout_ms=3_000, term_timeout_ms=0, termchar="#")
TERM_TIMING = Timing(timeout_ms=5_000, interdigit_timeout_ms=3_000, term_timeout_ms=1_000, termchar="#")


class Line:
    """One collection of one to four digits, and what it asks for."""

    def __init__(
        self, *bargein: bool, timing: Timing = TIMING, ahead: str = "", longest: int = 4, shortest: int = 1
    ) -> None:
        self.effects: list[Effect] = []
        self.ahead = TypeAhead()
        for key in ahead:
            self.ahead.add(key)
        self.collection = Collection(
            prompts=tuple(prompt(number, bargein=each) for number, each in enumerate(bargein, start=100)),
            grammar=AnyOf(grammars=(builtin(f"digits?minlength={shortest};maxlength={longest}", Mode.DTMF),)),
            timing=timing,
            typed_ahead=self.ahead,
            emit=self.effects.append,
            new_id=iter(range(1, 100)).__next__,
        )
        self.collection.begin()

    @property
    def timer(self) -> int:
        """The timer that was started last."""
        return next(each.timer_id for each in reversed(self.effects) if isinstance(each, StartTimer))

    def press(self, keys: str) -> "Line":
        """Press keys."""
        for key in keys:
            self.collection.take(Digit(key=key))
        return self

    def wait(self) -> "Line":
        """Let the time run out."""
        self.collection.take(TimerFired(timer_id=self.timer))
        return self

    @property
    def outcome(self) -> tuple[Verdict, str] | None:
        """How it ended, with the keys."""
        outcome = self.collection.outcome
        return None if outcome is None else (outcome.verdict, outcome.keys)


def prompt(play_id: int, *, bargein: bool) -> Play:
    """Make a prompt."""
    return Play(play_id=play_id, segments=(Speech(text="?", language="en-US"),), bargein=bargein)


def test_d_1_without_a_key_the_input_is_noinput_after_timeout() -> None:
    """The time runs from the end of the prompts; there are none here."""
    line = Line()
    assert line.effects == [Listen(timeout_ms=5_000), StartTimer(timer_id=1, after_ms=5_000)]
    assert line.wait().outcome == (Verdict.NOINPUT, "")
    assert line.effects[-1] == StopListening()


def test_d_2_keys_that_are_too_few_are_nomatch_after_interdigittimeout() -> None:
    """The time between keys runs anew with each of them."""
    line = Line(shortest=3).press("12")
    assert line.outcome is None
    assert line.effects[-2:] == [StopTimer(timer_id=2), StartTimer(timer_id=3, after_ms=3_000)]
    assert line.wait().outcome == (Verdict.NOMATCH, "12")


def test_d_3_keys_that_are_enough_match_after_interdigittimeout() -> None:
    """More could have come, so the input waits for it."""
    assert Line().press("12").wait().outcome == (Verdict.MATCH, "12")


def test_d_4_the_termchar_ends_an_input_at_once() -> None:
    """It is not one of the keys; what it ends may be too short."""
    assert Line().press("12#").outcome == (Verdict.MATCH, "12")
    assert Line(shortest=3).press("12#").outcome == (Verdict.NOMATCH, "12")
    assert Line().press("#").outcome == (Verdict.NOMATCH, "")


def test_d_5_an_input_that_can_only_end_ends_at_once() -> None:
    """With a termtimeout of 0 s, the default, nobody waits for a termchar."""
    assert Line().press("1234").outcome == (Verdict.MATCH, "1234")


def test_d_5_without_a_termchar_there_is_nothing_to_wait_for() -> None:
    """A termtimeout means nothing then."""
    timing = Timing(timeout_ms=1, interdigit_timeout_ms=1, term_timeout_ms=1_000, termchar="")
    assert Line(timing=timing).press("1234").outcome == (Verdict.MATCH, "1234")


def test_d_6_a_complete_input_ends_after_termtimeout() -> None:
    """The caller may still press the termchar, and need not."""
    line = Line(timing=TERM_TIMING).press("1234")
    assert line.outcome is None
    assert line.effects[-1] == StartTimer(timer_id=5, after_ms=1_000)
    assert line.wait().outcome == (Verdict.MATCH, "1234")


def test_d_7_the_termchar_ends_a_complete_input_before_termtimeout() -> None:
    """It is used up, and does not disturb the next input."""
    line = Line(timing=TERM_TIMING).press("1234#")
    assert line.outcome == (Verdict.MATCH, "1234")
    assert not line.ahead


def test_another_key_after_a_complete_input_belongs_to_the_next_one() -> None:
    """The caller types ahead, in the right order."""
    line = Line(timing=TERM_TIMING, longest=1, ahead="123")
    assert line.outcome == (Verdict.MATCH, "1")
    assert [line.ahead.pop(), line.ahead.pop()] == ["2", "3"]


def test_a_key_that_cannot_match_is_nomatch_at_once() -> None:
    """Waiting longer would not make it better."""
    assert Line().press("1*").outcome == (Verdict.NOMATCH, "1*")


def test_6_3_3_a_grammar_that_has_a_use_for_the_termchar_gets_it() -> None:
    """An option dtmf="#" can be chosen although # is the termchar."""
    timing = Timing(timeout_ms=1, interdigit_timeout_ms=1, term_timeout_ms=0, termchar="3")
    assert Line(timing=timing).press("13").wait().outcome == (Verdict.MATCH, "13")


def test_4_1_5_the_first_key_stops_a_prompt_and_drops_those_behind_it() -> None:
    """Barge-in: silence first, then the key counts."""
    line = Line(True, True)
    assert line.effects == [prompt(100, bargein=True), Listen(timeout_ms=5_000)]
    line.press("1")
    assert line.effects[2:] == [StopPlay(), StartTimer(timer_id=1, after_ms=3_000)]
    line.collection.take(PlayEnded(play_id=100))
    assert len(line.effects) == 4


def test_4_1_5_a_key_during_a_prompt_that_must_be_heard_is_thrown_away() -> None:
    """The prompt goes on, nobody is listening, and the key is not kept."""
    line = Line(False, True).press("1")
    assert line.effects == [prompt(100, bargein=False)]
    line.collection.take(PlayEnded(play_id=100))
    assert line.effects[1:] == [prompt(101, bargein=True), Listen(timeout_ms=5_000)]
    assert not line.ahead


def test_4_1_8_keys_from_before_are_used_instead_of_prompts() -> None:
    """Who types ahead hears nothing."""
    line = Line(True, ahead="12")
    assert not any(isinstance(effect, Play) for effect in line.effects)
    assert line.wait().outcome == (Verdict.MATCH, "12")


def test_4_1_8_keys_from_before_are_lost_if_a_prompt_must_be_heard() -> None:
    """The buffer is emptied, wherever that prompt stands in the queue."""
    line = Line(True, False, ahead="12")
    assert line.effects[0] == prompt(100, bargein=True)
    assert not line.ahead


def test_4_1_8_keys_beyond_what_an_input_needs_stay_for_the_next() -> None:
    """Each input takes its share."""
    line = Line(ahead="123456")
    assert line.outcome == (Verdict.MATCH, "1234")
    assert [line.ahead.pop(), line.ahead.pop()] == ["5", "6"]


def test_answers_to_what_is_over_change_nothing() -> None:
    """A timer that fired while it was stopped, a play of before, a key after the end."""
    line = Line().press("1")
    line.collection.take(TimerFired(timer_id=1))
    line.collection.take(PlayEnded(play_id=7))
    assert line.outcome is None
    line.press("#")
    effects = list(line.effects)
    line.press("2").collection.take(TimerFired(timer_id=2))
    assert line.effects == effects


def test_a_caller_who_goes_ends_the_input() -> None:
    """What played falls silent, what ran is stopped."""
    line = Line(True)
    line.collection.abandon()
    assert line.outcome == (Verdict.HANGUP, "")
    assert line.effects[-2:] == [StopPlay(), StopListening()]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OVER])
def test_every_phase_knows_what_a_key_and_the_end_of_what_it_waits_for_do(phase: Phase) -> None:
    """The table is complete: a key in every phase, and the end of its prompt or of its time."""
    playing = phase in {Phase.ANNOUNCING, Phase.PROMPTING}
    assert (phase, Digit) in STEPS
    assert (phase, PlayEnded if playing else TimerFired) in STEPS
    assert (phase, TimerFired if playing else PlayEnded) not in STEPS


def test_the_table_uses_every_step() -> None:
    """No step is dead."""
    assert set(STEPS.values()) == set(Step)


# In a running form


def test_4_1_8_keys_pressed_during_a_fetch_answer_the_next_fields(call: Call) -> None:
    """Type-ahead crosses documents and fields."""
    heard = call(
        """<form><field name="a" type="digits?length=1"><prompt>A</prompt></field>
        <field name="b" type="digits?length=1"><prompt>B</prompt></field>
        <block><exit namelist="a b"/></block></form>""",
        at=[(10, Digit(key="4")), (20, Digit(key="x")), (30, Digit(key="5"))],
    )
    assert heard.said == []
    assert heard.exit.values == (("a", "4"), ("b", "5"))


def test_4_1_5_barge_in_during_a_call(call: Call) -> None:
    """The key half a second into the prompt stops it and fills the field."""
    heard = call(
        "<form><field name='a' type='digits?length=1'><prompt>A</prompt><prompt>B</prompt></field></form>",
        at=[(550, Digit(key="4"))],
    )
    assert [ms for ms, effect in heard.timeline if isinstance(effect, StopPlay)] == [550]
    assert heard.timeline[-1] == (550, heard.exit)


def test_6_3_4_bargein_may_be_a_property(call: Call) -> None:
    """A prompt without the attribute takes the property of its field."""
    heard = call(
        """<form><field name="a" type="digits?length=1"><property name="bargein" value="false"/>
        <prompt>A</prompt></field></form>""",
        "7",
        at=[(550, Digit(key="4"))],
    )
    assert not any(isinstance(effect, StopPlay) for effect in heard.effects)
    assert [play.bargein for play in heard.plays] == [False]


def test_6_3_3_the_timing_properties_are_those_of_the_field(call: Call) -> None:
    """Interdigittimeout decides when a string of digits is over."""
    heard = call(
        """<property name="interdigittimeout" value="9s"/><form><field name="a" type="digits">
        <property name="interdigittimeout" value="600ms"/><filled><exit expr="a"/></filled></field></form>""",
        "12",
    )
    assert heard.exit.values == (("expr", "12"),)
    assert heard.timeline[-1][0] == 50 + 2 * 200 + 600


@pytest.mark.parametrize(
    ("name", "value"), [("timeout", "soon"), ("termchar", "##"), ("bargein", "maybe"), ("termtimeout", "-1s")]
)
def test_6_3_a_property_that_makes_no_sense_is_a_semantic_error(call: Call, name: str, value: str) -> None:
    """It is noticed when it is used, in a sentence that names it."""
    heard = call(f"""<form><property name="{name}" value="{value}"/>
      <field name="a" type="digits"><prompt>A</prompt></field></form>""")
    assert heard.exit.event == "error.semantic"
    assert name in heard.exit.message
