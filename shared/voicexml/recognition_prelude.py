"""The part of recognition that lives in the engine: what was meant, in ECMAScript.

Semantic interpretation (SISR 1.0) of a match, and its way into form item variables. A match arrives as JSON
from `grammar/matcher.py`. Three kinds of tags: `semantics/1.0` scripts, `semantics/1.0-literals`, and those
without a format, as they were written before there was a standard: an expression, a plain word, or
assignments to the names of slots.
"""

#: Bodies of functions of the prelude's `tools`; they return the operations that they add. This one adds none, but
#: the tool that finds out what a parsed match means. Keys for a built-in or a choice mean what they mean without it.
MEANING = r"""
  const {define, keys, build} = tools, {stringify} = JSON;
  const isObject = (value) => typeof value === 'object' && value !== null;
  const isRule = (part) => part.rule !== undefined;
  const isTag = (part) => part.tag !== undefined;
  const hasTags = (node) => node.parts.some((part) => isTag(part) || (isRule(part) && hasTags(part)));

  // What a script sets without declaring it is a variable of its scope, and not the engine's (SISR 1.0, 6.3).
  const assigned = (code, known) => {
    const names = new Set();
    for (const [, name] of code.matchAll(/(?=[A-Za-z_$])(?<![\w$.'"]\s*)([\w$]+)\s*(?:=(?!=)|[-+*\/%]=|\+\+|--)/g))
      if (!(name in globalThis) && !known.includes(name) && name !== 'out') names.add(name);
    return names.size ? 'var ' + [...names].join() + ';' : '';
  };
  // The tags of a grammar itself run once; what they declare is known to all of its rules, and lasts as long as
  // the interpretation (SISR 1.0, 4 and 6.3).
  const grammars = () => {
    const made = {};
    return (node) => made[node.grammar] ??= (() => {
      const head = node.head.join('\n;');
      const names = [...head.matchAll(/[A-Za-z_$][\w$]*/g)].map(([name]) => name);
      const run = head && build(assigned(head, []) + head + '\n;return (code$) => eval(code$);')();
      return {names, compile: (code) => head ? run('(function (rules, meta, visit$) {' + code + '})')
        : build('rules', 'meta', 'visit$', code)};
    })();
  };
  let grammarOf;

  // The rules and meta objects of SISR 1.0, 3.3.
  const book = () => {
    const entries = {}, latest = {value: undefined};
    define(entries, 'latest', {value: () => latest.value});
    return {entries, note(name, value) { entries[name] = latest.value = value; }};
  };
  const scripted = (node) => {
    const rules = book(), meta = book(), grammar = grammarOf(node);
    define(meta.entries, 'current', {value: () => ({text: node.text, score: 1})});
    const visit = (index) => {
      const part = node.parts[index];
      rules.note(part.rule, meaning(part));
      meta.note(part.rule, {text: part.text, score: 1});
    };
    const tags = node.parts.filter(isTag).map((part) => part.tag).join(';\n');
    const lines = node.parts.map((part, index) => isTag(part) ? part.tag : 'visit$(' + index + ')');
    const code = assigned(tags, grammar.names) + 'var out = {};\n' + lines.join('\n;') + '\n;return out;';
    return grammar.compile(code)(rules.entries, meta.entries, visit);
  };

  const assignment = /^\s*(var\s|[\w$.]+\s*=[^=])/;
  const loose = (node) => {
    let whole, latest;
    const slots = {};
    const names = new Proxy(slots, {
      has: (_, name) => typeof name === 'string' && (name === 'out' || !(name in globalThis)),
      get: (_, name) => name === '$' || name === 'out' ? slots : name === '$$' ? latest : slots[name] ?? rules[name],
      set: (_, name, value) => {
        if (name === '$' || name === 'out') whole = value; else slots[name] = value;
        return true;
      },
    });
    const rules = {__proto__: null};
    for (const part of node.parts) {
      if (isRule(part)) {
        latest = rules['$' + part.rule] = meaning(part);
        if (isObject(latest)) Object.assign(slots, latest); else whole ??= latest;
      } else if (assignment.test(part.tag)) {
        build('names$', 'with (names$) {' + part.tag + '\n}')(names);
      } else {
        const value = part.tag.replace(/;\s*$/, '');
        try { whole = build('names$', 'with (names$) {return (' + value + '\n)}')({__proto__: null}); }
        catch { whole = part.tag; }
      }
    }
    return keys(slots).length && !isObject(whole) ? slots : whole ?? node.text;
  };
  // Without slots of its own, a rule has those of all the rules in it.
  const gathered = (rules) => {
    const values = rules.filter(hasTags).map(meaning);
    return values.every(isObject) ? Object.assign({}, ...values) : values[values.length - 1];
  };

  const isStandard = (node) => /^semantics\/1\.0/i.test(node.format);
  const script = /\bout\s*(?:[.[]|[-+]?=[^=])|\b(?:rules|meta)\s*[.[]/;
  const meaning = (node) => {
    const rules = node.parts.filter(isRule), tags = node.parts.filter(isTag);
    if (!tags.length) {
      // SISR 1.0, 3.2.3: the last rule's, or what was said. A grammar without any semantics means what was said.
      if (rules.length && isStandard(node)) return meaning(rules[rules.length - 1]);
      return rules.some(hasTags) ? gathered(rules) : node.text;
    }
    if (/^semantics\/1\.0.*-literals$/i.test(node.format)) return tags[tags.length - 1].tag;
    return isStandard(node) || tags.some(({tag}) => script.test(tag)) ? scripted(node) : loose(node);
  };

  tools.meaning = (tree) => { grammarOf = grammars(); return meaning(tree); };
  // 5.1.5: further interpretations, if they differ; one whose tags fail is none.
  tools.further = (first, others, most) => {
    const found = [], known = new Set([stringify(first)]);
    for (const {tree, value} of others) {
      if (found.length + 1 >= most) break;
      let interpretation, written;
      try { interpretation = tree ? tools.meaning(tree) : value; written = stringify(interpretation); }
      catch { continue; }
      if (!known.has(written)) found.push(interpretation);
      known.add(written);
    }
    return found;
  };
"""

#: What was heard, and its way into variables.
RECOGNITION = r"""
  const {define, parse, named} = tools, {hasOwn} = Object;
  const isObject = (value) => typeof value === 'object' && value !== null;
  // The value at a slot's path, such as drink.size (3.1.6).
  const slotOf = (value, path) =>
    path.split('.').reduce((found, name) => isObject(found) && hasOwn(found, name) ? found[name] : undefined, value);

  let heard;
  const fillWith = (name, value) => {
    const object = named('dialog');
    const {utterance, inputmode, confidence, interpretation, markname, marktime} = heard;
    const {recording, recordingsize, recordingduration} = heard;
    define(object, name, {value, writable: true, enumerable: true, configurable: true});
    const known = object[name + '$'];
    const shadow = isObject(known) ? known : {};
    Object.assign(shadow, {utterance, inputmode, confidence, interpretation});
    if (markname !== undefined) Object.assign(shadow, {markname, marktime});
    Object.assign(shadow, {recording, recordingsize, recordingduration});
    define(object, name + '$', {value: shadow, writable: true, enumerable: true, configurable: true});
  };
  const operations = {};
  operations.interpret = (json) => {
    const {tree, value, others, most, ...result} = parse(json);
    const first = tree ? tools.meaning(tree) : value;
    const meanings = others ? [first, ...tools.further(first, others, most)] : [first];
    const list = meanings.map((interpretation) => ({...result, interpretation}));
    heard = list[0];
    Object.assign(list, heard);
    const value$ = {value: list, writable: true, enumerable: true, configurable: true};
    define(named('application'), 'lastresult$', value$);
  };
  // 3.1.6.2: of a field's own grammar the slot, or else the whole.
  operations.fill = (name, slot) => {
    const {interpretation} = heard;
    const value = slotOf(interpretation, slot);
    fillWith(name, value !== undefined ? value : interpretation);
  };
  // 3.1.6.1: of a form's grammar the slot alone.
  operations.slot = (name, slot) => {
    const value = slotOf(heard.interpretation, slot);
    if (value === undefined) return false;
    fillWith(name, value);
    return true;
  };
  return operations;
"""
