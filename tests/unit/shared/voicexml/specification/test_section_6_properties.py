"""Recordings that keys end, properties, and how things are fetched (VoiceXML 2.0, 2.3.6 and 6)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from shared.voicexml import effects, events

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

URL = "http://app.example/start.vxml"
NEXT = "http://app.example/next.vxml"

FOUR_TWO = "<grammar mode='dtmf' version='1.0' root='r'><rule id='r'>4 2</rule></grammar>"
RECORD = "<form><link event='x'>{link}</link><record name='r' {attributes}>{own}<filled><log expr=\"{log}\"/></filled>"
RECORD += "</record><catch event='x'><log expr=\"'link ' + typeof r\"/><exit/></catch></form>"


@pytest.mark.parametrize(
    ("attributes", "own", "link", "keys", "log"),
    [
        ("", "", "", "5", "5"),
        ("dtmfterm='false'", "", "", "5", "undefined"),
        ("dtmfterm='false'", FOUR_TWO, "", "42", "undefined42dtmf"),
        ("", FOUR_TWO, "", "45", "5"),
        ("modal='false'", "", FOUR_TWO, "42", "link undefined"),
        ("modal='true' dtmfterm='false'", "", FOUR_TWO, "42", "undefined"),
        ("modal='true'", "", FOUR_TWO, "42", "4"),
    ],
)
def test_2_3_6_keys_end_a_recording(
    call: Call, attributes: str, own: str, link: str, keys: str, log: str
) -> None:
    """Any key if dtmfterm says so; else those of the item's grammars, and if not modal of all the others."""
    never = "<grammar version='1.0' root='r'><rule id='r'>never</rule></grammar>"
    shown = "r$.termchar + (r$.utterance || '') + (r$.inputmode || '')"
    form = RECORD.format(attributes=attributes, own=own, link=link or never, log=shown)
    pressed = [(300 + 100 * place, events.Digit(key=key)) for place, key in enumerate(keys)]
    assert call(form, at=pressed).logs == [log]


def test_2_3_6_a_recording_is_described_by_its_shadow_variables(call: Call) -> None:
    """duration, size, termchar and maxtime."""
    heard = call(
        "<form><record name='r' maxtime='20s' finalsilence='2s' beep='true' type='audio/x-wav'><filled>"
        "<log expr=\"[r$.duration, r$.size, r$.termchar, r$.maxtime].join(' ')\"/></filled></record></form>",
        "silence",
    )
    assert heard.logs == ["5000 40000  false"]
    (record,) = [effect for effect in heard.effects if isinstance(effect, effects.Record)]
    assert (record.max_time_ms, record.final_silence_ms, record.beep) == (20_000, 2_000, True)


def test_4_1_8_keys_behind_the_one_that_ends_a_recording_are_for_the_next_input(call: Call) -> None:
    """They were typed ahead, even if the host has not yet said that the recording is over."""
    form = """<form><record name="r"><filled><log expr="r$.termchar"/></filled></record>
    <field name="f" type="digits?length=2"><prompt>P</prompt><filled><log expr="f"/></filled></field></form>"""
    pressed = [(moment_ms, events.Digit(key=key)) for moment_ms, key in ((300, "5"), (310, "1"), (320, "2"))]
    assert call(form, at=pressed).logs == ["5", "12"]


def test_2_3_6_a_type_that_cannot_be_recorded(call: Call) -> None:
    """error.unsupported.format, before anybody speaks in vain."""
    assert call("<form><record name='r' type='video/x'/></form>").exit.event == "error.unsupported.format"


def test_2_3_7_what_the_caller_hears_during_a_transfer_has_an_absolute_address(
    call: Call, wrap: Wrap
) -> None:
    """Transferaudio is resolved like any other address."""
    heard = call(
        {
            URL: wrap(
                "<form><transfer dest='tel:+1' bridge='true' transferaudio='ring.wav' maxtime='60s' "
                "connecttimeout='9s'/></form>"
            )
        }
    )
    (transfer,) = [effect for effect in heard.effects if isinstance(effect, effects.Transfer)]
    assert transfer.audio == "http://app.example/ring.wav"
    assert (transfer.max_time_ms, transfer.connect_timeout_ms) == (60_000, 9_000)


@pytest.mark.parametrize(
    ("document", "form", "field", "timeout_ms"),
    [
        ("1s", None, None, 1_000),
        ("1s", "2s", None, 2_000),
        ("1s", "2s", "3s", 3_000),
        (None, None, None, 5_000),
    ],
)
def test_6_3_the_innermost_property_holds(
    call: Call, wrap: Wrap, document: str | None, form: str | None, field: str | None, timeout_ms: int
) -> None:
    """Document, form, item: from the outside in."""

    def setting(value: str | None) -> str:
        return f"<property name='timeout' value='{value}'/>" if value else ""

    heard = call(
        {
            URL: wrap(
                f"{setting(document)}<form>{setting(form)}<field name='f'>{setting(field)}<option dtmf='1'>one</option>"
                "<noinput><exit/></noinput></field></form>"
            )
        }
    )
    assert next(each.timeout_ms for each in heard.effects if isinstance(each, effects.Listen)) == timeout_ms


def test_6_3_1_properties_that_are_not_known_are_passed_over(call: Call) -> None:
    """Also those of recognisers, which say nothing to keys."""
    names = ["x.vendor", "confidencelevel", "sensitivity", "speedvsaccuracy", "completetimeout", "maxnbest"]
    content = "".join(f"<property name='{name}' value='0.5'/>" for name in names)
    assert call(content + "<form><block><log>on</log></block></form>").logs == ["on"]


@pytest.mark.parametrize(
    ("element", "ages"),
    [
        ("<goto next='next.vxml' maxage='10' maxstale='20'/>", (10, 20)),
        ("<goto next='next.vxml' maxage='0'/>", (0, 5)),
        ("<goto next='next.vxml'/>", (60, 5)),
        ("<submit next='next.vxml' maxstale='1s'/>", (60, 1)),
    ],
)
def test_6_1_2_how_old_a_copy_may_be(call: Call, wrap: Wrap, element: str, ages: tuple[int, int]) -> None:
    """By the element's attributes, else by the properties."""
    heard = call(
        {
            URL: wrap(
                "<property name='documentmaxage' value='60'/><property name='documentmaxstale' value='5'/>"
                f"<form><block>{element}</block></form>"
            ),
            NEXT: wrap("<form><block/></form>"),
        }
    )
    assert (heard.fetches[-1].max_age_s, heard.fetches[-1].max_stale_s) == ages


@pytest.mark.parametrize(("attribute", "timeout_ms"), [("fetchtimeout='3s'", 3_000), ("", 9_000)])
def test_6_1_1_how_long_a_fetch_may_take(call: Call, wrap: Wrap, attribute: str, timeout_ms: int) -> None:
    """By the element's attribute, else by the property."""
    heard = call(
        {
            URL: wrap(
                "<property name='fetchtimeout' value='9s'/>"
                f"<form><block><goto next='next.vxml' {attribute}/></block></form>"
            ),
            NEXT: wrap("<form><block/></form>"),
        }
    )
    assert heard.fetches[-1].timeout_ms == timeout_ms


def test_6_1_3_the_base_of_a_document_is_where_its_addresses_start(call: Call, wrap: Wrap) -> None:
    """xml:base of vxml."""
    heard = call(
        {
            URL: wrap(
                "<form><block><goto next='next.vxml'/></block></form>", "xml:base='http://other.example/d/'"
            ),
            "http://other.example/d/next.vxml": wrap("<form><block><log>there</log></block></form>"),
        }
    )
    assert heard.logs == ["there"]


def test_6_2_meta_says_nothing_to_a_call(call: Call) -> None:
    """Wherever they may stand."""
    content = (
        "<meta name='author' content='A'/><meta http-equiv='Expires' content='0'/><metadata>"
        "<x xmlns='urn:x'/></metadata>"
    )
    assert call(content + "<form><block><log>on</log></block></form>").logs == ["on"]


@pytest.mark.parametrize(
    ("time", "timeout_ms"), [("3s", 3_000), ("850ms", 850), ("0.7s", 700), (".5s", 500), ("+1.5s", 1_500)]
)
def test_6_5_times(call: Call, time: str, timeout_ms: int) -> None:
    """Seconds and milliseconds, with a fraction and a plus sign if need be."""
    heard = call(
        f"<form><field name='f'><option>x</option><prompt timeout='{time}'>P</prompt><noinput><exit/>"
        f"</noinput></field></form>"
    )
    assert next(each.timeout_ms for each in heard.effects if isinstance(each, effects.Listen)) == timeout_ms


def test_6_3_3_a_further_property_ends_an_input_after_so_many_keys(call: Call) -> None:
    """termmaxdigits, as Plum has it: the input is over without waiting for another key."""
    heard = call(
        "<form><property name='termmaxdigits' value='3'/><field name='f' type='digits'><filled><log expr='f'/></filled>"
        "</field></form>",
        "1234",
    )
    assert heard.logs == ["123"]


@pytest.mark.parametrize(
    ("modes", "answer", "log"),
    [
        ("dtmf", "say:one", "noinput"),
        ("voice", "1", "noinput"),
        ("voice", "say:one", "one"),
        ("dtmf", "1", "one"),
        ("voice dtmf", "7", "nomatch"),
    ],
)
def test_6_3_6_what_is_not_among_the_input_modes_is_no_input(
    call: Call, modes: str, answer: str, log: str
) -> None:
    """It is neither a match nor a nomatch: nobody listens to it."""
    heard = call(
        f"<form><property name='inputmodes' value='{modes}'/><field name='f'><option dtmf='1'>one</option>"
        "<filled><log expr='f'/></filled><catch event='noinput nomatch'><log expr='_event'/><exit/></catch>"
        "</field></form>",
        answer,
    )
    assert heard.logs == [log]
