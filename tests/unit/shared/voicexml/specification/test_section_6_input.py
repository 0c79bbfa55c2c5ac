"""Input properties, universal commands and n-best lists (VoiceXML 2.0, 5.1.5 and 6.3), one case per requirement."""

from typing import Any

from tests.unit.shared.voicexml.grammar_calls import Call, Wrap, different

HEARD: list[tuple[Any, ...]] = [
    ("6.3.6-none", ("<form><property name='universals' value='none'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar>'
      "<catch event='help nomatch'><log expr='_event'/><exit/></catch></field></form>"), ["say:help"], ["nomatch"]),
    ("6.3.6-help", ("<form><property name='universals' value='help'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar>'
      "<catch event='help nomatch'><log expr='_event'/><exit/></catch></field></form>"), ["say:help"], ["help"]),
    ("6.3.6-all", ("<form><property name='universals' value='all'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar>'
      "<catch event='cancel nomatch'><log expr='_event'/><exit/></catch></field></form>"), ["say:cancel"],
     ["cancel"]),
    ("6.3.6-list", ("<form><property name='universals' value='help exit'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar>'
      "<catch event='exit nomatch'><log expr='_event'/><exit/></catch></field></form>"), ["say:exit"], ["exit"]),
    ("6.3.6-not-listed", ("<form><property name='universals' value='help exit'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar>'
      "<catch event='cancel nomatch'><log expr='_event'/><exit/></catch></field></form>"), ["say:cancel"],
     ["nomatch"]),
    ("6.3.6-default-none", ('<form><field name=\'f\'><grammar version="1.0" root="r" >'
      '<rule id="r">never</rule></grammar><catch event=\'help nomatch\'>'
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:help"], ["nomatch"]),
    ("6.3.6-exit-default-ends", ("<form><property name='universals' value='all'/><field name='f'>"
      '<grammar version="1.0" root="r" >'
      '<rule id="r">never</rule></grammar></field></form>'), ["say:exit"], []),
    ("6.3.6-cancel-default-no-op", ("<form><property name='universals' value='all'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">go</rule></grammar><filled>'
      '<log>x</log></filled></field></form>'), ["say:cancel", "say:go"], ["x"]),
    ("6.3.6-lower-than-document", ('<link event=\'x\'><grammar version="1.0" root="r" >'
      '<rule id="r">help</rule></grammar></link><form>'
      "<property name='universals' value='all'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar></field>'
      "<catch event='x help'><log expr='_event'/><exit/></catch></form>"), ["say:help"], ["x"]),
    ("6.3.6-lastresult", ("<form><property name='universals' value='help'/><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">never</rule></grammar>'
      "<catch event='help nomatch'><log expr='application.lastresult$.utterance'/>"
      '<exit/></catch></field></form>'), ["say:help"], ["help"]),
    ("6.3.6-inputmodes-dtmf-speech-ignored", ("<form><property name='inputmodes' value='dtmf'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1</rule></grammar>'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["noinput"]),
    ("6.3.6-inputmodes-voice-dtmf-ignored", ("<form><property name='inputmodes' value='voice'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1"], ["noinput"]),
    ("6.3.6-inputmodes-both", ("<form><property name='inputmodes' value='voice dtmf'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1"], ["nomatch"]),
    ("6.3.6-inputmodes-bad", ("<form><property name='inputmodes' value='telepathy'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1"], ["error.semantic"]),
    ("6.3.2-completetimeout-accepted", ("<form><property name='completetimeout' value='500ms'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-incompletetimeout", ("<form><property name='incompletetimeout' value='1s'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-maxspeechtimeout", ("<form><property name='maxspeechtimeout' value='10s'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-sensitivity", ("<form><property name='sensitivity' value='0.5'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-speedvsaccuracy", ("<form><property name='speedvsaccuracy' value='0.3'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-confidencelevel", ("<form><property name='confidencelevel' value='0.3'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-maxnbest", ("<form><property name='maxnbest' value='3'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-grammarmaxage", ("<form><property name='grammarmaxage' value='10'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-grammarmaxstale", ("<form><property name='grammarmaxstale' value='5'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-grammarfetchhint", ("<form><property name='grammarfetchhint' value='safe'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3-accepted-com.acme.x", ("<form><property name='com.acme.x' value='y'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["one"]),
    ("6.3.2-confidence-bad", ("<form><property name='confidencelevel' value='2'/><field name='f' >"
      '<grammar version="1.0" root="r" ><rule id="r">one</rule></grammar><filled>'
      "<log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["say:one"], ["error.semantic"]),
    ("6.3.3-termchar", ('<form><property name=\'termchar\' value=\'*\'/><field name=\'f\' type="digits">'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["12*"], ["12"]),
    ("6.3.3-termchar-empty", ('<form><property name=\'termchar\' value=\'\'/><field name=\'f\' type="digits">'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["12#"], ["nomatch"]),
    ("6.3.3-termchar-alone", ('<form><property name=\'termchar\' value=\'#\'/><field name=\'f\' type="digits">'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["#"], ["nomatch"]),
    ("6.3.3-termchar-in-grammar", ("<form><property name='termchar' value='#'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 #</rule></grammar>'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1#"], ["1#"]),
    ("6.3.3-termchar-in-grammar-optional", ("<form><property name='termchar' value='#'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 '
      '<item repeat="0-1">#</item></rule></grammar><filled><log expr=\'f\'/></filled>'
      "<catch event='nomatch noinput error.semantic'><log expr='_event'/>"
      '<exit/></catch></field></form>'), ["1#"], ["1#"]),
    ("6.3.3-termchar-bad", ('<form><property name=\'termchar\' value=\'x\'/><field name=\'f\' type="digits">'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1#"], ["error.semantic"]),
    ("6.3.3-termchar-before-complete", ("<form><property name='termchar' value='#'/><field name='f' >"
      '<grammar version="1.0" root="r" mode="dtmf" ><rule id="r">1 2</rule></grammar>'
      "<filled><log expr='f'/></filled><catch event='nomatch noinput error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1#"], ["nomatch"]),
    ("6.3.3-utterance-without-termchar",
     ('<form><property name=\'termchar\' value=\'#\'/><field name=\'f\' type="digits">'
      "<filled><log expr='f$.utterance'/></filled>"
      "<catch event='nomatch noinput error.semantic'><log expr='_event'/>"
      '<exit/></catch></field></form>'), ["12#"], ["12"]),
    ("6.3.3-digits-max", ("<form><property name='termchar' value='#'/>"
      '<field name=\'f\' type="digits?maxlength=2"><filled><log expr=\'f\'/></filled>'
      "<catch event='nomatch noinput error.semantic'><log expr='_event'/>"
      '<exit/></catch></field></form>'), ["12"], ["12"]),
    ("d-any-nomatch-key-then-rest", ('<form><field name=\'f\'><grammar version="1.0" root="r" mode="dtmf" >'
      '<rule id="r">1 2</rule></grammar><nomatch><log>nm</log></nomatch><filled>'
      "<log expr='f'/></filled></field></form>"), ["13", "12"], ["nm", "12"]),
    ("sub-grammars-not-inherited", ('<link event=\'x\'><grammar version="1.0" root="r" >'
      '<rule id="r">go</rule></grammar></link><form>'
      "<subdialog name='s' src='#b'/></form><form id='b'><field name='f'>"
      '<grammar version="1.0" root="r" ><rule id="r">q</rule></grammar><nomatch>'
      "<log>nm</log><exit/></nomatch></field></form><catch event='x'><log>x</log>"
      '<exit/></catch>'), ["say:go"], ["x"]),
    ("maxnbest-default", ("<form><property name='maxnbest' value='1'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>'
      '<item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item><item>a'
      '<tag>out=3;</tag></item></one-of></rule></grammar><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["1[1]1"]),
    ("maxnbest-2", ("<form><property name='maxnbest' value='2'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>'
      '<item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item><item>a'
      '<tag>out=3;</tag></item></one-of></rule></grammar><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["2[1,2]1"]),
    ("maxnbest-5", ("<form><property name='maxnbest' value='5'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>'
      '<item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item><item>a'
      '<tag>out=3;</tag></item></one-of></rule></grammar><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["3[1,2,3]1"]),
    ("maxnbest-distinct", ("<form><property name='maxnbest' value='5'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>'
      '<item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item><item>a'
      '<tag>out=2;</tag></item></one-of></rule></grammar><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["2[1,2]1"]),
    ("maxnbest-two-grammars", ("<form><property name='maxnbest' value='5'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r">a'
      '<tag>out=1;</tag></rule></grammar>'
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r">a'
      '<tag>out=2;</tag></rule></grammar><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["2[1,2]1"]),
    ("maxnbest-bad", ("<form><property name='maxnbest' value='x'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>'
      '<item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item><item>a'
      '<tag>out=3;</tag></item></one-of></rule></grammar><catch event="error.semantic">'
      '<log>es</log><exit/></catch><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["es"]),
    ("maxnbest-0", ("<form><property name='maxnbest' value='0'/><field name='f'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><rule id="r"><one-of>'
      '<item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item><item>a'
      '<tag>out=3;</tag></item></one-of></rule></grammar><filled>'
      '<log expr="application.lastresult$.length + '
      'JSON.stringify(application.lastresult$.map(function(r) { return '
      'r.interpretation; })) + JSON.stringify(f)"/></filled></field></form>'), ["say:a"], ["1[1]1"]),
]  # fmt: skip


def test_6_3_what_the_input_properties_do(call: Call, wrap: Wrap) -> None:
    """Each is accepted, and those that matter over text and keys are obeyed."""
    assert dict(different(call, wrap, HEARD)) == {}
