"""What stops a prompt (VoiceXML 2.0, 4.1.5), one case per requirement."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml.effects import StopPlay
from shared.voicexml.events import Digit, Event, Said

Call = Callable[..., SimpleNamespace]

#: In the midst of the only prompt, which takes a second.
DURING_MS = 500
#: In the time that an input may take, which begins after it.
AFTER_MS = 1_500

GRAMMAR = '<grammar version="1.0" root="r"><rule id="r">yes</rule></grammar>'
FORM = (
    '<form><field name="f" type="digits?length=2"><prompt{}>A</prompt>'
    + GRAMMAR
    + '<filled><log expr="f"/></filled><catch event="noinput nomatch"><log expr="_event"/><exit/></catch>'
    + "</field></form>"
)
HOTWORD = FORM.format(' bargeintype="hotword"')


def keys(*pressed: tuple[int, str]) -> list[tuple[int, Event]]:
    """Press keys at these moments."""
    return [(at_ms, Digit(key=key)) for at_ms, key in pressed]


def stopped(heard: SimpleNamespace) -> bool:
    """Tell whether the prompt was cut short."""
    return any(isinstance(effect, StopPlay) for effect in heard.effects)


def test_4_1_5_1_hotword_waits_for_a_match(call: Call) -> None:
    """The first of two keys stops nothing, the second one does."""
    heard = call(HOTWORD, at=keys((DURING_MS, "1"), (DURING_MS + 200, "2")))
    assert heard.logs == ["12"]
    moments = [at_ms for at_ms, effect in heard.timeline if isinstance(effect, StopPlay)]
    assert moments == [DURING_MS + 200]


@pytest.mark.parametrize("moment_ms", [DURING_MS, AFTER_MS])
def test_4_1_5_1_hotword_passes_over_keys_that_do_not_match(call: Call, moment_ms: int) -> None:
    """There is no nomatch, neither during the prompt nor during the timeout; what comes next counts."""
    later = moment_ms + 400
    heard = call(HOTWORD, at=keys((moment_ms, "*"), (later, "1"), (later + 100, "2")))
    assert heard.logs == ["12"]


def test_4_1_5_1_hotword_passes_over_words_that_do_not_match(call: Call) -> None:
    """The prompt goes on, and what is said after it counts."""
    heard = call(HOTWORD, at=[(DURING_MS, Said(text="no")), (AFTER_MS, Said(text="yes"))])
    assert heard.logs == ["yes"]
    assert not stopped(heard)


def test_4_1_5_1_hotword_is_stopped_by_words_that_match(call: Call) -> None:
    """At once."""
    heard = call(HOTWORD, at=[(DURING_MS, Said(text="yes"))])
    assert heard.logs == ["yes"]
    assert stopped(heard)


def test_4_1_5_1_keys_that_come_to_nothing_are_no_input_for_hotword(call: Call) -> None:
    """A single key of two is a noinput when the time is over."""
    assert call(HOTWORD, at=keys((DURING_MS, "1"))).logs == ["noinput"]


def test_4_1_5_1_a_match_that_may_go_on_stops_the_prompt_and_waits_for_more(call: Call) -> None:
    """The rest comes by the usual timing; a key that no longer matches ends it without a nomatch."""
    form = HOTWORD.replace("digits?length=2", "digits?minlength=2")
    pressed = keys((100, "1"), (200, "2"), (300, "3"), (400, "*"))
    assert call(form, at=pressed).logs == ["noinput"]
    assert call(form, at=pressed[:-1]).logs == ["123"]


def test_4_1_5_1_without_it_the_first_key_stops_the_prompt(call: Call) -> None:
    """`speech` is what holds where nothing is said."""
    for form in (FORM.format(""), FORM.format(' bargeintype="speech"')):
        heard = call(form, at=keys((DURING_MS, "*")))
        assert heard.logs == ["nomatch"]
        assert stopped(heard)


def test_6_3_4_the_property_says_it_for_prompts_that_do_not(call: Call) -> None:
    """A prompt's own attribute goes first; without any prompt the property alone counts."""
    given = '<property name="bargeintype" value="hotword"/>'
    by_property = FORM.format("").replace("<form>", "<form>" + given)
    assert call(by_property, at=keys((DURING_MS, "*"))).logs == ["noinput"]
    own = FORM.format(' bargeintype="speech"').replace("<form>", "<form>" + given)
    assert call(own, at=keys((DURING_MS, "*"))).logs == ["nomatch"]
    silent = by_property.replace("<prompt>A</prompt>", "")
    assert call(silent, at=keys((DURING_MS, "*"))).logs == ["noinput"]


def test_4_1_5_1_another_type_is_no_type(call: Call) -> None:
    """As an attribute it makes the document invalid, as a property it is a semantic error."""
    assert call(FORM.format(' bargeintype="none"')).exit.event == "error.badfetch"
    given = '<form><property name="bargeintype" value="none"/>'
    assert call(FORM.format("").replace("<form>", given)).exit.event == "error.semantic"
