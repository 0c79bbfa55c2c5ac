"""Grammars and tags at the edge of what is written, and where they may stand (VoiceXML 2.0, 2.1 to 2.3, 3.1; SRGS; SISR)."""  # noqa: E501 - a document in one piece

from typing import Any

from tests.unit.shared.voicexml.grammar_calls import (
    LITERALS,
    OTHERWISE,
    SCRIPTS,
    Call,
    Wrap,
    abnf,
    different,
    field,
    grammar,
    item,
    keys,
    rule,
    says,
)

JSON = "JSON.stringify"
NOMATCH, BAD_FETCH = "nomatch", "error.badfetch"


ODD: list[tuple[Any, ...]] = [
    ("nested-grammar-ns-mixed", field(
      '<grammar xmlns="http://www.w3.org/2001/06/grammar" version="1.0" root="r">'
      '<rule id="r">a</rule></grammar>'), ["say:a"], ['"a"']),
    ("xsi-schemalocation", field(
      '<grammar xmlns="http://www.w3.org/2001/06/grammar" '
      'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a '
      'b" version="1.0" root="r"><rule id="r">a</rule></grammar>'), ["say:a"], ['"a"']),
    ("rule-xml-lang", field(grammar('<rule id="r" xml:lang="en">a</rule>')), ["say:a"], ['"a"']),
    ("ruleref-with-content", field(rule('<ruleref uri="#a">x</ruleref>', '<rule id="a">a</rule>')), ["say:a"],
     ['"a"']),
    ("ruleref-fragment-only-hash", field(rule('<ruleref uri="#"/>', '<rule id="a">a</rule>')), ["say:a"], [BAD_FETCH]),
    ("ruleref-uri-spaces", field(rule('<ruleref uri=" #a "/>', '<rule id="a">a</rule>')), ["say:a"], ['"a"']),
    ("ruleref-builtin", field(rule('<ruleref uri="builtin:grammar/boolean"/>')), ["say:yes"], [BAD_FETCH]),
    ("ruleref-lang", field(rule('<ruleref uri="#a" xml:lang="en"/>', '<rule id="a">a</rule>')), ["say:a"], ['"a"']),
    ("ext-ruleref-to-vxml-doc", field(rule('<ruleref uri="start.vxml"/>')), ["say:a"], [BAD_FETCH]),
    ("tag-in-head-before-meta", field(
      grammar(
      '<tag>var z = 1;</tag><meta name="x" content="y"/><rule id="r">a<tag>out = z;</tag></rule>',
      SCRIPTS)), ["say:a"], ["1"]),
    ("lexicon-no-uri", field(grammar('<lexicon/><rule id="r">a</rule>')), ["say:a"], ['"a"']),
    ("grammar-in-block", "<form><block>" + rule("a") + "</block></form>", [""], ["error.badfetch"]),
    ("grammar-in-menu", "<menu>" + rule("a") + "<choice next='#a'>x</choice></menu>", [""], ["error.badfetch"]),
    ("grammar-in-initial", "<form><initial>" + rule("a") + "</initial></form>", [""], ["error.badfetch"]),
    ("grammar-at-document-level", rule("a") + "<form><block/></form>", [""], ["error.badfetch"]),
    ("option-in-form", "<form><option>x</option></form>", [""], ["error.badfetch"]),
    ("choice-in-form", "<form><choice next='#x'>x</choice></form>", [""], ["error.badfetch"]),
    ("field-duplicates", "<form>" + item("a") + item("a") + "</form>", [""], ["error.badfetch"]),
    ("item-outside-one-of-weight-ignored", field(rule('<item weight="2">a</item>')), ["say:a"], ['"a"']),
    ("scope-doc-on-form-modal-field-in-it",
     f"<form id='a' scope='document'>{says('go', 'out.f=1;')}{item()}{OTHERWISE}</form>", ["say:go"], ["f=1"]),
    ("dialog-scoped-grammar-via-goto", (f"<form id='a'><field name='x'>{rule('one')}"
      f"<filled><goto next='#b'/></filled></field></form><form id='b'>{says('go', 'out.g=1;')}"
      f"{item('g')}{OTHERWISE}</form>"), ["say:one", "say:go"], ["g=1"]),
    ("nextitem-with-form-grammar", (f"<form>{says('go', 'out.b=1;')}<block><goto nextitem='b'/></block>"
      f"{item('a', rule('aa'))}{item('b', rule('bb'))}</form>"), ["say:bb", "say:aa"], ['b="bb"', 'a="aa"']),
    ("slot-proto-name", (f"<form>{says('go', 'out.a=1;')}<field name='toString'>{rule('x')}"
      "<noinput><log>ni</log><exit/></noinput></field></form>"), ["say:go", ""], ["ni"]),
    ("slot-constructor", (f"<form>{says('go', 'out.a=1;')}<field name='constructor'>{rule('x')}"
      "<noinput><log>ni</log><exit/></noinput></field></form>"), ["say:go", ""], ["ni"]),
    ("string-result-length-slot", field(says("go", "out='abc';"), "slot='length'"), ["say:go"], ['"abc"']),
    ("field-named-like-rule-var", f"<form>{says('go', 'out.out=1;')}{item('out')}</form>", ["say:go"], ["out=1"]),
    ("choice-own-voice-grammar-dtmf-true",
     "<menu dtmf='true'><choice next='#t'>" + rule("go") + "</choice></menu><form id='t'><block><log>t</log></block></form>",  # noqa: E501 - a document in one piece
     ["1"], ["t"]),
    ("choice-text-when-own-grammar-not-heard",
     "<menu><choice next='#t'>text" + rule("go") + ("</choice><nomatch><log>nm</log><exit/></nomatch></menu><form id='t'><block>"  # noqa: E501 - a document in one piece
      "<log>t</log></block></form>"), ["say:text"], ["nm"]),
    ("choice-with-only-dtmf-grammar-keeps-text",
     "<menu><choice next='#t'>text" + keys("5") + ("</choice><nomatch><log>nm</log><exit/></nomatch></menu><form id='t'><block>"  # noqa: E501 - a document in one piece
      "<log>t</log></block></form>"), ["say:text"], ["nm"]),
    ("choice-approximate-single-letter-order",
     ("<menu accept='approximate'><choice next='#t'>one two three</choice><nomatch>"
      "<log>nm</log><exit/></nomatch></menu><form id='t'><block>"
      "<log>t</log></block></form>"), ["say:one three"], ["t"]),
    ("menu-numeric-choice-said-by-number-no",
     ("<menu dtmf='true'><choice next='#t'>alpha</choice><nomatch><log>nm</log>"
      "<exit/></nomatch></menu><form id='t'><block><log>t</log></block></form>"), ["say:one"], ["nm"]),
    ("boolean-type-option-yes-no-y-n-said", field("", 'type="boolean"'), ["say:yes please"], ["nomatch"]),
    ("record-with-dtmf-grammar",
     "<form><record name='r' dtmfterm='false'>" + keys("5") + '<filled><log expr="r$.utterance + r$.inputmode"/></filled></record></form>',  # noqa: E501 - a document in one piece
     ["5"], ["5dtmf"]),
    ("transfer-with-grammar",
     "<form><transfer name='t' bridge='true' dest='tel:1'>" + keys("5") + '<filled><log expr="t + t$.utterance + t$.inputmode"/></filled></transfer></form>',  # noqa: E501 - a document in one piece
     ["5"], ["near_end_disconnect5dtmf"]),
    ("abnf-lang-decl-only", field("<grammar>#ABNF 1.0; language en-GB; root $r; $r = a;</grammar>"), ["say:a"],
     ['"a"']),
    ("abnf-quoted-empty", field(abnf('$r = "" a;')), ["say:a"], ['"a"']),
    ("abnf-weights-with-spaces", field(abnf("$r = / 3 / a | /2/ b;")), ["say:a"], ['"a"']),
    ("abnf-opt-of-alternatives-w-tag",
     field(abnf("$r = [a {out.a=1;}] b {out.b=2;};", " tag-format <semantics/1.0>;")), ["say:b"], ['{"b":2}']),
    ("abnf-rule-names-with-underscore-digits", field(abnf("$r = $a_1; $a_1 = x;")), ["say:x"], ['"x"']),
    ("abnf-unicode-rule", field(abnf("$r = $été; $été = x;")), ["say:x"], ['"x"']),
    ("abnf-abnf-v1.0", field("<grammar>#ABNF V1.0; root $r; $r = a;</grammar>"), ["say:a"], [BAD_FETCH]),
    ("abnf-public-root", field(abnf("public $r = a; public $q = b;")), ["say:a"], ['"a"']),
    ("literal-no-text-merging", field(rule("<tag>X</tag>a", "", LITERALS)), ["say:a"], ['"X"']),
    ("tag-text-undefined-property-of-out", field(rule("a<tag>out.a.b = 1;</tag>", "", SCRIPTS)), ["say:a"],
     ["error.semantic"]),
    ("regex-in-tag", field(rule('a b<tag>out = meta.current().text.replace(/ /g, "-");</tag>', "", SCRIPTS)),
     ["say:a b"], ['"a-b"']),
    ("try-catch-in-tag", field(rule('a<tag>try { nothing(); } catch (e) { out = "caught"; }</tag>', "", SCRIPTS)),
     ["say:a"], ['"caught"']),
    ("for-loop-var", field(rule("a<tag>var s = 0; for (i = 0; i &lt; 3; i++) s += i; out = s;</tag>", "", SCRIPTS)),
     ["say:a"], ["3"]),
    ("local-fn-using-out", field(rule("a<tag>function set(v) { out.v = v; } set(3);</tag>", "", SCRIPTS)), ["say:a"],
     ['{"v":3}']),
    ("string-containing-assignment", field(rule('a<tag>out = "x = 1";</tag>', "", SCRIPTS)), ["say:a"], ['"x = 1"']),
    ("object-literal-keys", field(rule("a<tag>out = {x: 1, y: {z: 2}};</tag>", "", SCRIPTS)), ["say:a"],
     ['{"x":1,"y":{"z":2}}']),
    ("strict-equality", field(rule('a<tag>out = (1 === 1) ? "y" : "n";</tag>', "", SCRIPTS)), ["say:a"], ['"y"']),
    ("rule-named-like-js-word", field(
      rule(
      '<ruleref uri="#class"/><tag>out = rules.class;</tag>',
      '<rule id="class">a<tag>out = 5;</tag></rule>',
      SCRIPTS)), ["say:a"], ["5"]),
    ("rule-named-latest", field(
      rule(
      '<ruleref uri="#latest"/><tag>out = 1;</tag>',
      '<rule id="latest">a<tag>out = 5;</tag></rule>',
      SCRIPTS)), ["say:a"], ["1"]),
    ("rule-named-proto", field(
      rule(
      '<ruleref uri="#__proto__"/><tag>out = 1;</tag>',
      '<rule id="__proto__">a<tag>out = 5;</tag></rule>',
      SCRIPTS)), ["say:a"], ["1"]),
]  # fmt: skip


def test_3_1_what_is_odd_and_still_right(call: Call, wrap: Wrap) -> None:
    """Each is heard, filled or refused as the specifications say."""
    assert dict(different(call, wrap, ODD)) == {}
