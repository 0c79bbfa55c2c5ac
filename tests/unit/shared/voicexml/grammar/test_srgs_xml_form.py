"""The XML form of grammars (SRGS 1.0), case by case through a field of an application; ids begin with its section."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

BASE = "http://app.example/"
URL = BASE + "start.vxml"


def grammar(rules: str, attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar, whose root is r."""
    return f'<grammar version="1.0" root="r" mode="{mode}" {attributes}>{rules}</grammar>'


def rule(body: str, more: str = "", attributes: str = "", mode: str = "voice") -> str:
    """Make an inline grammar with a root rule, and perhaps more of them."""
    return grammar(f'<rule id="r">{body}</rule>{more}', attributes, mode)


def field(content: str, attributes: str = "", show: str = "JSON.stringify(f)") -> str:
    """Make a form with one field, which logs its value or the event."""
    return (
        f"<form><field name='f' {attributes}>{content}<filled><log expr=\"{show}\"/></filled>"
        "<catch event='nomatch noinput error'><log expr='_event'/><exit/></catch></field></form>"
    )


def external(rules: str, root: str = 'root="m"', mode: str = "") -> str:
    """Make a grammar of its own, whose root is m."""
    namespace = "http://www.w3.org/2001/06/grammar"
    return f'<grammar xmlns="{namespace}" version="1.0" {root} {mode}>{rules}</grammar>'


def run(
    call: Call,
    wrap: Wrap,
    content: str | Mapping[str, str],
    answers: list[str],
    files: Mapping[str, object],
) -> list[str]:
    """Place the call; return what was logged, and the event that ended it if one did."""
    start = content if isinstance(content, Mapping) else {URL: wrap(content)}
    documents = {**start, **{BASE + name: body for name, body in files.items()}}
    heard = call(documents, *answers)
    logs: list[str] = heard.logs
    return [*logs, heard.exit.event] if heard.exit.event else logs


def different(call: Call, wrap: Wrap, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the logs of each call that logs something else than its row says.

    A row has a name, a document, what the caller does, what is logged, and perhaps further files. The calls of a
    table are one test, because a test costs many times what a call does.
    """
    for name, content, answers, logs, *files in rows:
        found = run(call, wrap, content, answers, files[0] if files else {})
        if found != logs:
            yield name, found


MATCHED: list[tuple[Any, ...]] = [
    ("2.1-ws-normalisation", field(rule(" san \n\t  francisco ")), ["say:san francisco"], ['"san francisco"']),
    ("2.1-quoted", field(rule('"san francisco"')), ["say:San Francisco"], ['"san francisco"']),
    ("2.1-quoted-ws", field(rule('" san   francisco "')), ["say:San Francisco"], ['"san francisco"']),
    ("2.1-token-el", field(rule("<token>san   francisco</token>")), ["say:San Francisco"], ['"san francisco"']),
    ("2.1-token-in-item", field(rule("<item><token>a</token> b</item>")), ["say:a b"], ['"a b"']),
    ("2.1-token-xml-lang", field(rule('<token xml:lang="en-GB">colour</token>')), ["say:colour"], ['"colour"']),
    ("2.1-item-xml-lang", field(rule('<item xml:lang="fr">oui</item>')), ["say:oui"], ['"oui"']),
    ("2.1-one-of-xml-lang", field(rule('<one-of xml:lang="fr"><item>oui</item></one-of>')), ["say:oui"], ['"oui"']),
    ("2.1-case", field(rule("CHICAGO")), ["say:chicago"], ['"chicago"']),
    ("2.1-case2", field(rule("chicago")), ["say:CHICAGO"], ['"chicago"']),
    ("2.1-apostrophe", field(rule("o'clock")), ["say:o'clock"], ['"o\'clock"']),
    ("2.1-unicode", field(rule("zürich")), ["say:ZÜRICH"], ['"zürich"']),
    ("2.1-cdata", field(rule("<![CDATA[new york]]>")), ["say:new york"], ['"new york"']),
    ("2.1-comment-between", field(rule("new<!-- x --> york")), ["say:new york"], ['"new york"']),
    ("2.1-comment-inside", field(rule("new <!-- x --> york")), ["say:new york"], ['"new york"']),
    ("2.1-digits-voice", field(rule("1 2")), ["say:1 2"], ['"1 2"']),
    ("2.1-hyphen", field(rule("mother-in-law")), ["say:mother-in-law"], ['"mother-in-law"']),
    ("2.1-dtmf-no-to-voice", field(rule("1 2")), ["12"], ["nomatch"]),
    ("2.1-dtmf-nospace", field(rule("12", mode="dtmf")), ["12"], ['"12"']),
    ("2.1-dtmf-star", field(rule("* #", mode="dtmf")), ["*#"], ['"*#"']),
    ("2.1-dtmf-quoted", field(rule('"*" "#"', mode="dtmf")), ["*#"], ['"*#"']),
    ("2.1-dtmf-token", field(rule("<token>*</token><token>1</token>", mode="dtmf")), ["*1"], ['"*1"']),
    ("2.1-dtmf-names", field(rule("star pound dtmf-5 dtmf-star", mode="dtmf")), ["*#5*"], ['"*#5*"']),
    ("2.1-dtmf-bad-key", field(rule("x", mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.1-dtmf-abcd", field(rule("A", mode="dtmf")), ["A"], ['"A"']),
    ("2.2-local", field(rule('<ruleref uri="#a"/>', '<rule id="a">x</rule>')), ["say:x"], ['"x"']),
    ("2.2-forward-back", field(
      grammar(
      '<rule id="a">x</rule><rule id="r"><ruleref uri="#a"/> <ruleref uri="#b"/></rule>'
      '<rule id="b">y</rule>')), ["say:x y"], ['"x y"']),
    ("2.2.2-ext-fragment", field(rule('<ruleref uri="g.grxml#m"/>')), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>')}),
    ("2.2.2-ext-root", field(rule('<ruleref uri="g.grxml"/>')), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m">x</rule>')}),
    ("2.2.2-ext-absolute", field(rule('<ruleref uri="http://app.example/g.grxml#m"/>')), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>')}),
    ("2.2.2-ext-private", field(rule('<ruleref uri="g.grxml#p"/>')), ["say:y"], ["error.badfetch"], {
      "g.grxml": external('<rule id="m" scope="public">x</rule><rule id="p" scope="private">y</rule>')}),
    ("2.2.2-ext-private-by-default", field(rule('<ruleref uri="g.grxml#p"/>')), ["say:y"], ["error.badfetch"],
     {"g.grxml": external('<rule id="m" scope="public">x</rule><rule id="p">y</rule>')}),
    ("2.2.2-ext-private-root-by-default-fragment", field(rule('<ruleref uri="g.grxml#m"/>')), ["say:x"],
     ["error.badfetch"], {"g.grxml": external('<rule id="m">x</rule>')}),
    ("2.2.2-ext-no-root", field(rule('<ruleref uri="g.grxml"/>')), ["say:x"], ["error.badfetch"],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>', "")}),
    ("2.2.2-ext-undefined-rule", field(rule('<ruleref uri="g.grxml#zz"/>')), ["say:x"], ["error.badfetch"],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>')}),
    ("2.2.2-ext-404", field(rule('<ruleref uri="g.grxml#zz"/>')), ["say:x"], ["error.badfetch.http.404"]),
    ("2.2.2-ext-mode-conflict", field(rule('<ruleref uri="g.grxml#m"/>')), ["say:1"], ["error.badfetch"],
     {"g.grxml": external('<rule id="m" scope="public">1</rule>', mode='mode="dtmf"')}),
    ("2.2.2-mutual-ext-recursion-right", field(rule('<ruleref uri="g.grxml#m"/>')), ["say:x y x"], ['"x y x"'], {
      "g.grxml": external(
      '<rule id="m" scope="public">x <item repeat="0-1">'
      '<ruleref uri="h.grxml#n"/></item></rule>'),
      "h.grxml": external(
      ('<rule id="n" scope="public">y <item repeat="0-1">'
      '<ruleref uri="g.grxml#m"/></item></rule>'),
      "")}),
    ("2.2.2-ext-type-attr", field(rule('<ruleref uri="g.grxml#m" type="application/srgs+xml"/>')), ["say:x"],
     ['"x"'], {"g.grxml": external('<rule id="m" scope="public">x</rule>')}),
    ("2.2.2-ext-relative-to-grammar", field('<grammar src="d/g.grxml"/>'), ["say:y"], ['"y"'], {
      "d/g.grxml": external('<rule id="m"><ruleref uri="h.grxml"/></rule>'),
      "d/h.grxml": external('<rule id="m">y</rule>')}),
    ("2.2.2-xml-base", field('<grammar src="g.grxml"/>'), ["say:y"], ['"y"'], {
      "g.grxml": ('<grammar version="1.0" root="m" xml:base="http://app.example/d/"><rule id="m">'
      '<ruleref uri="h.grxml"/></rule></grammar>'),
      "d/h.grxml": external('<rule id="m">y</rule>')}),
    ("2.2.2-self-by-own-url", field('<grammar src="g.grxml"/>'), ["say:y"], ['"y"'], {
      "g.grxml": external('<rule id="m"><ruleref uri="g.grxml#p"/></rule><rule id="p" scope="public">y</rule>')}),
    ("2.2-both-uri-special", field(rule('<ruleref uri="#a" special="NULL"/>', '<rule id="a">x</rule>')), ["say:x"],
     ["error.badfetch"]),
    ("2.2-neither", field(rule("<ruleref/>")), ["say:x"], ["error.badfetch"]),
    ("2.2.3-null", field(rule('a<ruleref special="NULL"/>b')), ["say:a b"], ['"a b"']),
    ("2.2.3-void-alt", field(rule('<one-of><item>a <ruleref special="VOID"/></item><item>b</item></one-of>')),
     ["say:a"], ["nomatch"]),
    ("2.2.3-void-alt2", field(rule('<one-of><item>a <ruleref special="VOID"/></item><item>b</item></one-of>')),
     ["say:b"], ['"b"']),
    ("2.2.3-garbage-mid", field(rule('a<ruleref special="GARBAGE"/>b')), ["say:a um er b"], ['"a um er b"']),
    ("2.2.3-garbage-none", field(rule('a<ruleref special="GARBAGE"/>b')), ["say:a b"], ['"a b"']),
    ("2.2.3-garbage-no", field(rule('a<ruleref special="GARBAGE"/>b')), ["say:a um c"], ["nomatch"]),
    ("2.2.3-unknown-special", field(rule('<ruleref special="FOO"/>')), ["say:a"], ["error.badfetch"]),
    ("2.2.3-special-lower", field(rule('<ruleref special="null"/>')), ["say:a"], ["error.badfetch"]),
    ("2.2.3-redefine-null", field(grammar('<rule id="r">a</rule><rule id="NULL">b</rule>')), ["say:a"],
     ["error.badfetch"]),
    ("2.3-item-seq", field(rule('<item>a</item><item>b</item> c <ruleref uri="#d"/>', '<rule id="d">d</rule>')),
     ["say:a b c d"], ['"a b c d"']),
    ("2.3-wrong-order", field(rule("<item>a</item><item>b</item>")), ["say:b a"], ["nomatch"]),
    ("2.3-partial", field(rule("<item>a</item><item>b</item>")), ["say:a"], ["nomatch"]),
    ("2.3-extra", field(rule("<item>a</item>")), ["say:a b"], ["nomatch"]),
    ("2.3-empty-item", field(rule("a<item/>b")), ["say:a b"], ['"a b"']),
    ("2.3-empty-rule", field(grammar('<rule id="r"/>')), ["say:a"], ["error.badfetch"]),
    ("2.4-first", field(rule("<one-of><item>a</item><item>b</item></one-of>")), ["say:a"], ['"a"']),
    ("2.4-second", field(rule("<one-of><item>a</item><item>b</item></one-of>")), ["say:b"], ['"b"']),
    ("2.4-both-no", field(rule("<one-of><item>a</item><item>b</item></one-of>")), ["say:a b"], ["nomatch"]),
    ("2.4-prefix-alt-longest", field(rule("<one-of><item>a</item><item>a b</item></one-of>")), ["say:a b"], ['"a b"']),
    ("2.4-nested", field(rule("<one-of><item><one-of><item>a</item></one-of></item><item>b</item></one-of>")),
     ["say:a"], ['"a"']),
    ("2.4-weight-forms", field(
      rule(
      '<one-of><item weight="10">a</item><item weight="2.5">b</item>'
      '<item weight=".1">c</item><item weight="3.">d</item></one-of>')), ["say:d"], ['"d"']),
    ("2.4-weight-neg", field(rule('<one-of><item weight="-1">a</item></one-of>')), ["say:a"], ["error.badfetch"]),
    ("2.4-weight-word", field(rule('<one-of><item weight="big">a</item></one-of>')), ["say:a"], ["error.badfetch"]),
    ("2.4-weight-exp", field(rule('<one-of><item weight="1e3">a</item></one-of>')), ["say:a"], ["error.badfetch"]),
    ("2.4-empty-one-of", field(rule("<one-of></one-of>")), ["say:a"], ["error.badfetch"]),
    ("2.4-text-in-one-of", field(rule("<one-of>a<item>b</item></one-of>")), ["say:a"], ["error.badfetch"]),
    ("2.4-alt-in-one-of-not-item", field(rule("<one-of><token>b</token></one-of>")), ["say:b"], ["error.badfetch"]),
    ("2.5-2-x2", field(rule('<item repeat="2">1</item>#', mode="dtmf")), ["11#"], ['"11#"']),
    ("2.5-2-no1", field(rule('<item repeat="2">1</item>#', mode="dtmf")), ["1#"], ["nomatch"]),
    ("2.5-2-no3", field(rule('<item repeat="2">1</item>#', mode="dtmf")), ["111#"], ["nomatch"]),
    ("2.5-0-1-x1", field(rule('<item repeat="0-1">1</item>#', mode="dtmf")), ["1#"], ['"1#"']),
    ("2.5-0-1-no2", field(rule('<item repeat="0-1">1</item>#', mode="dtmf")), ["11#"], ["nomatch"]),
    ("2.5-1-x1", field(rule('<item repeat="1-">1</item>#', mode="dtmf")), ["1#"], ['"1#"']),
    ("2.5-1-x5", field(rule('<item repeat="1-">1</item>#', mode="dtmf")), ["11111#"], ['"11111#"']),
    ("2.5-2-3-x2", field(rule('<item repeat="2-3">1</item>#', mode="dtmf")), ["11#"], ['"11#"']),
    ("2.5-2-3-x3", field(rule('<item repeat="2-3">1</item>#', mode="dtmf")), ["111#"], ['"111#"']),
    ("2.5-2-3-no1", field(rule('<item repeat="2-3">1</item>#', mode="dtmf")), ["1#"], ["nomatch"]),
    ("2.5-2-3-no4", field(rule('<item repeat="2-3">1</item>#', mode="dtmf")), ["1111#"], ["nomatch"]),
    ("2.5-0-x1", field(rule('<item repeat="0-">1</item>#', mode="dtmf")), ["1#"], ['"1#"']),
    ("2.5-0-x4", field(rule('<item repeat="0-">1</item>#', mode="dtmf")), ["1111#"], ['"1111#"']),
    ("2.5-3-3-x3", field(rule('<item repeat="3-3">1</item>#', mode="dtmf")), ["111#"], ['"111#"']),
    ("2.5-3-3-no2", field(rule('<item repeat="3-3">1</item>#', mode="dtmf")), ["11#"], ["nomatch"]),
    ("2.5-1-1-x1", field(rule('<item repeat="1-1">1</item>#', mode="dtmf")), ["1#"], ['"1#"']),
    ("2.5-1-1-no2", field(rule('<item repeat="1-1">1</item>#', mode="dtmf")), ["11#"], ["nomatch"]),
    ("2.5-0-1-zero", field(rule('<item repeat="0-1">1</item>#', mode="dtmf")), ["#"], ['"#"']),
    ("2.5-0-zero", field(rule('<item repeat="0-">1</item>#', mode="dtmf")), ["#"], ['"#"']),
    ("2.5-0", field(rule('<item repeat="0">1</item>#', mode="dtmf")), ["#"], ['"#"']),
    ("2.5-0-0", field(rule('<item repeat="0-0">1</item>#', mode="dtmf")), ["#"], ['"#"']),
    ("2.5-ws", field(rule('<item repeat=" 1 - 2 ">1</item>#', mode="dtmf")), ["11#"], ['"11#"']),
    ("2.5-bad-1", field(rule('<item repeat="-1">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-a", field(rule('<item repeat="a">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-1-0", field(rule('<item repeat="1-0">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-1-2", field(rule('<item repeat="1,2">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad", field(rule('<item repeat="">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-2", field(rule('<item repeat="-">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-1.5", field(rule('<item repeat="1.5">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-3-2", field(rule('<item repeat="3-2">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-bad-3", field(rule('<item repeat="*">1</item>', mode="dtmf")), ["1"], ["error.badfetch"]),
    ("2.5-prob", field(rule('<item repeat="0-1" repeat-prob="0.6">1</item>#', mode="dtmf")), ["1#"], ['"1#"']),
    ("2.5-prob-bad", field(rule('<item repeat="0-1" repeat-prob="1.6">1</item>#', mode="dtmf")), ["1#"],
     ["error.badfetch"]),
    ("2.5-prob-word", field(rule('<item repeat="0-1" repeat-prob="x">1</item>#', mode="dtmf")), ["1#"],
     ["error.badfetch"]),
    ("2.5-nested", field(rule('<item repeat="2"><item repeat="2">1</item>2</item>', mode="dtmf")), ["112112"],
     ['"112112"']),
    ("2.5-repeat-of-alts", field(
      rule('<item repeat="2-3"><one-of><item>1</item><item>2</item></one-of></item>', mode="dtmf")), ["121"],
     ['"121"']),
    ("2.5-repeat-of-null", field(rule('<item repeat="0-"><ruleref special="NULL"/></item>1', mode="dtmf")), ["1"],
     ['"1"']),
    ("2.5-repeat-void-opt", field(rule('<item repeat="0-1"><ruleref special="VOID"/></item>1', mode="dtmf")), ["1"],
     ['"1"']),
    ("2.5-huge-max", field(rule('<item repeat="1-999999">1</item>', mode="dtmf")), ["111"], ['"111"']),
    ("3.1-dup", field(grammar('<rule id="r">a</rule><rule id="r">b</rule>')), ["say:a"], ["error.badfetch"]),
    ("3.1-no-id", field(grammar('<rule id="r">a</rule><rule>b</rule>')), ["say:a"], ["error.badfetch"]),
    ("3.1-name-a.b", field(grammar('<rule id="r">a</rule><rule id="a.b">b</rule>')), ["say:a"], ["error.badfetch"]),
    ("3.1-name-a-b", field(grammar('<rule id="r">a</rule><rule id="a:b">b</rule>')), ["say:a"], ["error.badfetch"]),
    ("3.1-name-a-b-2", field(grammar('<rule id="r">a</rule><rule id="a-b">b</rule>')), ["say:a"], ["error.badfetch"]),
    ("3.1-name-a", field(grammar('<rule id="r"><ruleref uri="#_a"/></rule><rule id="_a">b</rule>')), ["say:b"],
     ['"b"']),
    ("3.1-name-a1", field(grammar('<rule id="r"><ruleref uri="#a1"/></rule><rule id="a1">b</rule>')), ["say:b"],
     ['"b"']),
    ("3.1-name-t", field(grammar('<rule id="r"><ruleref uri="#été"/></rule><rule id="été">b</rule>')), ["say:b"],
     ['"b"']),
    ("3.1-name-a-b-3", field(grammar('<rule id="r"><ruleref uri="#A_b"/></rule><rule id="A_b">b</rule>')), ["say:b"],
     ['"b"']),
    ("3.1-case-sens", field(grammar('<rule id="r"><ruleref uri="#A"/></rule><rule id="a">b</rule>')), ["say:b"],
     ["error.badfetch"]),
    ("3.1-case-two", field(
      grammar('<rule id="r"><ruleref uri="#A"/></rule><rule id="a">b</rule><rule id="A">c</rule>')), ["say:c"],
     ['"c"']),
    ("3.2-bad-scope", field(grammar('<rule id="r" scope="global">a</rule>')), ["say:a"], ["error.badfetch"]),
    ("3.3-example", field(rule("<example>a b</example><example>c</example> a b")), ["say:a b"], ['"a b"']),
    ("3-unused-rule-bad-ref", field(grammar('<rule id="r">a</rule><rule id="z"><ruleref uri="#nope"/></rule>')),
     ["say:a"], ["error.badfetch"]),
    ("4-meta-etc", field(
      grammar(
      '<meta name="a" content="b"/><meta http-equiv="x" content="y"/><metadata>'
      '<x xmlns="urn:x"/></metadata><lexicon uri="l.file"/><rule id="r">a</rule>')), ["say:a"], ['"a"']),
    ("4.1-version-2", field('<grammar version="2.0" root="r"><rule id="r">a</rule></grammar>'), ["say:a"],
     ["error.badfetch"]),
    ("4.6-mode-bad", field('<grammar version="1.0" mode="touch" root="r"><rule id="r">a</rule></grammar>'),
     ["say:a"], ["error.badfetch"]),
    ("4.7-root-undefined", field('<grammar version="1.0" root="q"><rule id="r">a</rule></grammar>'), ["say:a"],
     ["error.badfetch"]),
    ("4.7-no-root-inline", field('<grammar version="1.0"><rule id="r" scope="public">a</rule></grammar>'), ["say:a"],
     ["error.badfetch"]),
    ("4.7-ext-no-root-by-src", field('<grammar src="g.grxml"/>'), ["say:x"], ["error.badfetch"],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>', "")}),
    ("4.7-ext-by-src-fragment", field('<grammar src="g.grxml#m"/>'), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>', "")}),
    ("4.7-ext-by-src-private", field('<grammar src="g.grxml#m"/>'), ["say:x"], ["error.badfetch"],
     {"g.grxml": external('<rule id="m">x</rule>', "")}),
    ("4.7-ext-private-root-ok", field('<grammar src="g.grxml"/>'), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m" scope="private">x</rule>')}),
    ("4-unknown-el", field(grammar('<foo/><rule id="r">a</rule>')), ["say:a"], ["error.badfetch"]),
    ("4-text-in-grammar", field(grammar('junk<rule id="r">a</rule>')), ["say:a"], ["error.badfetch"]),
    ("4-no-rules", field('<grammar version="1.0" root="r"><meta name="a" content="b"/></grammar>'), ["say:a"],
     ["error.badfetch"]),
    ("4-ext-no-xmlns", field('<grammar src="g.grxml"/>'), ["say:x"], ['"x"'], {
      "g.grxml": '<?xml version="1.0"?><grammar version="1.0" root="m"><rule id="m">x</rule></grammar>'}),
    ("4-ext-doctype", field('<grammar src="g.grxml"/>'), ["say:x"], ['"x"'], {
      "g.grxml": ('<?xml version="1.0"?>'
      '<!DOCTYPE grammar PUBLIC "-//W3C//DTD GRAMMAR 1.0//EN" '
      '"http://www.w3.org/TR/speech-grammar/grammar.dtd"><grammar version="1.0" root="m">'
      '<rule id="m">x</rule></grammar>')}),
    ("4-ext-malformed", field('<grammar src="g.grxml"/>'), ["say:x"], ["error.badfetch"],
     {"g.grxml": '<grammar version="1.0" root="m"><rule id="m">x'}),
    ("recursion-right", field(rule('a <item repeat="0-1"><ruleref uri="#r"/></item>')), ["say:a a a"], ['"a a a"']),
    ("recursion-mid", field(rule('a <item repeat="0-1"><ruleref uri="#r"/></item> b')), ["say:a a b b"],
     ['"a a b b"']),
    ("recursion-mid-no", field(rule('a <item repeat="0-1"><ruleref uri="#r"/></item> b')), ["say:a a b"], ["nomatch"]),
    ("recursion-right-60", field(rule('1 <item repeat="0-1"><ruleref uri="#r"/></item>', mode="dtmf")),
     ["111111111111111111111111111111111111111111111111111111111111"],
     ['"111111111111111111111111111111111111111111111111111111111111"']),
    ("recursion-left", field(rule('<item repeat="0-1"><ruleref uri="#r"/></item> a')), ["say:a a"],
     ["error.badfetch"]),
]  # fmt: skip


def test_srgs_the_xml_form_by_section(call: Call, wrap: Wrap) -> None:
    """What it says is heard, and what it must not say is error.badfetch."""
    assert dict(different(call, wrap, MATCHED)) == {}
