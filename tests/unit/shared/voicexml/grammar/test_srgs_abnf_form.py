"""The ABNF form of grammars (SRGS 1.0), case by case through a field of an application; ids begin with its section."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

Call = Callable[..., SimpleNamespace]
Wrap = Callable[..., str]

BASE = "http://app.example/"
URL = BASE + "start.vxml"


def abnf(rules: str, header: str = "") -> str:
    """Make an inline grammar in the ABNF form, whose root is r."""
    return f'<grammar type="application/srgs"><![CDATA[#ABNF 1.0;{header} root $r;\n{rules}]]></grammar>'


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
    ("2.1-token", field(abnf("$r = hello;")), ["say:hello"], ['"hello"']),
    ("2.1-quoted-2", field(abnf('$r = "san francisco";')), ["say:san francisco"], ['"san francisco"']),
    ("2.1-quoted-ws-2", field(abnf('$r = "  san   francisco ";')), ["say:san francisco"], ['"san francisco"']),
    ("2.1-quoted-reserved", field(abnf('$r = "hello; world";')), ["say:hello world"], ['"hello world"']),
    ("2.1-token-lang", field(abnf("$r = hello!en-GB;")), ["say:hello"], ['"hello"']),
    ("2.1-quoted-lang", field(abnf('$r = "bonjour"!fr-CA tout;')), ["say:bonjour tout"], ['"bonjour tout"']),
    ("2.1-group-lang", field(abnf("$r = (oui | si)!fr-CA;")), ["say:si"], ['"si"']),
    ("2.1-group-lang-repeat", field(abnf("$r = (oui | si)!fr-CA<1-2>;")), ["say:si si"], ['"si si"']),
    ("2.1-group-rep-lang", field(abnf("$r = (oui | si)<1-2>!fr-CA;")), ["say:si si"], ['"si si"']),
    ("2.1-dtmf-star-quoted", field(abnf('$r = "*" "#";', " mode dtmf;")), ["*#"], ['"*#"']),
    ("2.1-dtmf-star-name", field(abnf("$r = star pound 5;", " mode dtmf;")), ["*#5"], ['"*#5"']),
    ("2.1-dtmf-dtmf-star", field(abnf("$r = dtmf-star dtmf-5;", " mode dtmf;")), ["*5"], ['"*5"']),
    ("2.1-unicode-2", field(abnf("$r = zürich;")), ["say:zürich"], ['"zürich"']),
    ("2.1-apostrophe-2", field(abnf("$r = o'clock;")), ["say:o'clock"], ['"o\'clock"']),
    ("2.1-hyphen-2", field(abnf("$r = mother-in-law;")), ["say:mother-in-law"], ['"mother-in-law"']),
    ("2.1-period", field(abnf("$r = st. louis;")), ["say:st louis"], ['"st louis"']),
    ("2.1-comma", field(abnf("$r = yes, please;")), ["say:yes please"], ['"yes please"']),
    ("2.1-at", field(abnf("$r = a & b;")), ["say:a & b"], ['"a & b"']),
    ("2.2-local-2", field(abnf("$r = $a $b; $a = x; $b = y;")), ["say:x y"], ['"x y"']),
    ("2.2-local-lang", field(abnf("$r = $a!en-GB; $a = x;")), ["say:x"], ['"x"']),
    ("2.2.2-frag", field(abnf("$r = $<g.gram#m>;")), ["say:x"], ['"x"'],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-frag-abs", field(abnf("$r = $<http://app.example/g.gram#m>;")), ["say:x"], ['"x"'],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-root", field(abnf("$r = $<g.gram>;")), ["say:x"], ['"x"'],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-private", field(abnf("$r = $<g.gram#p>;")), ["say:y"], ["error.badfetch"],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-undefined", field(abnf("$r = $<g.gram#zz>;")), ["say:y"], ["error.badfetch"],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-media", field(abnf("$r = $<g.gram#m>~<application/srgs>;")), ["say:x"], ['"x"'],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-media-root", field(abnf("$r = $<g.gram>~<application/srgs> z;")), ["say:x z"], ['"x z"'],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-to-xml", field(abnf("$r = $<g.grxml#m>;")), ["say:x"], ['"x"'],
     {"g.grxml": external('<rule id="m" scope="public">x</rule>')}),
    ("2.2.2-base", field(abnf("$r = $<g.gram#m>;", " base <http://app.example/d/>;")), ["say:x"], ['"x"'],
     {"d/g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-repeat-of-ext", field(abnf("$r = $<g.gram#m><2>;")), ["say:x x"], ['"x x"'],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.2-mode-conflict", field(abnf("$r = $<g.gram#m>;", " mode dtmf;")), ["1"], ["error.badfetch"],
     {"g.gram": "#ABNF 1.0;\nroot $m;\npublic $m = x;\n$p = y;"}),
    ("2.2.3-null-2", field(abnf("$r = a $NULL b;")), ["say:a b"], ['"a b"']),
    ("2.2.3-void", field(abnf("$r = a | b $VOID;")), ["say:b"], ["nomatch"]),
    ("2.2.3-garbage", field(abnf("$r = a $GARBAGE b;")), ["say:a um b"], ['"a um b"']),
    ("2.2.3-redefine", field(abnf("$r = a; $VOID = b;")), ["say:a"], ["error.badfetch"]),
    ("2.3-group", field(abnf("$r = (a b) c;")), ["say:a b c"], ['"a b c"']),
    ("2.3-empty-group", field(abnf("$r = a () b;")), ["say:a b"], ['"a b"']),
    ("2.3", field(abnf("$r = a ( ) b;")), ["say:a b"], ['"a b"']),
    ("2.4-alts", field(abnf("$r = a | b | c d;")), ["say:c d"], ['"c d"']),
    ("2.4-precedence", field(abnf("$r = a b | c;")), ["say:a c"], ["nomatch"]),
    ("2.4-weights", field(abnf("$r = /10/ a | /2.5/ b | /.1/ c | /3./ d;")), ["say:d"], ['"d"']),
    ("2.4-weight-in-group", field(abnf("$r = x (/10/ a | /2/ b);")), ["say:x b"], ['"x b"']),
    ("2.4-weight-neg-2", field(abnf("$r = /-1/ a | b;")), ["say:a"], ["error.badfetch"]),
    ("2.4-weight-bad", field(abnf("$r = /1.2.3/ a | b;")), ["say:a"], ["error.badfetch"]),
    ("2.4-empty-alt", field(abnf("$r = a | ;")), ["say:a"], ["error.badfetch"]),
    ("2.4-leading", field(abnf("$r = | a;")), ["say:a"], ["error.badfetch"]),
    ("2.4", field(abnf("$r = a || b;")), ["say:a"], ["error.badfetch"]),
    ("2.4-explicit-null-alt", field(abnf("$r = x (a | $NULL);")), ["say:x"], ['"x"']),
    ("2.5-2-2", field(abnf("$r = 1<2> #;", " mode dtmf;")), ["11#"], ['"11#"']),
    ("2.5-2-no-1", field(abnf("$r = 1 <2> #;", " mode dtmf;")), ["1#"], ["nomatch"]),
    ("2.5-2-no-3", field(abnf("$r = 1 <2> #;", " mode dtmf;")), ["111#"], ["nomatch"]),
    ("2.5-0-1-1", field(abnf("$r = 1<0-1> #;", " mode dtmf;")), ["1#"], ['"1#"']),
    ("2.5-0-1-no-2", field(abnf("$r = 1 <0-1> #;", " mode dtmf;")), ["11#"], ["nomatch"]),
    ("2.5-1-1", field(abnf("$r = 1<1-> #;", " mode dtmf;")), ["1#"], ['"1#"']),
    ("2.5-1-5", field(abnf("$r = 1<1-> #;", " mode dtmf;")), ["11111#"], ['"11111#"']),
    ("2.5-2-3-2", field(abnf("$r = 1<2-3> #;", " mode dtmf;")), ["11#"], ['"11#"']),
    ("2.5-2-3-3", field(abnf("$r = 1<2-3> #;", " mode dtmf;")), ["111#"], ['"111#"']),
    ("2.5-2-3-no-1", field(abnf("$r = 1 <2-3> #;", " mode dtmf;")), ["1#"], ["nomatch"]),
    ("2.5-2-3-no-4", field(abnf("$r = 1 <2-3> #;", " mode dtmf;")), ["1111#"], ["nomatch"]),
    ("2.5-0-3", field(abnf("$r = 1<0-> #;", " mode dtmf;")), ["111#"], ['"111#"']),
    ("2.5-0-1-0.6-1", field(abnf("$r = 1<0-1 /0.6/> #;", " mode dtmf;")), ["1#"], ['"1#"']),
    ("2.5-0-1-0.6-no-2", field(abnf("$r = 1 <0-1 /0.6/> #;", " mode dtmf;")), ["11#"], ["nomatch"]),
    ("2.5-3-.5-3", field(abnf("$r = 1<3 /.5/> #;", " mode dtmf;")), ["111#"], ['"111#"']),
    ("2.5-1-0.25-2", field(abnf("$r = 1<1- /0.25/> #;", " mode dtmf;")), ["11#"], ['"11#"']),
    ("2.5-2-3-2-2", field(abnf("$r = 1< 2 - 3 > #;", " mode dtmf;")), ["11#"], ['"11#"']),
    ("2.5-2-3-2-3", field(abnf("$r = 1<2 -3> #;", " mode dtmf;")), ["11#"], ['"11#"']),
    ("2.5-opt", field(abnf("$r = [1] 2;", " mode dtmf;")), ["2"], ['"2"']),
    ("2.5-opt2", field(abnf("$r = [1] 2;", " mode dtmf;")), ["12"], ['"12"']),
    ("2.5-opt-group", field(abnf("$r = [1 | 3 4] 2;", " mode dtmf;")), ["342"], ['"342"']),
    ("2.5-on-group", field(abnf("$r = (1 2)<2>;", " mode dtmf;")), ["1212"], ['"1212"']),
    ("2.5-on-last-only", field(abnf("$r = 1 2<2>;", " mode dtmf;")), ["122"], ['"122"']),
    ("2.5-on-rule", field(abnf("$r = $d<4>; $d = 0|1|2;", " mode dtmf;")), ["0120"], ['"0120"']),
    ("2.5-on-opt", field(abnf("$r = [1]<2> 2;", " mode dtmf;")), ["112"], ['"112"']),
    ("2.5-0-2", field(abnf("$r = 1<0-> 2;", " mode dtmf;")), ["2"], ['"2"']),
    ("2.5-bad-a-2", field(abnf("$r = 1<a>;", " mode dtmf;")), ["1"], ["error.badfetch"]),
    ("2.5-bad-1-3", field(abnf("$r = 1<-1>;", " mode dtmf;")), ["1"], ["error.badfetch"]),
    ("2.5-bad-2-1", field(abnf("$r = 1<2-1>;", " mode dtmf;")), ["1"], ["error.badfetch"]),
    ("2.5-bad-4", field(abnf("$r = 1<>;", " mode dtmf;")), ["1"], ["error.badfetch"]),
    ("2.5-prob-bad-2", field(abnf("$r = 1<0-1 /1.5/>;", " mode dtmf;")), ["1"], ["error.badfetch"]),
    ("2.6-tag", field(abnf('$r = a {out = "X";};', " tag-format <semantics/1.0>;")), ["say:a"], ['"X"']),
    ("2.6-tag-braces", field(abnf('$r = a {!{ if (true) { out = "X"; } }!};', " tag-format <semantics/1.0>;")),
     ["say:a"], ['"X"']),
    ("2.6-tag-on-group", field(abnf('$r = (a b) {out = "X";} | c {out="Y";};', " tag-format <semantics/1.0>;")),
     ["say:c"], ['"Y"']),
    ("2.6-literal", field(abnf("$r = yes {yes!} | yep {yes!};", " tag-format <semantics/1.0-literals>;")),
     ["say:yep"], ['"yes!"']),
    ("2.6-literal-braces", field(abnf("$r = yes {!{a{b}c}!};", " tag-format <semantics/1.0-literals>;")),
     ["say:yes"], ['"a{b}c"']),
    ("2.6-literal-quotes", field(abnf('$r = yes {"quoted"};', " tag-format <semantics/1.0-literals>;")), ["say:yes"],
     ['"\\"quoted\\""']),
    ("2.6-tag-with-and", field(abnf("$r = yes {a;b|c};", " tag-format <semantics/1.0-literals>;")), ["say:yes"],
     ['"a;b|c"']),
    ("2.6-tag-with", field(abnf("$r = yes {http://x/};", " tag-format <semantics/1.0-literals>;")), ["say:yes"],
     ['"http://x/"']),
    ("2.8-unary-precedence", field(abnf("$r = a b<0-1> c;")), ["say:a c"], ['"a c"']),
    ("2.8-tag-binds", field(abnf("$r = a {1} b {2};", " tag-format <semantics/1.0-literals>;")), ["say:a b"], ['"2"']),
    ("3-public-private", field(abnf("public $r = $a; private $a = x;")), ["say:x"], ['"x"']),
    ("3-dup", field(abnf("$r = a; $r = b;")), ["say:a"], ["error.badfetch"]),
    ("3-undefined", field(abnf("$r = $zz;")), ["say:a"], ["error.badfetch"]),
    ("3-bad-name", field(abnf("$r = $a-b; $a-b = c;")), ["say:c"], ["error.badfetch"]),
    ("3-bad-name-.", field(abnf("$r = $a.b; $a.b = c;")), ["say:c"], ["error.badfetch"]),
    ("3-no-semicolon", field(abnf("$r = a")), ["say:a"], ["error.badfetch"]),
    ("3-missing", field(abnf("$r a;")), ["say:a"], ["error.badfetch"]),
    ("3-doc-comment", field(abnf("/**\n * A command.\n * @example open a window\n */\n$r = a;")), ["say:a"], ['"a"']),
    ("3-comments", field(abnf("$r = a // c\n | b /* d ; */ ;")), ["say:b"], ['"b"']),
    ("3-comment-at-end", field(abnf("$r = a; // the end")), ["say:a"], ['"a"']),
    ("3-unclosed-comment", field(abnf("$r = a; /* the end")), ["say:a"], ["error.badfetch"]),
    ("3-url-in-comment", field(abnf("// http://x/\n$r = a;")), ["say:a"], ['"a"']),
    ("4-header-enc", field("<grammar><![CDATA[#ABNF 1.0 UTF-8;\nroot $r; $r = a;]]></grammar>"), ["say:a"], ['"a"']),
    ("4-header-latin", field("<grammar><![CDATA[#ABNF 1.0 ISO-8859-1;\nroot $r; $r = a;]]></grammar>"), ["say:a"],
     ['"a"']),
    ("4-header-version", field("<grammar><![CDATA[#ABNF 2.0;\nroot $r; $r = a;]]></grammar>"), ["say:a"],
     ["error.badfetch"]),
    ("4-header-no-semicolon", field("<grammar><![CDATA[#ABNF 1.0\nroot $r; $r = a;]]></grammar>"), ["say:a"],
     ["error.badfetch"]),
    ("4-all-decls", field(
      '<grammar><![CDATA[#ABNF 1.0;\nlanguage en-US;\nmode voice;\nroot $r;\ntag-format '
      '<semantics/1.0>;\nbase <http://x.example/>;\nlexicon <http://x.example/l.file>~'
      '<application/lex>;\nlexicon '
      '<l2.file>;\nmeta "Author" is "S. Holmes";\nhttp-equiv "Date" is "x; y";\n{var '
      'g = 1;};\n$r = a {out = g;};]]></grammar>'), ["say:a"], ["1"]),
    ("4-order-any", field(
      "<grammar>"
      "<![CDATA[#ABNF 1.0;\nroot $r;\nmode voice;\nlanguage en-US;\n$r = a;]]></grammar>"), ["say:a"], ['"a"']),
    ("4-dup-mode", field("<grammar><![CDATA[#ABNF 1.0;\nmode voice; mode dtmf; root $r;\n$r = 1;]]></grammar>"),
     ["1"], ["error.badfetch"]),
    ("4-dup-root", field("<grammar><![CDATA[#ABNF 1.0;\nroot $r; root $q;\n$r = a; $q = b;]]></grammar>"), ["say:a"],
     ["error.badfetch"]),
    ("4-dup-lang", field("<grammar><![CDATA[#ABNF 1.0;\nlanguage en; language fr; root $r;\n$r = a;]]></grammar>"),
     ["say:a"], ["error.badfetch"]),
    ("4-unknown-decl", field("<grammar><![CDATA[#ABNF 1.0;\nfoo bar; root $r;\n$r = a;]]></grammar>"), ["say:a"],
     ["error.badfetch"]),
    ("4-root-undefined", field("<grammar><![CDATA[#ABNF 1.0;\nroot $q;\n$r = a;]]></grammar>"), ["say:a"],
     ["error.badfetch"]),
    ("4-no-root", field("<grammar><![CDATA[#ABNF 1.0;\n$r = a;]]></grammar>"), ["say:a"], ["error.badfetch"]),
    ("4-mode-bad", field("<grammar><![CDATA[#ABNF 1.0;\nmode touch; root $r;\n$r = a;]]></grammar>"), ["say:a"],
     ["error.badfetch"]),
    ("4-decl-after-rule", field("<grammar><![CDATA[#ABNF 1.0;\n root $r;\n$r = a; mode voice;]]></grammar>"),
     ["say:a"], ["error.badfetch"]),
    ("4-no-rules-2", field("<grammar><![CDATA[#ABNF 1.0;\n root $r;]]></grammar>"), ["say:a"], ["error.badfetch"]),
    ("4-mode-dtmf", field("<grammar><![CDATA[#ABNF 1.0;\nmode dtmf; root $r;\n$r = 1;]]></grammar>"), ["1"], ['"1"']),
    ("4-mode-attr", field('<grammar mode="dtmf">#ABNF 1.0; root $r; $r = 1;</grammar>'), ["1"], ['"1"']),
    ("4-mode-conflict", field(
      '<grammar mode="voice" type="application/srgs">#ABNF 1.0; mode dtmf; root '
      '$r; $r = 1;</grammar>'), ["1"], ["error.badfetch"]),
    ("4-ws-before", field("<grammar>\n\n   #ABNF 1.0; root $r; $r = a;</grammar>"), ["say:a"], ['"a"']),
    ("4-type-case", field('<grammar type="application/srgs; charset=utf-8">#ABNF 1.0; root $r; $r = a;</grammar>'),
     ["say:a"], ['"a"']),
    ("4-type-abnf-but-xml-content",
     field('<grammar type="application/srgs" root="r" version="1.0"><rule id="r">a</rule></grammar>'), ["say:a"],
     ["error.badfetch"]),
    ("4-text-neither", field("<grammar>yes | no</grammar>"), ["say:yes"], ["error.unsupported.format"]),
    ("4-jsgf", field('<grammar type="application/x-jsgf">yes | no</grammar>'), ["say:yes"],
     ["error.unsupported.format"]),
    ("4-jsgf-no-type", field("<grammar>#JSGF V1.0; grammar a; public &lt;a&gt; = yes;</grammar>"), ["say:yes"],
     ["error.unsupported.format"]),
    ("recursion-right-2", field(abnf("$r = a [$r];")), ["say:a a a"], ['"a a a"']),
    ("recursion-left-2", field(abnf("$r = [$r] a;")), ["say:a a a"], ["error.badfetch"]),
    ("rule-keyword-public-as-token", field(abnf("$r = public | private;")), ["say:private"], ['"private"']),
    ("token-is", field(abnf("$r = is root mode;")), ["say:is root mode"], ['"is root mode"']),
    ("tag-before", field(abnf('$r = {out="X"} a;', " tag-format <semantics/1.0>;")), ["say:a"], ['"X"']),
]  # fmt: skip


def test_srgs_the_abnf_form_by_section(call: Call, wrap: Wrap) -> None:
    """The same as the XML form, in its own words."""
    assert dict(different(call, wrap, MATCHED)) == {}
