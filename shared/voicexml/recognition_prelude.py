"""The part of recognition that lives in the engine: what was meant, in ECMAScript.

Semantic interpretation (SISR 1.0) of a match, and its way into form item variables. A match arrives as JSON
from `grammar/matcher.py`. Three kinds of tags: `semantics/1.0` scripts, `semantics/1.0-literals`, and those
without a format, as they were written before there was a standard: an expression, a plain word, or
assignments to the names of slots.
"""

#: The body of a function of the prelude's `tools`; returns the operations that it adds.
RECOGNITION = r"""
  const {define, keys, build, parse, named} = tools;
  const isObject = (value) => typeof value === 'object' && value !== null;
  const isRule = (part) => part.rule !== undefined;
  const hasTags = (node) =>
    node.head.length > 0 || node.parts.some((part) => part.tag !== undefined || (isRule(part) && hasTags(part)));

  // The rules and meta objects of SISR 1.0, 3.3.
  const book = () => {
    const entries = {}, latest = {value: undefined};
    define(entries, 'latest', {value: () => latest.value});
    return {entries, note(name, value) { entries[name] = latest.value = value; }};
  };
  const scripted = (node) => {
    const rules = book(), meta = book();
    define(meta.entries, 'current', {value: () => ({text: node.text, score: 1})});
    const visit = (index) => {
      const part = node.parts[index];
      rules.note(part.rule, meaning(part));
      meta.note(part.rule, {text: part.text, score: 1});
    };
    const lines = node.parts.map((part, index) => part.tag !== undefined ? part.tag : 'visit$(' + index + ')');
    const code = 'var out = {};\n' + [...node.head, ...lines].join('\n;') + '\n;return out;';
    return build('rules', 'meta', 'visit$', code)(rules.entries, meta.entries, visit);
  };

  const assignment = /^\s*(var\s|[\w$.]+\s*=[^=])/;
  const loose = (node) => {
    let whole, latest;
    const slots = {};
    const names = new Proxy(slots, {
      has: (_, name) => typeof name === 'string' && (name === 'out' || !(name in globalThis)),
      get: (_, name) => name === '$' || name === 'out' ? slots : name === '$$' ? latest : slots[name],
      set: (_, name, value) => {
        if (name === '$' || name === 'out') whole = value; else slots[name] = value;
        return true;
      },
    });
    for (const part of node.parts) {
      if (isRule(part)) {
        latest = meaning(part);
        if (isObject(latest)) Object.assign(slots, latest); else whole ??= latest;
      } else if (assignment.test(part.tag)) {
        build('names$', 'with (names$) {' + part.tag + '\n}')(names);
      } else {
        try { whole = build('names$', 'with (names$) {return (' + part.tag + '\n)}')({__proto__: null}); }
        catch { whole = part.tag; }
      }
    }
    return keys(slots).length && !isObject(whole) ? slots : whole ?? node.text;
  };

  const meaning = (node) => {
    if (!hasTags(node)) return node.text;
    const own = node.head.length > 0 || node.parts.some((part) => part.tag !== undefined);
    if (!own) return meaning(node.parts.findLast(isRule));
    if (node.format === 'semantics/1.0-literals') return node.parts.findLast((part) => part.tag !== undefined)?.tag;
    return node.format.startsWith('semantics/1.0') ? scripted(node) : loose(node);
  };

  // The value at a slot's path, such as drink.size (3.1.6).
  const slotOf = (value, path) =>
    path.split('.').reduce((found, name) => isObject(found) ? found[name] : undefined, value);

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
  return {
    interpret(json) {
      const {tree, value, ...result} = parse(json);
      result.interpretation = tree ? meaning(tree) : value;
      heard = result;
      const list = [result];
      Object.assign(list, result);
      const value$ = {value: list, writable: true, enumerable: true, configurable: true};
      define(named('application'), 'lastresult$', value$);
    },
    // 3.1.6.2: of a field's own grammar the slot, or else the whole.
    fill(name, slot) {
      const {interpretation} = heard;
      const value = slotOf(interpretation, slot);
      fillWith(name, value !== undefined ? value : interpretation);
    },
    // 3.1.6.1: of a form's grammar the slot alone.
    slot(name, slot) {
      const value = slotOf(heard.interpretation, slot);
      if (value === undefined) return false;
      fillWith(name, value);
      return true;
    },
  };
"""
