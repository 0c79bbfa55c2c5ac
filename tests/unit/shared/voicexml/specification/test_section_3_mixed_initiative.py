"""Forms that are filled at once, links and their targets, and odd input (VoiceXML 2.0, 2.1.5, 2.5, 3.1 and 5.1.5)."""

from typing import Any

from tests.unit.shared.voicexml.grammar_calls import (
    BASE,
    OTHERWISE,
    SCRIPTS,
    URL,
    Call,
    Wrap,
    abnf,
    different,
    document,
    external,
    field,
    grammar,
    item,
    keys,
    leaf,
    rule,
    says,
)

JSON = "JSON.stringify"
MODAL, NOT_MODAL, NEVER_VISITED = "modal='true'", "modal='false'", "cond='false'"
SOURCE = "<grammar src='g.grxml'/>"
NOMATCH, BAD_FETCH = "nomatch", "error.badfetch"


HEARD: list[tuple[Any, ...]] = [
    ("mixed-dtmf-slots", (f"<form>{rule('1<tag>out.a=1; out.b=2;</tag>', '', SCRIPTS, 'dtmf')}<initial/>"
      f"{item('a')}{item('b')}</form>"), ["1"], ["a=1", "b=2"]),
    ("initial-with-link", (f"<form>{says('go', 'out.a=1;')}<initial><link event='x'>{rule('out')}"
      f"</link></initial>{item('a')}<catch event='x'><log>x</log><exit/></catch></form>"), ["say:out"], ["x"]),
    ("initial-nomatch-count", (f"<form>{says('go', 'out.a=1;')}"
      "<initial><nomatch count='1'><log>1</log></nomatch><nomatch count='2'>"
      f"<log>2</log><exit/></nomatch></initial>{item('a')}</form>"), ["say:q", "say:q"], ["1", "2"]),
    ("two-initials", (f"<form>{says('go', 'out.a=1;')}<initial name='i'/><initial name='j'/>{item('a')}"
      "<block><log expr='i + j'/></block></form>"), ["say:go"], ["a=1", "2"]),
    ("initial-w-o-form-grammar",
     ("<form><initial><catch event='error'><log expr='_event'/><exit/></catch></initial>"
      f"{item('a')}</form>"), ["say:go"], ["error.semantic"]),
    ("field-grammar-not-in-initial", (f"<form>{says('go', 'out.a=1;')}<initial>{OTHERWISE}</initial>"
      f"{item('a', rule('aa'))}</form>"), ["say:aa"], ["nomatch"]),
    ("form-grammar-fills-filled-in-order", f"<form>{says('go', 'out.b=1; out.a=2;')}{item('a')}{item('b')}</form>",
     ["say:go"], ["a=2", "b=1"]),
    ("form-grammar-cond-false-field", (f"<form>{says('go', 'out.a=1; out.b=2;')}{item('a')}"
      f"{item('b', attributes=NEVER_VISITED)}</form>"), ["say:go"], ["a=1", "b=2"]),
    ("block-not-filled-by-slot",
     (f"<form>{says('go', 'out.b=1; out.a=1;')}<block name='b' cond='false'/>{item('a')}"
      "<block><log expr='typeof b'/></block></form>"), ["say:go"], ["a=1", "undefined"]),
    ("filled-clears-reprompts",
     (f"<form>{says('go', 'out.a=1;')}<var name='n' expr='0'/><field name='a'>{rule('aa')}"
      "<filled><assign name='n' expr='n+1'/><if cond='n &lt; 2'>"
      "<clear namelist='a'/></if></filled></field><block><log expr='n'/></block></form>"), ["say:go", "say:aa"],
     ["2"]),
    ("link-next-doc", {
      URL: document(f"<link next='n.vxml'>{rule('out')}</link><form>{item()}</form>"),
      BASE + "n.vxml": document("<form><block><log>n</log></block></form>")}, ["say:out"], ["n"]),
    ("link-next-doc-with-fragment", {
      URL: document(f"<link next='n.vxml#b'>{rule('out')}</link><form>{item()}</form>"),
      BASE + "n.vxml": document(
      "<form><block><log>n</log></block></form><form id='b'><block><log>b</log></block></form>")}, ["say:out"],
     ["b"]),
    ("link-next-missing-doc", (f"<link next='n.vxml'>{rule('out')}</link><form>{item()}"
      "<catch event='error.badfetch'><log expr='_event'/><exit/></catch></form>"), ["say:out"],
     ["error.badfetch.http.404"]),
    ("link-root-relative-url", {
      URL: document(f"<form>{item()}</form>", "application='d/root.vxml'"),
      BASE + "d/root.vxml": document(f"<link next='n.vxml'>{rule('out')}</link>"),
      BASE + "d/n.vxml": document("<form><block><log>d/n</log></block></form>"),
      BASE + "n.vxml": document("<form><block><log>n</log></block></form>")}, ["say:out"], ["d/n"]),
    ("link-expr-evaluated-when-matched",
     (f"""<link expr="'#' + session.id.replace('s1','b')">{rule('out')}</link><form>"""
      f"{item()}</form><form id='b'><block><log>b</log></block></form>"), ["say:out"], ["b"]),
    ("link-event-help", (f"<link event='help'>{rule('out')}</link><form><field name='f'>{rule('q')}"
      "<help><log>h</log><exit/></help></field></form>"), ["say:out"], ["h"]),
    ("link-event-nomatch-counts", (f"<link event='nomatch'>{rule('out')}</link><form><field name='f'>{rule('q')}"
      "<nomatch count='2'><log>2</log><exit/></nomatch><nomatch>"
      "<log>1</log></nomatch></field></form>"), ["say:out", "say:zzz"], ["1", "2"]),
    ("link-two-of-next-event", f"<link next='#a' event='x'>{rule('out')}</link><form>{item()}</form>", ["say:out"],
     ["error.badfetch"]),
    ("link-none", f"<link>{rule('out')}</link><form>{item()}</form>", ["say:out"], ["error.badfetch"]),
    ("link-prompt-child", f"<link event='x'><prompt>x</prompt></link><form>{item()}</form>", ["say:out"], ["error.badfetch"]),  # noqa: E501 - a document in one piece
    ("link-event-message", (f"<link event='x' message='m'>{rule('out')}</link><form>{item()}"
      "<catch event='x'><log expr='_message'/><exit/></catch></form>"), ["say:out"], ["m"]),
    ("link-grammars-scope-attr", ("<link event='x'><grammar scope='document' version='1.0' root='r'>"
      f"<rule id='r'>a</rule></grammar></link><form>{item()}</form>"), ["say:out"], ["error.badfetch"]),
    ("choice-grammars-scope-attr", ("<menu><choice next='#x'><grammar scope='document' version='1.0' root='r'>"
      "<rule id='r'>a</rule></grammar></choice></menu>"), ["say:out"], ["error.badfetch"]),
    ("menu-doc-scope-from-field-match-goes", (f"<form>{item()}</form><menu scope='document'>"
      "<choice next='#b'>go there</choice></menu><form id='b'><block>"
      "<log>b</log></block></form>"), ["say:go there"], ["b"]),
    ("menu-event-choice-throws-in-menu", ("<menu><choice event='x.y'>go</choice><catch event='x'>"
      "<log expr='_event'/><exit/></catch></menu>"), ["say:go"], ["x.y"]),
    ("menu-accept-invalid", "<menu accept='x'><choice next='#b'>go</choice></menu>", ["say:go"], ["error.badfetch"]),
    ("option-dtmf-1-and-11", field("<option dtmf='1' value='a'/><option dtmf='11' value='b'/>"), ["1"], ['"a"']),
    ("option-dtmf-1-and-11b", field("<option dtmf='1' value='a'/><option dtmf='11' value='b'/>"), ["11"], ['"b"']),
    ("option-with", field("<option dtmf='#' value='a'/>"), ["#"], ['"a"']),
    ("field-dtmf-vs-link-dtmf-same", f"<link dtmf='1' event='x'/><form>{item(heard=keys('1'))}</form>", ["1"],
     ['f="1"']),
    ("lastresult-nomatch", (f"<form><field name='f'>{rule('q')}<nomatch>"
      "<log expr='application.lastresult$.utterance + "
      "application.lastresult$.length'/><exit/></nomatch></field></form>"), ["say:hello"], ["hello1"]),
    ("lastresult-nomatch-dtmf", (f"<form><field name='f'>{rule('q')}<nomatch>"
      "<log expr='application.lastresult$.utterance + "
      "application.lastresult$.inputmode'/><exit/></nomatch></field></form>"), ["5"], ["5dtmf"]),
    ("nomatch-does-not-change-field",
     (f"<form><field name='f'>{rule('q')}<nomatch><log expr='typeof f + typeof f$'/>"
      "<exit/></nomatch></field></form>"), ["5"], ["undefinedundefined"]),
    ("lastresult-index-interp-obj", field(
      says("go", "out.a=1;"),
      show="application.lastresult$[0].interpretation.a + application.lastresult$.interpretation.a"), ["say:go"],
     ["2"]),
    ("lastresult-from-root-doc", leaf(
      f"<form>{item('f', rule('go'))}"
      "<block><log expr='application.lastresult$.utterance'/></block></form>"), ["say:go"], ['f="go"', "go"]),
    ("lastresult-lost-on-goto-other-application-persists", {
      URL: document(f"<form>{item('f', rule('go'))}<block><goto next='n.vxml'/></block></form>"),
      BASE + "n.vxml": document("<form><block><log expr='typeof application.lastresult$'/></block></form>")},
     ["say:go"], ['f="go"', "undefined"]),
    ("confidence-property-in-field",
     (f"<form><field name='f'><property name='confidencelevel' value='1.0'/>{rule('go')}"
      "<filled><log>ok</log></filled></field></form>"), ["say:go"], ["ok"]),
    ("field-value-number-arithmetic", field(says("go", "out=5;"), show="f + 1"), ["say:go"], ["6"]),
    ("field-gets-array", field(says("go", "out=[1,2];"), show="f.length"), ["say:go"], ["2"]),
    ("field-gets-date", field(says("go", "out=new Date(0);"), show="f.getTime ? 1 : 2"), ["say:go"], ["1"]),
    ("field-gets-function", field(says("go", "out=function() { return 1; };"), show="typeof f"), ["say:go"],
     ["function"]),
    ("field-gets-circular", field(says("go", "out.me=out;"), show="typeof f.me"), ["say:go"], ["object"]),
    ("record-grammar-scope-attr", ("<form><record name='f'><grammar scope='document' version='1.0' root='r'>"
      "<rule id='r'>a</rule></grammar></record></form>"), [""], ["error.badfetch"]),
    ("said-with-punctuation", field(rule("yes please")), ["say:  Yes,   please! "], ['"yes please"']),
    ("said-utterance-is-of-words", field(rule("yes please"), show="f$.utterance"), ["say:Yes, please!"],
     ["yes please"]),
    ("said-empty", field(rule("yes")), ["say:"], ["nomatch"]),
    ("said-only-dots", field(rule("yes")), ["say:..."], ["nomatch"]),
    ("said-very-long", field(rule("yes")), ["say:" + "yes " * 100], ["nomatch"]),
    ("srcexpr-in-link", {
      URL: document(
      '<var name=\'g\' expr="\'g.grxml\'"/><link event=\'x\'>'
      f"<grammar srcexpr='g'/></link><form>{item()}"
      "<catch event='x'><log>x</log><exit/></catch></form>"),
      BASE + "g.grxml": external('<rule id="m">out</rule>')}, ["say:out"], ["x"]),
    ("srcexpr-of-root-var-in-root-link-evaluated-in-leaf-scope", {
      URL: document(f"<form>{item()}</form>", "application='root.vxml'"),
      BASE + "root.vxml": document(
      '<var name=\'g\' expr="\'g.grxml\'"/><link event=\'x\'>'
      "<grammar srcexpr='g'/></link><catch event='x'><log>x</log><exit/></catch>"),
      BASE + "g.grxml": external('<rule id="m">out</rule>')}, ["say:out"], ["x"]),
    ("bad-grammar-in-link-of-document-throws-in-field",
     (f"<link event='x'><grammar src='none.grxml'/></link><form><field name='f'>{rule('a')}"
      "<catch event='error.badfetch'><log expr='_event'/><exit/></catch></field></form>"), ["say:a"],
     ["error.badfetch.http.404"]),
    ("bad-grammar-in-other-field-not-thrown",
     (f"<form>{item('a', rule('a'))}<field name='b'><grammar src='none.grxml'/>"
      "<catch event='error.badfetch'><log expr='_event'/><exit/></catch></field></form>"), ["say:a"],
     ['a="a"', "error.badfetch.http.404"]),
    ("bad-inline-grammar-document-still-valid", ("<form><block><log>1</log></block><field name='b'>"
      "<grammar version='1.0' root='zz'><rule id='r'>a</rule></grammar>"
      "<catch event='error.badfetch'><log expr='_event'/><exit/></catch></field></form>"), ["say:a"],
     ["1", "error.badfetch"]),
    ("inline-root-to-private", field(grammar('<rule id="r" scope="private">a</rule>')), ["say:a"], ['"a"']),
    ("pi-in-grammar", field(rule("a <?foo bar?> b")), ["say:a b"], ['"a b"']),
    ("entity-predefined", field(rule("a &amp; b")), ["say:a & b"], ['"a & b"']),
    ("charref", field(rule("&#97;b")), ["say:ab"], ['"ab"']),
    ("ext-grammar-entity-decl", field('<grammar src="g.grxml"/>'), ["say:y"], [BAD_FETCH], {
      "g.grxml": ('<!DOCTYPE grammar [<!ENTITY x "y">]><grammar version="1.0" root="m">'
      '<rule id="m">&x;</rule></grammar>')}),
    ("ext-grammar-vxml-namespace", field('<grammar src="g.grxml"/>'), ["say:x"], ['"x"'], {
      "g.grxml": ('<grammar xmlns="http://www.w3.org/2001/vxml" version="1.0" root="m">'
      '<rule id="m">x</rule></grammar>')}),
    ("ext-foreign-ns-child", field('<grammar src="g.grxml"/>'), ["say:x"], [BAD_FETCH], {
      "g.grxml": ('<grammar xmlns="http://www.w3.org/2001/06/grammar" version="1.0" root="m">'
      '<rule id="m">x</rule><x:y xmlns:x="urn:q"/></grammar>')}),
    ("type-text-xml", field('<grammar type="text/xml" src="g.grxml"/>'), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m">x</rule>')}),
    ("grammar-cached-once", f"<form>{item('a', SOURCE)}{item('b', SOURCE)}</form>", ["say:x", "say:x"],
     ['a="x"', 'b="x"'], {"g.grxml": external('<rule id="m">x</rule>')}),
    ("garbage-repeat", field(rule('<item repeat="1-"><ruleref special="GARBAGE"/>key</item>')), ["say:a key b key"],
     ['"a key b key"']),
    ("garbage-alone", field(rule('<ruleref special="GARBAGE"/>')), ["say:anything at all"], ['"anything at all"']),
    ("garbage-dtmf", field(keys('<ruleref special="GARBAGE"/> #')), ["123#"], ['"123#"']),
    ("weights-order-tags", field(
      rule(
      ('<one-of><item weight="1">a<tag>out=1;</tag></item><item weight="3">a'
      '<tag>out=3;</tag></item></one-of>'),
      "",
      SCRIPTS)), ["say:a"], ["3"]),
    ("optional-ambiguous", field(
      rule(
      '<item repeat="0-1">a<tag>out.x=1;</tag></item><item repeat="0-1">a<tag>out.y=1;</tag></item>',
      "",
      SCRIPTS)), ["say:a"], ['{"y":1}']),
    ("repeat-tag-inside-outside", field(
      rule(
      '<item repeat="2">a<tag>out.n=(out.n||0)+1;</tag></item><tag>out.d=1;</tag>',
      "",
      SCRIPTS)), ["say:a a"], ['{"n":2,"d":1}']),
    ("abnf-tag-on-repeat", field(abnf("$r = {out.n=0;} (a {out.n++;})<1-3>;", " tag-format <semantics/1.0>;")),
     ["say:a a"], ['{"n":2}']),
    ("abnf-alternatives-tags", field(abnf("$r = (a {out=1;} | b {out=2;}) c;", " tag-format <semantics/1.0>;")),
     ["say:b c"], ["2"]),
    ("abnf-ext-ruleref-rules-name", field(abnf("$r = $<g.gram#m> {out=rules.m;};", " tag-format <semantics/1.0>;")),
     ["say:x"], ['"X"'], {"g.gram": '#ABNF 1.0;\nroot $m; tag-format <semantics/1.0>;\npublic $m = x {out="X";};'}),
    ("abnf-ext-root-rules-name", field(abnf("$r = $<g.gram> {out=rules.m;};", " tag-format <semantics/1.0>;")),
     ["say:x"], ['"X"'], {"g.gram": '#ABNF 1.0;\nroot $m; tag-format <semantics/1.0>;\npublic $m = x {out="X";};'}),
    ("nbest-shadow-interpretation-is-first", ("<form><property name='maxnbest' value='3'/><field name='f'>"
      f"{rule('<one-of><item>a<tag>out=1;</tag></item><item>a<tag>out=2;</tag></item></one-of>', '', SCRIPTS)}"
      '<filled><log expr="f$.interpretation + \'/\' + '
      'application.lastresult$[1].interpretation + application.lastresult$[1].utterance + '
      'application.lastresult$[1].confidence + '
      'application.lastresult$[1].inputmode"/></filled></field></form>'), ["say:a"], ["1/2a1voice"]),
    ("nbest-across-scopes", (f"<link event='x'>{says('go', 'out=9;')}"
      f"</link><form><property name='maxnbest' value='3'/>{item('f', says('go', 'out=1;'))}"
      "<block><log expr='application.lastresult$.length + "
      "application.lastresult$[1].interpretation'/></block></form>"), ["say:go"], ["f=1", "11".replace("11", "11")]),
    ("nbest-dtmf", ("<form><property name='maxnbest' value='3'/><field name='f'>"
      f"{keys('1<tag>out=1;</tag>', '', SCRIPTS)}{keys('1<tag>out=2;</tag>', '', SCRIPTS)}"
      "<filled><log expr='application.lastresult$.length'/></filled></field></form>"), ["1"], ["2"]),
    ("nbest-error-in-second", (f"<form><property name='maxnbest' value='3'/><field name='f'>{says('go', 'out=1;')}"
      f"{says('go', 'out=no.such;')}<filled>"
      "<log expr='application.lastresult$.length'/></filled></field></form>"), ["say:go"], ["1"]),
    ("nbest-form-level-fill-uses-first", ("<form><property name='maxnbest' value='3'/>"
      f"{rule('<one-of><item>a<tag>out.f=1;</tag></item><item>a<tag>out.f=2;</tag></item></one-of>', '', SCRIPTS)}"
      f"{item('f')}</form>"), ["say:a"], ["f=1"]),
]  # fmt: skip


def test_3_1_what_is_said_leads_and_fills(call: Call, wrap: Wrap) -> None:
    """By form, link, root document and n-best list."""
    assert dict(different(call, wrap, HEARD)) == {}
