"""What a match means (SISR 1.0), and what tags meant before there was a standard."""

from typing import Any

from tests.unit.shared.voicexml.grammar_calls import (
    LITERALS,
    SCRIPTS,
    Call,
    Wrap,
    different,
    field,
    grammar,
    rule,
)

STANDARD: list[tuple[Any, ...]] = [
    ("out-string", field(rule('a<tag>out = "x";</tag>', attributes=SCRIPTS)), ["say:a"], ['"x"']),
    ("out-number", field(rule("a<tag>out = 5;</tag>", attributes=SCRIPTS)), ["say:a"], ["5"]),
    ("out-bool", field(rule("a<tag>out = false;</tag>", attributes=SCRIPTS)), ["say:a"], ["false"]),
    ("out-array", field(rule("a<tag>out = [1,2];</tag>", attributes=SCRIPTS)), ["say:a"], ["[1,2]"]),
    ("out-prop", field(rule('a<tag>out.x = 1; out.y = "z";</tag>', attributes=SCRIPTS)), ["say:a"],
     ['{"x":1,"y":"z"}']),
    ("out-literal", field(rule("a<tag>out = {x:1};</tag>", attributes=SCRIPTS)), ["say:a"], ['{"x":1}']),
    ("no-semicolon", field(rule("a<tag>out.x = 1</tag> b<tag>out.y = 2</tag>", attributes=SCRIPTS)), ["say:a b"],
     ['{"x":1,"y":2}']),
    ("order", field(
      rule(
      'a<tag>out = "1";</tag> b<tag>out += "2";</tag> c<tag>out += "3";</tag>',
      attributes=SCRIPTS)), ["say:a b c"], ['"123"']),
    ("tag-first", field(
      rule(
      ('<tag>out = "d";</tag><one-of><item>yes<tag>out += "y";</tag></item><item>no'
      '<tag>out += "n";</tag></item></one-of>'),
      attributes=SCRIPTS)), ["say:no"], ['"dn"']),
    ("only-matched", field(
      rule(
      ('<one-of><item>yes<tag>out = "y";</tag></item><item>no'
      '<tag>out = "n";</tag></item></one-of>'),
      attributes=SCRIPTS)), ["say:yes"], ['"y"']),
    ("repeat-tag-each", field(
      rule('<tag>out.n = 0;</tag><item repeat="1-">a<tag>out.n++;</tag></item>', attributes=SCRIPTS)), ["say:a a a"],
     ['{"n":3}']),
    ("repeat-zero", field(
      rule(
      '<tag>out.n = 0;</tag><item repeat="0-">a<tag>out.n++;</tag></item> b',
      attributes=SCRIPTS)), ["say:b"], ['{"n":0}']),
    ("local-var", field(rule("<tag>var t = 1;</tag>a<tag>t += 1; out = t;</tag>", attributes=SCRIPTS)), ["say:a"],
     ["2"]),
    ("local-var-not-shared", field(
      rule(
      '<tag>var t = 1;</tag><ruleref uri="#d"/><tag>out = t + rules.d;</tag>',
      '<rule id="d">x<tag>out = typeof t;</tag></rule>',
      SCRIPTS)), ["say:x"], ['"1undefined"']),
    ("undeclared", field(rule("<tag>t = 1;</tag>a<tag>out = t;</tag>", attributes=SCRIPTS)), ["say:a"], ["1"]),
    ("rules.name", field(
      rule(
      '<ruleref uri="#d"/><tag>out = rules.d;</tag>',
      '<rule id="d">x<tag>out = "X";</tag></rule>',
      SCRIPTS)), ["say:x"], ['"X"']),
    ("rules.name-prop", field(
      rule(
      '<ruleref uri="#d"/><tag>out = rules.d.p;</tag>',
      '<rule id="d">x<tag>out.p = "X";</tag></rule>',
      SCRIPTS)), ["say:x"], ['"X"']),
    ("rules.latest", field(
      rule(
      '<ruleref uri="#d"/><tag>out = rules.latest();</tag>',
      '<rule id="d">x<tag>out = "X";</tag></rule>',
      SCRIPTS)), ["say:x"], ['"X"']),
    ("rules.latest-prop", field(
      rule(
      '<ruleref uri="#d"/><tag>out = rules.latest().p;</tag>',
      '<rule id="d">x<tag>out.p = "X";</tag></rule>',
      SCRIPTS)), ["say:x"], ['"X"']),
    ("latest-after-two", field(
      rule(
      '<ruleref uri="#d"/><ruleref uri="#e"/><tag>out = rules.latest() + rules.d;</tag>',
      '<rule id="d">x<tag>out = "X";</tag></rule><rule id="e">y<tag>out = "Y";</tag></rule>',
      SCRIPTS)), ["say:x y"], ['"YX"']),
    ("same-rule-twice", field(
      rule(
      ('<ruleref uri="#d"/><tag>out.a = rules.d;</tag> to <ruleref uri="#d"/>'
      '<tag>out.b = rules.d;</tag>'),
      ('<rule id="d"><one-of><item>x<tag>out = "X";</tag></item><item>y'
      '<tag>out = "Y";</tag></item></one-of></rule>'),
      SCRIPTS)), ["say:x to y"], ['{"a":"X","b":"Y"}']),
    ("rules-not-matched-undefined", field(
      rule(
      'a <item repeat="0-1"><ruleref uri="#d"/></item><tag>out = typeof rules.d;</tag>',
      '<rule id="d">x<tag>out = "X";</tag></rule>',
      SCRIPTS)), ["say:a"], ['"undefined"']),
    ("rules-by-reference", field(
      rule(
      '<ruleref uri="#d"/><tag>out.o = rules.d; rules.d.p = 2;</tag>',
      '<rule id="d">x<tag>out.p = 1;</tag></rule>',
      SCRIPTS)), ["say:x"], ['{"o":{"p":2}}']),
    ("default-no-tag-text-in-ref", field(
      rule(
      '<ruleref uri="#d"/><tag>out.v = rules.d;</tag>',
      '<rule id="d">new york</rule>',
      SCRIPTS)), ["say:new york"], ['{"v":"new york"}']),
    ("default-last-ref", field(
      rule(
      '<ruleref uri="#d"/> <ruleref uri="#e"/>',
      '<rule id="d">x<tag>out = "X";</tag></rule><rule id="e">y<tag>out = "Y";</tag></rule>',
      SCRIPTS)), ["say:x y"], ['"Y"']),
    ("default-last-ref-no-tags", field(
      rule(
      '<ruleref uri="#d"/> <ruleref uri="#e"/><tag>var z;</tag>',
      '<rule id="d">x</rule><rule id="e">y</rule>',
      SCRIPTS)), ["say:x y"], ["{}"]),
    ("default-nested", field(
      rule(
      '<ruleref uri="#d"/>',
      '<rule id="d"><ruleref uri="#e"/></rule><rule id="e">x<tag>out = "X";</tag></rule>',
      SCRIPTS)), ["say:x"], ['"X"']),
    ("default-sub-unmatched-tags", field(
      rule(
      '<ruleref uri="#d"/><tag>out = rules.d + "!";</tag>',
      ('<rule id="d"><ruleref uri="#e"/> <ruleref uri="#g"/></rule><rule id="e">x</rule>'
      '<rule id="g">y</rule>'),
      SCRIPTS)), ["say:x y"], ['"y!"']),
    ("meta.current", field(rule("a b<tag>out = meta.current().text;</tag>", attributes=SCRIPTS)), ["say:a b"],
     ['"a b"']),
    ("meta.current-score", field(rule("a b<tag>out = typeof meta.current().score;</tag>", attributes=SCRIPTS)),
     ["say:a b"], ['"number"']),
    ("meta.rule", field(
      rule(
      'x <ruleref uri="#d"/><tag>out = meta.d.text;</tag>',
      '<rule id="d">new york<tag>out = 1</tag></rule>',
      SCRIPTS)), ["say:x new york"], ['"new york"']),
    ("meta.rule-score", field(
      rule(
      'x <ruleref uri="#d"/><tag>out = typeof meta.d.score;</tag>',
      '<rule id="d">new york<tag>out = 1</tag></rule>',
      SCRIPTS)), ["say:x new york"], ['"number"']),
    ("meta.latest", field(
      rule(
      'x <ruleref uri="#d"/><tag>out = meta.latest().text;</tag>',
      '<rule id="d">new york<tag>out = 1</tag></rule>',
      SCRIPTS)), ["say:x new york"], ['"new york"']),
    ("meta-dtmf", field(
      rule(
      '<ruleref uri="#d"/> #<tag>out = meta.d.text + "/" + meta.current().text;</tag>',
      '<rule id="d">1 2</rule>',
      SCRIPTS,
      "dtmf")), ["12#"], ['"12/12#"']),
    ("digits-concat", field(
      rule(
      ('<tag>out = "";</tag><item repeat="3"><ruleref uri="#d"/>'
      '<tag>out += rules.d;</tag></item>'),
      '<rule id="d"><one-of><item>1</item><item>2</item><item>3</item></one-of></rule>',
      SCRIPTS,
      "dtmf")), ["123"], ['"123"']),
    ("global-fn", field(
      rule("a<tag>out = twice(4);</tag>", "<tag>function twice(x) { return 2 * x; }</tag>", SCRIPTS)), ["say:a"],
     ["8"]),
    ("global-var", field(grammar('<tag>var g = 7;</tag><rule id="r">a<tag>out = g;</tag></rule>', SCRIPTS)),
     ["say:a"], ["7"]),
    ("global-fn-2", field(
      grammar(
      ('<tag>function f2(x) { return x + "!"; }</tag><rule id="r">a'
      '<tag>out = f2("q");</tag></rule>'),
      SCRIPTS)), ["say:a"], ['"q!"']),
    ("global-shared", field(
      grammar(
      ('<tag>var n = 0;</tag><rule id="r"><item repeat="1-"><ruleref uri="#d"/></item>'
      '<tag>out = n;</tag></rule><rule id="d">a<tag>n++;</tag></rule>'),
      SCRIPTS)), ["say:a a a"], ["3"]),
    ("global-list", field(
      grammar(
      ('<tag>var all = [];</tag><rule id="r"><item repeat="1-"><ruleref uri="#d"/></item>'
      '<tag>out = all;</tag></rule><rule id="d"><one-of><item>a</item>'
      '<item>b</item></one-of><tag>all.push(meta.current().text);</tag></rule>'),
      SCRIPTS)), ["say:a b a"], ['["a","b","a"]']),
    ("global-undeclared", field(grammar('<tag>g = 7;</tag><rule id="r">a<tag>out = g;</tag></rule>', SCRIPTS)),
     ["say:a"], ["7"]),
    ("global-only-no-rule-tag", field(grammar('<tag>var g = 7;</tag><rule id="r">a</rule>', SCRIPTS)), ["say:a"],
     ['"a"']),
    ("global-fresh-each-time", ("<form><field name='a'>"
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><tag>var n = 0;</tag>'
      '<rule id="r">a<tag>n++; out = n;</tag></rule></grammar></field><field name=\'b\'>'
      '<grammar version="1.0" root="r" tag-format="semantics/1.0"><tag>var n = 0;</tag>'
      '<rule id="r">a<tag>n++; out = n;</tag></rule></grammar></field><filled>'
      "<log expr='a+b'/></filled></form>"), ["say:a", "say:a"], ["2"]),
    ("multi-global", field(
      grammar(
      ('<tag>var g = 1;</tag><tag>var h = g + 1;</tag><rule id="r">a'
      '<tag>out = h;</tag></rule>'),
      SCRIPTS)), ["say:a"], ["2"]),
    ("ext-own-global", field(
      grammar(
      ('<tag>var g = "main";</tag><rule id="r"><ruleref uri="g.grxml"/>'
      '<tag>out = g + rules.m + rules.latest();</tag></rule>'),
      SCRIPTS)), ["say:x"], ['"mainextext"'], {
      "g.grxml": ('<grammar version="1.0" root="m" tag-format="semantics/1.0">'
      '<tag>var g = "ext";</tag><rule id="m" scope="public">x'
      '<tag>out = g;</tag></rule></grammar>')}),
    ("ext-global-not-leak",
     field(rule('<ruleref uri="g.grxml#m"/><tag>out = typeof g + rules.m;</tag>', attributes=SCRIPTS)), ["say:x"],
     ['"undefinedext"'], {
      "g.grxml": ('<grammar version="1.0" root="m" tag-format="semantics/1.0">'
      '<tag>var g = "ext";</tag><rule id="m" scope="public">x'
      '<tag>out = g;</tag></rule></grammar>')}),
    ("ext-literals-into-script",
     field(rule('<ruleref uri="g.grxml"/><tag>out = rules.m + "!";</tag>', attributes=SCRIPTS)), ["say:x"],
     ['"lit!"'], {
      "g.grxml": ('<grammar version="1.0" root="m" tag-format="semantics/1.0-literals"><rule id="m">x'
      '<tag>lit</tag></rule></grammar>')}),
    ("tag-cdata", field(rule('a<tag><![CDATA[if (1 < 2 && true) out = "x";]]></tag>', attributes=SCRIPTS)),
     ["say:a"], ['"x"']),
    ("tag-comment-js", field(rule('a<tag>out = "x"; // done</tag> b<tag>out += "y";</tag>', attributes=SCRIPTS)),
     ["say:a b"], ['"xy"']),
    ("error-in-tag", field(rule("a<tag>out = nothing.x;</tag>", attributes=SCRIPTS)), ["say:a"], ["error.semantic"]),
    ("syntax-error-in-tag", field(rule("a<tag>out = ;</tag>", attributes=SCRIPTS)), ["say:a"], ["error.semantic"]),
    ("loop-in-tag", field(rule("a<tag>while(true){}</tag>", attributes=SCRIPTS)), ["say:a"], ["error.semantic"]),
    ("if-across", field(
      rule(
      'a<tag>if (meta.current().text == "a") { out = "A"; } else { out = "B"; }</tag>',
      attributes=SCRIPTS)), ["say:a"], ['"A"']),
    ("new-object", field(
      rule("a<tag>out = new Object(); out.x = new Array(); out.x[0] = 1;</tag>", attributes=SCRIPTS)), ["say:a"],
     ['{"x":[1]}']),
    ("no-vxml-vars", field(
      rule("a<tag>out = typeof application + typeof dialog + typeof f;</tag>", attributes=SCRIPTS)), ["say:a"],
     ['"undefinedundefinedundefined"']),
    ("no-leak-into-vxml", field(
      rule("a<tag>zzz = 1; var yyy = 2; out = 1;</tag>", attributes=SCRIPTS),
      show="typeof zzz + typeof yyy"), ["say:a"], ["undefinedundefined"]),
    ("string-result-spaces", field(rule('a<tag>out = "  x ";</tag>', attributes=SCRIPTS)), ["say:a"], ['"  x "']),
    ("recursion", field(
      rule(
      ('a<tag>out.n = 1;</tag><item repeat="0-1"><ruleref uri="#r"/>'
      '<tag>out.n = rules.r.n + 1;</tag></item>'),
      attributes=SCRIPTS)), ["say:a a a"], ['{"n":3}']),
    ("deep-recursion-25", field(
      rule(
      ('a<tag>out.n = 1;</tag><item repeat="0-1"><ruleref uri="#r"/>'
      '<tag>out.n = rules.r.n + 1;</tag></item>'),
      attributes=SCRIPTS)), ["say:a a a a a a a a a a a a a a a a a a a a "], ['{"n":20}']),
    ("tagformat-semantics-1.0.2006",
     field(rule('a<tag>out = "x";</tag>', attributes='tag-format="semantics/1.0.2006"')), ["say:a"], ['"x"']),
    ("tagformat-semantics-1.0", field(rule('a<tag>out = "x";</tag>', attributes='tag-format="semantics/1.0"')),
     ["say:a"], ['"x"']),
    ("tagformat-semantics-1.0-2", field(rule('a<tag>out = "x";</tag>', attributes='tag-format="Semantics/1.0"')),
     ["say:a"], ['"x"']),
    ("literal", field(rule("a<tag>X y</tag>", attributes=LITERALS)), ["say:a"], ['"X y"']),
    ("literal-ws", field(rule("a<tag>  X y </tag>", attributes=LITERALS)), ["say:a"], ['"X y"']),
    ("literal-last-wins", field(rule("a<tag>one</tag> b<tag>two</tag>", attributes=LITERALS)), ["say:a b"], ['"two"']),
    ("literal-last-ruleref",
     field(rule('a<tag>one</tag> <ruleref uri="#d"/>', '<rule id="d">x<tag>D</tag></rule>', LITERALS)), ["say:a x"],
     ['"one"']),
    ("literal-default-ref", field(rule('<ruleref uri="#d"/>', '<rule id="d">x<tag>D</tag></rule>', LITERALS)),
     ["say:x"], ['"D"']),
    ("literal-default-text", field(rule("x y", attributes=LITERALS)), ["say:x y"], ['"x y"']),
    ("literal-default-opt", field(
      rule("<one-of><item>yes</item><item>yep<tag>yes</tag></item></one-of>", attributes=LITERALS)), ["say:yep"],
     ['"yes"']),
    ("literal-default-opt2", field(
      rule("<one-of><item>yes</item><item>yep<tag>yes</tag></item></one-of>", attributes=LITERALS)), ["say:yes"],
     ['"yes"']),
    ("literal-number-is-string", field(rule("a<tag>5</tag>", attributes=LITERALS)), ["say:a"], ['"5"']),
    ("literal-js-like", field(rule("a<tag>out = 5;</tag>", attributes=LITERALS)), ["say:a"], ['"out = 5;"']),
    ("literal-2006", field(rule("a<tag>five</tag>", attributes='tag-format="semantics/1.0.2006-literals"')),
     ["say:a"], ['"five"']),
    ("literal-empty", field(rule("a<tag></tag>", attributes=LITERALS)), ["say:a"], ['""']),
    ("literal-dtmf", field(
      rule(
      "<one-of><item><tag>0</tag>1</item><item><tag>1</tag>5</item></one-of>",
      attributes=LITERALS,
      mode="dtmf")), ["5"], ['"1"']),
    ("unknown-tag-format", field(rule("a<tag>foo bar</tag>", attributes='tag-format="x-unknown/1"')), ["say:a"],
     ['"foo bar"']),
]  # fmt: skip

OLDER: list[tuple[Any, ...]] = [
    ("loose", field(rule("a<tag>$ = 'x'</tag>")), ["say:a"], ['"x"']),
    ("loose-.a", field(rule("a<tag>$.a = 'x'; $.b = 'y'</tag>")), ["say:a"], ['{"a":"x","b":"y"}']),
    ("loose-out.a", field(rule("a<tag>out.a = 'x'; out.b = 'y';</tag>")), ["say:a"], ['{"a":"x","b":"y"}']),
    ("loose-out", field(rule("a<tag>out = 'x'</tag>")), ["say:a"], ['"x"']),
    ("loose-out-obj", field(rule("a<tag>out = {x: 1}</tag>")), ["say:a"], ['{"x":1}']),
    ("loose-expr-obj", field(rule("a<tag>{x: 'y'}</tag>")), ["say:a"], ['{"x":"y"}']),
    ("loose-expr-obj-paren", field(rule("a<tag>({x: 'y'})</tag>")), ["say:a"], ['{"x":"y"}']),
    ("loose-var-obj", field(rule("a<tag>var drink=new Object(); drink.size='big'; drink.kind='coke'; </tag>")),
     ["say:a"], ['{"drink":{"size":"big","kind":"coke"}}']),
    ("loose-quoted", field(rule("a<tag>'x';</tag>")), ["say:a"], ['"x"']),
    ("loose-number", field(rule("a<tag>5</tag>")), ["say:a"], ["5"]),
    ("loose-true", field(rule("a<tag>true</tag>")), ["say:a"], ["true"]),
    ("loose-words", field(rule("a<tag>new york</tag>")), ["say:a"], ['"new york"']),
    ("loose-2", field(rule('<ruleref uri="#d"/><tag>$ = $$ + "!"</tag>', "<rule id='d'>x<tag>'X'</tag></rule>")),
     ["say:x"], ['"X!"']),
    ("loose-d", field(rule('<ruleref uri="#d"/><tag>$.v = $d</tag>', "<rule id='d'>x<tag>'X'</tag></rule>")),
     ["say:x"], ['{"v":"X"}']),
    ("loose-d-obj", field(
      rule('<ruleref uri="#d"/><tag>$.v = $d.k</tag>', "<rule id='d'>x<tag>$.k = 'X'</tag></rule>")), ["say:x"],
     ['{"k":"X","v":"X"}']),
    ("loose-rules.d", field(
      rule(
      '<ruleref uri="#d"/><tag>out.v = rules.d;</tag>',
      "<rule id='d'>x<tag>out = 'X'</tag></rule>")), ["say:x"], ['{"v":"X"}']),
    ("loose-rules.latest", field(
      rule(
      '<ruleref uri="#d"/><tag>out.v = rules.latest();</tag>',
      "<rule id='d'>x<tag>out = 'X'</tag></rule>")), ["say:x"], ['{"v":"X"}']),
    ("loose-out-2", field(
      rule(
      ('<tag>out="";</tag><item repeat="2"><ruleref uri="#d"/>'
      '<tag>out += rules.d;</tag></item>'),
      "<rule id='d'>x</rule>")), ["say:x x"], ['"xx"']),
    ("loose-out.n", field(rule('<tag>out.n=0;</tag><item repeat="2">x<tag>out.n++;</tag></item>')), ["say:x x"],
     ['{"n":2}']),
    ("loose-meta", field(rule("x y<tag>out = meta.current().text;</tag>")), ["say:x y"], ['"x y"']),
    ("loose-if", field(rule('x<tag>if (true) { out = "y"; }</tag>')), ["say:x"], ['"y"']),
    ("loose-for-fn", field(rule("x<tag>out.v = Math.max(1,2);</tag>")), ["say:x"], ['{"v":2}']),
    ("loose-slot-name-field", field(rule("x<tag>f='v'</tag>")), ["say:x"], ['"v"']),
    ("loose-inner-slots", field(
      rule(
      "<ruleref uri='#d'/> <ruleref uri='#e'/>",
      "<rule id='d'>x<tag>a='1'</tag></rule><rule id='e'>y<tag>b='2'</tag></rule>")), ["say:x y"],
     ['{"a":"1","b":"2"}']),
]  # fmt: skip


def test_sisr_scripts_and_literals(call: Call, wrap: Wrap) -> None:
    """By the tag-format: scripts with out, rules and meta, or literals; without tags the last rule or the text."""
    assert dict(different(call, wrap, STANDARD)) == {}


def test_tags_without_a_format(call: Call, wrap: Wrap) -> None:
    """Scripts are known by their words; else an expression, plain words or slots."""
    assert dict(different(call, wrap, OLDER)) == {}
