"""Grammars in force, what a match fills, and what is known of it (VoiceXML 2.0, 2.2 to 2.5, 3.1 and 5.1.5)."""

from typing import Any

from tests.unit.shared.voicexml.grammar_calls import (
    OTHERWISE,
    Call,
    Wrap,
    different,
    external,
    field,
    item,
    keys,
    leaf,
    rule,
    says,
)

JSON = "JSON.stringify"
MODAL, NOT_MODAL, NEVER_VISITED = "modal='true'", "modal='false'", "cond='false'"
SLOT_DEEP, SLOT_A = "slot='b.c.d'", "slot='a'"
NOMATCH, BAD_FETCH = "nomatch", "error.badfetch"


ONES = keys('<item repeat="1-">1</item>')
SIMPLE = says("go", "out='x';")
SEVERAL = says("go", "out.a='1'; out.b={c:{d:'2'}};")
SHADOW = "[f$.utterance, f$.inputmode, f$.confidence, JSON.stringify(f$.interpretation)].join('/')"
FIRST = "application.lastresult$[0]"
RESULT = (
    f"[application.lastresult$.length, {FIRST}.utterance, {FIRST}.inputmode, {FIRST}.confidence, "
    f"JSON.stringify({FIRST}.interpretation)].join('/')"
)


HEARD: list[tuple[Any, ...]] = [
    ("3.1.1-src-inline", field('<grammar src="g.grxml"><rule id="r">a</rule></grammar>'), ["say:a"], ["error.badfetch"]),  # noqa: E501 - a document in one piece
    ("3.1.1-none", field("<grammar/>"), ["say:a"], ["error.badfetch"]),
    ("3.1.1-srcexpr-src", field('<grammar src="g.grxml" srcexpr="\'x\'"/>'), ["say:a"], ["error.badfetch"]),
    ("3.1.1-type-xml-params", field('<grammar type="application/srgs+xml; charset=utf-8" src="g.grxml"/>'),
     ["say:x"], ['"x"'], {"g.grxml": external('<rule id="m">x</rule>')}),
    ("3.1.1-type-abnf-for-xml-file-hint", field('<grammar type="application/srgs" src="g.grxml"/>'), ["say:x"],
     ['"x"'], {"g.grxml": external('<rule id="m">x</rule>')}),
    ("3.1.1-type-unsupported-inline", field('<grammar type="text/x-foo">a</grammar>'), ["say:x"],
     ["error.unsupported.format"]),
    ("3.1.1-type-case", field(rule("a", "", 'type="Application/SRGS+XML"')), ["say:a"], ['"a"']),
    ("3.1.1-mode-conflict-ext", field('<grammar mode="dtmf" src="g.grxml"/>'), ["say:x"], [BAD_FETCH],
     {"g.grxml": external('<rule id="m">x</rule>', mode='mode="voice"')}),
    ("3.1.1-mode-conflict-ext2", field('<grammar mode="voice" src="g.grxml"/>'), ["1"], [BAD_FETCH],
     {"g.grxml": external('<rule id="m">1</rule>', mode='mode="dtmf"')}),
    ("3.1.1-mode-invalid-ext", field('<grammar mode="touch" src="g.grxml"/>'), ["1"], [BAD_FETCH],
     {"g.grxml": external('<rule id="m">1</rule>', mode='mode="dtmf"')}),
    ("3.1.1-xml-lang", field(rule("a", "", 'xml:lang="en-US"')), ["say:a"], ['"a"']),
    ("3.1.1-weight", field(rule("a", "", 'weight="0.5"')), ["say:a"], ['"a"']),
    ("3.1.1-xml-base-inline", field(
      '<grammar version="1.0" root="r" xml:base="http://app.example/d/"><rule id="r">'
      '<ruleref uri="h.grxml"/></rule></grammar>'), ["say:y"], ['"y"'],
     {"d/h.grxml": external('<rule id="m">y</rule>')}),
    ("3.1.1-xml-base-src", field('<grammar src="h.grxml" xml:base="http://app.example/d/"/>'), ["say:y"], ['"y"'],
     {"d/h.grxml": external('<rule id="m">y</rule>')}),
    ("3.1.1-srcexpr-evaluated-each-visit", ('<form><var name=\'n\' expr="\'g\'"/><field name=\'f\'>'
      '<grammar srcexpr="n + \'.grxml\'"/><nomatch>'
      '<assign name=\'n\' expr="\'h\'"/></nomatch><filled>'
      "<log expr='f'/></filled></field></form>"), ["say:y", "say:y"], ["y"], {
      "g.grxml": external('<rule id="m">x</rule>'),
      "h.grxml": external('<rule id="m">y</rule>')}),
    ("3.1.1-srcexpr-undefined", field('<grammar srcexpr="undefined"/>'), ["say:y"], ["error.badfetch.http.404"]),
    ("3.1.1-src-with-only", field('<grammar src="#r"/>'), ["say:y"], [BAD_FETCH]),
    ("3.1.1-fetchtimeout-etc-accepted",
     field('<grammar src="g.grxml" fetchtimeout="3s" fetchhint="safe" maxage="10" maxstale="5"/>'), ["say:x"],
     ['"x"'], {"g.grxml": external('<rule id="m">x</rule>')}),
    ("3.1.1-fetch-failed", field('<grammar src="g.grxml"/>'), ["say:x"], ["error.badfetch"],
     {"g.grxml": "fail:timeout"}),
    ("3.1.1-http-500", field('<grammar src="g.grxml"/>'), ["say:x"], ["error.badfetch.http.500"], {"g.grxml": 500}),
    ("3.1.2-dtmf-in-field", field(keys("1")), ["1"], ['"1"']),
    ("3.1.2-both-modes", field(keys("1") + rule("one")), ["say:one"], ['"one"']),
    ("3.1.2-both-modes2", field(keys("1") + rule("one")), ["1"], ['"1"']),
    ("3.1.2-inline-with-prefix-ns", ("<form><field name='f'>"
      "<g:grammar xmlns:g='http://www.w3.org/2001/06/grammar' version='1.0' root='r'>"
      "<g:rule id='r'>a</g:rule></g:grammar><filled>"
      "<log expr='f'/></filled></field></form>"), ["say:a"], ["a"]),
    ("3.1.3-field-grammar-scope-attr",
     field('<grammar scope="dialog" version="1.0" root="r"><rule id="r">a</rule></grammar>'), ["say:a"], ["error.badfetch"]),  # noqa: E501 - a document in one piece
    ("3.1.3-form-grammar-active-in-its-field", f"<form>{says('go', 'out.f=1;')}{item()}{OTHERWISE}</form>",
     ["say:go"], ["f=1"]),
    ("3.1.3-form-grammar-not-in-another-form",
     (f"<form id='a'><block><goto next='#b'/></block>{says('go', 'out.f=1;')}{item()}"
      f"</form><form id='b'>{item()}{OTHERWISE}</form>"), ["say:go"], ["nomatch"]),
    ("3.1.3-field-grammar-not-in-other-field",
     f"<form>{item('a', rule('x'))}{item('b', rule('y'))}{OTHERWISE}</form>", ["say:x", "say:x"],
     ['a="x"', "nomatch"]),
    ("3.1.3-doc-form-grammar", (f"<form id='a'>{item()}{OTHERWISE}</form><form id='b' scope='document'>"
      f"{says('go', 'out.g=1;')}{item('g')}{OTHERWISE}</form>"), ["say:go"], ["g=1"]),
    ("3.1.3-modal-blocks-form", f"<form>{says('go', 'out.f=1;')}{item(attributes=MODAL)}{OTHERWISE}</form>",
     ["say:go"], ["nomatch"]),
    ("3.1.3-modal-blocks-doc", (f"<form id='a'>{item(attributes=MODAL)}{OTHERWISE}"
      f"</form><form id='b' scope='document'>{says('go', 'out.g=1;')}{item('g')}</form>"), ["say:go"], ["nomatch"]),
    ("3.1.3-modal-blocks-link",
     (f"<link event='x'>{rule('go')}</link><form id='a'>{item(attributes=MODAL)}{OTHERWISE}"
      "</form>"), ["say:go"], ["nomatch"]),
    ("3.1.3-modal-keeps-field-link", (f"<form id='a'><field name='f' modal='true'>{rule('never')}<link event='x'>"
      f"{rule('go')}</link></field><catch event='x'><log>x</log><exit/></catch>{OTHERWISE}"
      "</form>"), ["say:go"], ["x"]),
    ("3.1.3-modal-blocks-universals",
     (f"<form><property name='universals' value='all'/>{item(attributes=MODAL)}{OTHERWISE}"
      "<help><log>help</log><exit/></help></form>"), ["say:help"], ["nomatch"]),
    ("3.1.3-modal-false", f"<form>{says('go', 'out.f=1;')}{item(attributes=NOT_MODAL)}{OTHERWISE}</form>",
     ["say:go"], ["f=1"]),
    ("3.1.3-modal-own-ok", (f"<form>{says('go', 'out.f=1;')}{item(heard=rule('own'), attributes=MODAL)}{OTHERWISE}"
      "</form>"), ["say:own"], ['f="own"']),
    ("3.1.4-dtmf-only-heard-by-dtmf", f"<form>{says('1', 'out.f=1;', mode='dtmf')}{item()}{OTHERWISE}</form>", ["1"],
     ["f=1"]),
    ("3.1.4-field-before-form",
     f"<form>{says('go', 'out.f=1;')}{item(heard=says('go', 'out=2;'))}{OTHERWISE}</form>", ["say:go"], ["f=2"]),
    ("3.1.4-field-link-before-form",
     (f"<form>{says('go', 'out.f=1;')}<field name='f'>{rule('never')}<link event='x'>"
      f"{rule('go')}</link></field><catch event='x'><log>x</log><exit/></catch></form>"), ["say:go"], ["x"]),
    ("3.1.4-doc-order-in-field", field(says("go", "out=1;") + says("go", "out=2;")), ["say:go"], ["1"]),
    ("3.1.4-form-doc-order-grammar-link",
     f"<form>{says('go', 'out.f=1;')}<link event='x'>{rule('go')}</link>{item()}</form>", ["say:go"], ["f=1"]),
    ("3.1.4-form-doc-order-link-grammar",
     (f"<form><link event='x'>{rule('go')}</link>{says('go', 'out.f=1;')}{item()}"
      "<catch event='x'><log>x</log><exit/></catch></form>"), ["say:go"], ["x"]),
    ("3.1.4-form-before-doc-link",
     f"<link event='x'>{rule('go')}</link><form>{says('go', 'out.f=1;')}{item()}</form>", ["say:go"], ["f=1"]),
    ("3.1.4-form-before-other-doc-form", f"<form id='b' scope='document'>{says('x', 'out.q=1;')}{item('q')}</form>",
     ["say:x"], ["q=1"]),
    ("3.1.4-filled-other-form-then-select",
     (f"<form id='a'>{item()}</form><form id='b' scope='document'>{says('go', 'out.g=1;')}"
      f"{item('g')}{item('h', rule('hh'))}</form>"), ["say:go", "say:hh"], ["g=1", 'h="hh"']),
    ("3.1.4-other-form-no-slot-matched",
     (f"<form id='a'>{item()}</form><form id='b' scope='document'>{says('go', 'out.zz=1;')}"
      f"{item('g', rule('gg'))}</form>"), ["say:go", "say:gg"], ['g="gg"']),
    ("3.1.3-root-link-in-leaf", leaf(f"<form>{item()}</form>"), ["say:rootlink"], ["x in root"]),
    ("3.1.3-root-form-in-leaf", leaf(f"<form>{item()}</form>"), ["say:rootform"], ["g=1"]),
    ("3.1.3-leaf-doc-before-root", leaf(
      f"<link event='y'>{rule('rootlink')}</link><form>{item()}"
      "<catch event='y'><log>y</log><exit/></catch></form>"), ["say:rootlink"], ["y"]),
    ("3.1.4-no-grammar-active", ("<form><field name='f'><prompt>x</prompt><catch event='error.semantic'>"
      "<log expr='_event'/><exit/></catch></field></form>"), ["1"], ["error.semantic"]),
    ("3.1.4-inputmodes-removes-all",
     "<form><property name='inputmodes' value='voice'/><field name='f'>" + keys("1") + "<catch event='error.semantic noinput'><log expr='_event'/><exit/></catch></field></form>",  # noqa: E501 - a document in one piece
     ["1"], ["noinput"]),
    ("2.5-link-dtmf-attr-field-prefix", (f"<link dtmf='1 2' event='x'/><form>{item(heard=ONES)}"
      "<catch event='x'><log>x</log><exit/></catch></form>"), ["12"], ["x"]),
    ("2.5-link-dtmf-bad", f"<link dtmf='1x' event='x'/><form>{item()}</form>", ["12"], ["error.badfetch"]),
    ("2.5-link-both-grammars-dtmf", (f"<link dtmf='9' event='x'>{rule('out')}</link><form>{item()}"
      "<catch event='x'><log expr='application.lastresult$.inputmode'/>"
      "<exit/></catch></form>"), ["9"], ["dtmf"]),
    ("2.5-link-event-counts", (f"<link event='x'>{rule('out')}</link><form>{item()}"
      "<catch event='x' count='1'><log>1</log></catch>"
      "<catch event='x' count='2'><log>2</log><exit/></catch></form>"), ["say:out", "say:out"], ["1", "2"]),
    ("2.5-link-lastresult", (f"<link event='x'>{says('out', 'out=&quot;v&quot;;')}</link><form>{item()}"
      "<catch event='x'><log expr='application.lastresult$.interpretation'/>"
      "<exit/></catch></form>"), ["say:out"], ["v"]),
    ("3.1.6.1-several", f"<form>{SEVERAL}{item('a')}{item('q', attributes=SLOT_DEEP)}</form>", ["say:go"],
     ['a="1"', 'q="2"']),
    ("3.1.6.1-object-slot", f"<form>{SEVERAL}{item('b')}{OTHERWISE}</form>", ["say:go"], ['b={"c":{"d":"2"}}']),
    ("3.1.6.1-same-slot-two-fields",
     f"<form>{SEVERAL}{item('x', attributes=SLOT_A)}{item('y', attributes=SLOT_A)}</form>", ["say:go"],
     ['x="1"', 'y="1"']),
    ("3.1.6.1-overwrite-filled",
     (f"<form>{SEVERAL}{item('z', rule('zz'))}{item('a', rule('aa'))}{item('k', rule('kk'))}"
      "</form>"), ["say:zz", "say:aa", "say:go", "say:kk"], ['z="zz"', 'a="aa"', 'a="1"', 'k="kk"']),
    ("3.1.6.1-simple-result-from-form-grammar-fills-nothing",
     f"<form>{SIMPLE}{item('a', rule('aa'))}{OTHERWISE}</form>", ["say:go", "say:aa"], ['a="aa"']),
    ("3.1.6.1-initial-filled", (f"<form>{SEVERAL}<initial name='i'><prompt>hi</prompt></initial>{item('a')}"
      f"{item('k', rule('kk'))}</form>"), ["say:go", "say:kk"], ['a="1"', 'k="kk"']),
    ("3.1.6.1-initial-not-done-if-no-slot", (f"<form>{says('go', 'out.zz=1;')}"
      "<initial name='i'><prompt>hi</prompt><noinput><log expr='typeof i'/>"
      f"<exit/></noinput></initial>{item('a')}</form>"), ["say:go", ""], ["undefined"]),
    ("3.1.6.1-initial-assigned-skip", (f"<form>{SEVERAL}<initial name='i'><noinput><assign name='i' expr='true'/>"
      f"<log>skip</log></noinput></initial>{item('a', rule('aa'))}</form>"), ["", "say:aa"], ["skip", 'a="aa"']),
    ("3.1.6.1-false-slot-value", (f"<form>{says('go', 'out.a=false; out.b=0; out.c=null;')}{item('a')}{item('b')}"
      f"{item('c')}</form>"), ["say:go"], ["a=false", "b=0", "c=null"]),
    ("3.1.6.1-form-filled-mode-any",
     (f"<form>{SEVERAL}<field name='a'>{rule('aa')}</field><field name='k'>{rule('kk')}"
      "</field><filled mode='any' namelist='a k'><log>any</log><exit/></filled></form>"), ["say:go"], ["any"]),
    ("3.1.6.1-form-filled-all", (f"<form>{SEVERAL}<field name='a'>{rule('aa')}</field><field name='k'>{rule('kk')}"
      "</field><filled mode='all'><log>all</log><exit/></filled></form>"), ["say:go", "say:kk"], ["all"]),
    ("3.1.6.2-struct-without-slot", field(says("go", "out.x=1;")), ["say:go"], ['{"x":1}']),
    ("3.1.6.2-struct-with-nested-slot-missing-whole", field(says("go", "out.x={y:1};"), "slot='x.z'"), ["say:go"],
     ['{"x":{"y":1}}']),
    ("3.1.6.2-only-own-item", f"<form>{item('a', says('go', 'out.a=1; out.b=2;'))}{item('b', rule('bb'))}</form>",
     ["say:go", "say:bb"], ["a=1", 'b="bb"']),
    ("2.3.1-shadow-voice", field(says("go now", "out='v';"), show=SHADOW.replace("f$", "f$")), ["say:Go now"],
     ['go now/voice/1/"v"']),
    ("2.3.1-shadow-dtmf", field(says("1 2", "out='v';", mode="dtmf"), show=SHADOW), ["12"], ['12/dtmf/1/"v"']),
    ("2.3.1-shadow-form-level", (f"<form>{SEVERAL}<field name='a'>{rule('aa')}"
      f'<filled><log expr="[a$.utterance,a$.inputmode,a$.confidence,{JSON}'
      '(a$.interpretation)].join(\'/\')"/></filled></field></form>'), ["say:go"],
     ['go/voice/1/{"a":"1","b":{"c":{"d":"2"}}}']),
    ("2.3.1-shadow-write", field(rule("go"), show="(f$.utterance='z', f$.utterance)"), ["say:go"], ["z"]),
    ("2.3.1-shadow-before",
     "<form><block><log expr='typeof f$'/></block><field name='f'>" + rule("go") + "</field></form>", ["say:go"],
     ["undefined"]),
    ("5.1.5-voice", field(says("go now", "out='v';"), show=RESULT), ["say:go now"], ['1/go now/voice/1/"v"']),
    ("5.1.5-dtmf", field(says("1 2", "out='v';", mode="dtmf"), show=RESULT), ["12"], ['1/12/dtmf/1/"v"']),
    ("5.1.5-undefined-at-start", "<form><block><log expr='typeof application.lastresult$'/></block></form>", [""],
     ["undefined"]),
    ("5.1.5-persists-into-next-block", (f"<form>{item('f', rule('go'))}"
      "<block><log expr='application.lastresult$.utterance'/></block></form>"), ["say:go"], ['f="go"', "go"]),
    ("5.1.5-reset-at-next-wait", (f"<form>{item('f', rule('go'))}<field name='g'>{rule('x')}"
      "<noinput><log expr='typeof application.lastresult$'/>"
      "<exit/></noinput></field></form>"), ["say:go", ""], ['f="go"', "undefined"]),
    ("5.1.5-string-of-interpretation", field(rule("go"), show=RESULT), ["say:go"], ['1/go/voice/1/"go"']),
    ("5.1.5-choice", ("<menu><choice next='#t'>go on</choice></menu><form id='t'><block>"
      "<log expr='application.lastresult$.utterance'/></block></form>"), ["say:go on"], ["go on"]),
    ("2.2.2-approximate-menu", ("<menu accept='approximate'>"
      "<choice next='#t'>stargazer astrophysics news</choice></menu><form id='t'><block>"
      "<log>t</log></block></form>"), ["say:astrophysics"], ["t"]),
    ("2.2.2-exact-override", ("<menu accept='approximate'><choice accept='exact' next='#t'>star news</choice>"
      "<nomatch><log>nm</log><exit/></nomatch></menu><form id='t'><block>"
      "<log>t</log></block></form>"), ["say:star"], ["nm"]),
    ("2.2.2-text-with-audio-child", ("<menu><choice next='#t'>go <audio src='a.wav'>there</audio></choice></menu>"
      "<form id='t'><block><log>t</log></block></form>"), ["say:go there"], ["t"]),
    ("2.2.2-grammar-src", ("<menu><choice next='#t'><grammar src='g.grxml'/>text</choice></menu><form id='t'>"
      "<block><log>t</log></block></form>"), ["say:x y"], ["t"], {"g.grxml": external('<rule id="m">x y</rule>')}),
    ("2.2.2-two-same-first", ("<menu><choice next='#t'>go</choice><choice next='#u'>go</choice></menu>"
      "<form id='t'><block><log>t</log></block></form><form id='u'><block>"
      "<log>u</log></block></form>"), ["say:go"], ["t"]),
    ("2.2.2-dtmf-and-speech", ("<menu><choice dtmf='5' next='#t'>go</choice></menu><form id='t'><block>"
      "<log>t</log></block></form>"), ["5"], ["t"]),
    ("2.2.2-choice-next-event", "<menu><choice dtmf='5' next='#t' event='x'>go</choice></menu>", ["5"], ["error.badfetch"]),  # noqa: E501 - a document in one piece
    ("2.2.2-choice-none", "<menu><choice dtmf='5'>go</choice></menu>", ["5"], ["error.badfetch"]),
    ("2.2.1-dtmf-true-other-key", "<menu dtmf='true'><choice dtmf='5' next='#t'>go</choice></menu>", ["5"], ["error.badfetch"]),  # noqa: E501 - a document in one piece
    ("2.2.1-dtmf-true-9-max",
     "<menu dtmf='true'>" + "".join(f"<choice next='#t{i}'>c{i}</choice>" for i in range(1, 11)) + "<nomatch><log>nm</log><exit/></nomatch></menu>" + "".join(f"<form id='t{i}'><block><log>t{i}</log></block></form>" for i in range(1, 11)),  # noqa: E501 - a document in one piece
     ["9"], ["t9"]),
]  # fmt: skip

OPTIONS: list[tuple[Any, ...]] = [
    ("2.3.1.3-option-a-b-option-say-a-b", field("<option>a b</option>"), ["say:a b"], ['"a b"']),
    ("2.3.1.3-option-value-v-a-b-option-say-a-b", field('<option value="v">a b</option>'), ["say:a b"], ['"v"']),
    ("2.3.1.3-option-value-a-b-option-say-a-b", field('<option value="">a b</option>'), ["say:a b"], ['""']),
    ("2.3.1.3-option-dtmf-1-a-b-option-1", field('<option dtmf="1">a b</option>'), ["1"], ['"a b"']),
    ("2.3.1.3-option-dtmf-1-value-v-a-option-1", field('<option dtmf="1" value="v">a</option>'), ["1"], ['"v"']),
    ("2.3.1.3-option-dtmf-1-option-1", field('<option dtmf="1"></option>'), ["1"], ['"1"']),
    ("2.3.1.3-option-dtmf-1-option-x-option-1", field('<option dtmf="1"/><option>x</option>'), ["1"], ['"1"']),
    ("2.3.1.3-option-accept-approximate-small-red-apple-option-say-red-apple",
     field('<option accept="approximate">small red apple</option>'), ["say:red apple"], ['"small red apple"']),
    ("2.3.1.3-option-accept-approximate-small-red-apple-option-say-apple-red",
     field('<option accept="approximate">small red apple</option>'), ["say:apple red"], ["nomatch"]),
    ("2.3.1.3-option-accept-approximate-small-red-apple-option-say-big-apple",
     field('<option accept="approximate">small red apple</option>'), ["say:big apple"], ["nomatch"]),
    ("2.3.1.3-option-small-red-apple-option-say-red-apple", field("<option>small red apple</option>"),
     ["say:red apple"], ["nomatch"]),
    ("2.3.1.3-option-accept-exact-small-red-apple-option-say-small-red-apple",
     field('<option accept="exact">small red apple</option>'), ["say:small red apple"], ['"small red apple"']),
    ("2.3.1.3-option-dtmf-a-option-option-dtmf-b-option",
     field('<option dtmf="*">a</option><option dtmf="#">b</option>'), ["*"], ['"a"']),
    ("2.3.1.3-option-dtmf-a-option-option-dtmf-b-option-2",
     field('<option dtmf="*">a</option><option dtmf="#">b</option>'), ["#"], ['"b"']),
    ("2.3.1.3-option-dtmf-1x-a-option-1", field('<option dtmf="1x">a</option>'), ["1"], ["error.badfetch"]),
    ("2.3.1.3-option-accept-fuzzy-a-option-say-a", field('<option accept="fuzzy">a</option>'), ["say:a"], ["error.badfetch"]),  # noqa: E501 - a document in one piece
    ("2.3.1.3-option-dtmf-1-a-option-option-dtmf-1-2-b-option-12",
     field('<option dtmf="1">a</option><option dtmf="1 2">b</option>'), ["12"], ['"b"']),
    ("2.3.1.3-option-a-option-say-b", field("<option>a</option>"), ["say:b"], ["nomatch"]),
    ("2.3.1.3-option-a-option-say-zz",
     field('<option>a</option><grammar version="1.0" root="r" ><rule id="r">zz</rule></grammar>'), ["say:zz"],
     ['"zz"']),
    ("2.3.1.3-option-value-v-a-option-say-a", field('<option value="v">a</option>', show="f$.utterance"), ["say:a"],
     ["a"]),
    ("2.3.1.3-option-value-v-a-option-say-a-2",
     field('<option value="v">a</option>', show="application.lastresult$.interpretation"), ["say:a"], ["v"]),
]  # fmt: skip


def test_3_1_which_grammar_is_heard_and_what_it_fills(call: Call, wrap: Wrap) -> None:
    """By element, scope, precedence and slot."""
    assert dict(different(call, wrap, HEARD)) == {}


def test_2_3_1_3_what_an_option_means(call: Call, wrap: Wrap) -> None:
    """Its value, text or keys; all of its text, or also a part."""
    assert dict(different(call, wrap, OPTIONS)) == {}
