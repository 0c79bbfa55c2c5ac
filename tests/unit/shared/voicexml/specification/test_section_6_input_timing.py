"""When an input is over, and what counts as one (VoiceXML 2.0, 4.1.5, 4.1.8, 5.2.2, 6.3.2, 6.3.3 and Appendix D)."""

from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from shared.voicexml.events import Digit, Event, Said

Call = Callable[..., SimpleNamespace]

#: A name, a document, what the caller answers, what is logged, and what the caller does at some milliseconds: a
#: key, or words and how surely they were understood.
ROWS: list[tuple[Any, ...]] = [
    ("interdigit-expires-match-so-far", ("<form><property name='interdigittimeout' value='2s'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 '
      '<item repeat="0-1">2</item></rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["1"],
     [(100, "1"), (2500, "2")]),
    ("interdigit-in-time", ("<form><property name='interdigittimeout' value='2s'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 '
      '<item repeat="0-1">2</item></rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["12"],
     [(100, "1"), (1900, "2")]),
    ("interdigit-partial-nomatch", ("<form><property name='interdigittimeout' value='2s'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 2</rule></grammar>'
      '<filled><log expr="f"/></filled><catch event="nomatch noinput">'
      '<log expr="_event"/><exit/></catch></field></form>'), [], ["nomatch"], [(100, "1")]),
    ("termtimeout-waits", ("<form><property name='termtimeout' value='3s'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 2</rule></grammar>'
      '<filled><log expr="f"/></filled><catch event="nomatch noinput">'
      '<log expr="_event"/><exit/></catch></field></form>'), [], ["12"], [(100, "1"), (200, "2"), (400, "#")]),
    ("termtimeout-other-key-kept", ("<form><property name='termtimeout' value='3s'/><field name='f'>"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1</rule></grammar>'
      '<filled><log expr="\'f\'+f"/></filled></field><field name=\'g\'>'
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1</rule></grammar>'
      '<filled><log expr="\'g\'+g"/></filled></field></form>'), [], ["f1", "g1"], [(100, "1"), (300, "1")]),
    ("timeout-before-input", ("<form><property name='timeout' value='2s'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 '
      '<item repeat="0-1">2</item></rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["noinput"],
     [(2500, "1")]),
    ("timeout-0", ("<form><property name='timeout' value='0s'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 '
      '<item repeat="0-1">2</item></rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["noinput"],
     [(2500, "1")]),
    ("prompt-timeout-attr", ("<form><property name='timeout' value='1s'/><field name='f' >"
      '<prompt timeout=\'9s\'>x</prompt><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1 <item repeat="0-1">2</item></rule></grammar><filled>'
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), ["1"], ["1"], []),
    ("confidence-at-level-matches", ("<form><property name='confidencelevel' value='0.5'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log expr="f$.confidence"/></filled><catch event="nomatch noinput">'
      '<log expr="_event"/><exit/></catch></field></form>'), [], ["0.5"], [(100, "say:go", 0.5)]),
    ("confidence-below", ("<form><property name='confidencelevel' value='0.5'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), [], ["nomatch"], [(100, "say:go", 0.49)]),
    ("confidence-per-field", ("<form><property name='confidencelevel' value='0.9'/><field name='f' >"
      "<property name='confidencelevel' value='0.1'/>"
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), [], ["go"], [(100, "say:go", 0.49)]),
    ("words-while-keys-ignored", ('<form><field name=\'f\' ><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1 2</rule></grammar><grammar version="1.0" root="r" >'
      '<rule id="r">go</rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["12"],
     [(100, "1"), (200, "say:go"), (300, "2")]),
    ("hotword-nomatch-words-ignored-then-match", ("<form><field name='f' ><prompt bargeintype='hotword'>x</prompt>"
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), [], ["go"], [(200, "say:zzz"), (400, "say:go")]),
    ("hotword-keys-ignored-then-match", ("<form><field name='f' ><prompt bargeintype='hotword'>x</prompt>"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 2</rule></grammar>'
      '<filled><log expr="f"/></filled><catch event="nomatch noinput">'
      '<log expr="_event"/><exit/></catch></field></form>'), [], ["12"], [(200, "9"), (300, "1"), (400, "2")]),
    ("hotword-by-property", ("<form><property name='bargeintype' value='hotword'/><field name='f' >"
      '<prompt>x</prompt><grammar version="1.0" root="r" >'
      '<rule id="r">go</rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["go"],
     [(200, "say:zzz"), (400, "say:go")]),
    ("speech-barge-in-nomatch", ('<form><field name=\'f\' ><prompt>x</prompt><grammar version="1.0" root="r" >'
      '<rule id="r">go</rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["nomatch"],
     [(200, "say:zzz")]),
    ("bargein-false-ignores", ("<form><property name='bargein' value='false'/><field name='f' ><prompt>x</prompt>"
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), ["say:go"], ["go"], [(200, "say:zzz")]),
    ("typeahead-over-two-fields", ("<form><field name='f'><prompt>f</prompt>"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">'
      '<item repeat="2">1</item></rule></grammar><filled>'
      '<log expr="\'f\'+f"/></filled></field><field name=\'g\'><prompt>g</prompt>'
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">'
      '<item repeat="2">1</item></rule></grammar><filled>'
      '<log expr="\'g\'+g"/></filled></field></form>'), [], ["f11", "g11"],
     [(100, "1"), (150, "1"), (160, "1"), (170, "1")]),
    ("typeahead-cleared-by-non-bargein", ('<form><field name=\'f\'><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1</rule></grammar><filled><log expr="\'f\'"/></filled></field>'
      "<field name='g'><prompt bargein='false'>x</prompt>"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1</rule></grammar>'
      '<filled><log>g</log></filled><noinput><log>ni</log>'
      '<exit/></noinput></field></form>'), ["1"], ["f", "ni"], []),
    ("two-grammars-overlapping-lengths", ('<form><field name=\'f\' ><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1</rule></grammar><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1 2</rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["12"],
     [(100, "1"), (200, "2")]),
    ("two-grammars-overlapping-short-after-interdigit",
     ('<form><field name=\'f\' ><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1</rule></grammar><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1 2</rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["1"], [(100, "1")]),
    ("link-dtmf-longer-than-field", ("<link dtmf='12' event='x'/><form><catch event='x'><log>x</log><exit/></catch>"
      '<field name=\'f\' ><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1</rule></grammar><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), [], ["x"],
     [(100, "1"), (200, "2")]),
    ("termchar-none-star", ("<form><property name='termchar' value='*'/><field name='f' type='digits'><filled>"
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), ["12*"], ["12"], []),
    ("termchar-in-middle-of-digits-w", ('<form><field name=\'f\' type=\'digits\'><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'), ["12#34"], ["12"], []),
    ("termchar-letter-a", ("<form><property name='termchar' value='A'/><field name='f' type='digits'><filled>"
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), ["12A"], ["12"], []),
    ("termmaxdigits", ("<form><property name='termmaxdigits' value='3'/><field name='f' type='digits'>"
      '<filled><log expr="f"/></filled><catch event="nomatch noinput">'
      '<log expr="_event"/><exit/></catch></field></form>'), ["1234"], ["123"], []),
    ("inputmode-in-grammar-match-dtmf-only", ("<form><property name='inputmodes' value='dtmf'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1</rule></grammar>'
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log expr="f"/></filled><catch event="nomatch noinput"><log expr="_event"/>'
      '<exit/></catch></field></form>'), ["1"], ["1"], []),
    ("max-keys-64", ('<form><field name=\'f\' type=\'digits\'><filled><log expr="f"/></filled>'
      '<catch event="nomatch noinput"><log expr="_event"/><exit/></catch></field></form>'),
     ["1111111111111111111111111111111111111111111111111111111111111111111111"],
     ["1111111111111111111111111111111111111111111111111111111111111111"], []),
    ("noinput-then-nomatch-counters", ('<form><field name=\'f\'><grammar version="1.0" root="r" >'
      '<rule id="r">go</rule></grammar><noinput count=\'1\'><log>n1</log></noinput>'
      "<noinput count='2'><log>n2</log></noinput><nomatch count='1'>"
      "<log>m1</log></nomatch><nomatch count='2'><log>m2</log></nomatch><filled>"
      '<log>ok</log></filled></field></form>'), ["", "say:x", "", "say:x", "say:go"], ["n1", "m1", "n2", "m2", "ok"],
     []),
    ("counters-reset-on-reentry-of-form", ('<form id=\'a\'><field name=\'f\'><grammar version="1.0" root="r" >'
      '<rule id="r">go</rule></grammar><nomatch count=\'1\'><log>m1</log></nomatch>'
      '<nomatch count=\'2\'><log>m2</log></nomatch><filled><if cond="f == \'go\'">'
      "<log>ok</log><clear namelist='f'/><throw event='again'/></if></filled></field>"
      "<catch event='again' count='1'><goto next='#a'/></catch></form>"), ["say:x", "say:go", "say:x", "hangup"],
     ["m1", "ok", "m1"], []),
]  # fmt: skip


def happen(moments: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Event]]:
    """Make events of moments."""
    for at_ms, what, *confidence in moments:
        if what.startswith("say:"):
            said = Said(text=what.removeprefix("say:"), confidence=confidence[0] if confidence else 1.0)
            yield at_ms, said
        else:
            yield at_ms, Digit(key=what)


def different(call: Call) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the logs of each call that logs something else than its row says."""
    for name, content, answers, logs, moments in ROWS:
        found: list[str] = call(content, *answers, at=happen(moments)).logs
        if found != logs:
            yield name, found


def test_an_input_is_over_when_the_specification_says(call: Call) -> None:
    """By its timers, its keys and its confidence; in the specification's own order of precedence."""
    assert dict(different(call)) == {}
