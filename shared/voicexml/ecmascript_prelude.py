"""The part of the scope chain that lives in the engine, in ECMAScript.

VoiceXML's variables are ECMAScript's, in nested scopes (5.1.2): a name is read from the nearest scope that
has it, written where it was declared, and each named scope is also a variable. Nested `with` statements say
exactly that; a prototype chain does not, because its writes land in the innermost object. So an expression is
compiled once, into a function whose parameters are the scopes, and kept: a repeated condition costs about a
microsecond.

Everything that leaves the engine is text with a letter in front that tells the type, because the binding
turns undefined and null into the same None, cannot carry a BigInt, cuts strings at a NUL, fails on a lone
surrogate, and cannot read a longer string that was put together and not yet made one (the engine's ropes):

    u undefined   z null   b boolean   n number   s string   o object, as JSON   e an exception's message

The engine has no clock and no dice of its own: Date always shows the start of the session, Math.random is a
seeded generator. The global object takes no new properties, so that an assignment to a name that was never
declared leaves nothing behind.

What <data>, <foreach> and recognition need of the engine is in modules of their own and is added when a session
first needs it: most sessions never do, and each would pay for it in memory and time. To compile this here is a
fourth of the work of a short call. For the same reason nothing large stands in parentheses or in the braces of an
object: the engine reads that twice, since it might be the head of a function.
"""

#: Called once with the seed (an unsigned 32-bit number) and the time (milliseconds); returns the one function
#: that is called ever after, with an operation, two strings, and the scopes that it is for: how many are kept, and how
#: many there are to be.
PRELUDE = r"""
(seed, now) => {
  const call = Reflect.apply, build = Function, evaluateGlobally = eval, {stringify, parse} = JSON;
  const text = String, flag = Boolean, hasOwn = Object.hasOwn, define = Object.defineProperty;
  const {freeze, keys, entries} = Object, Guarded = Proxy;

  // Mulberry32: small, public, good enough for an application that shuffles its prompts.
  Math.random = () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };

  const RealDate = Date;
  const SessionDate = function Date(...given) {
    if (!new.target) return new RealDate(now).toString();
    return Reflect.construct(RealDate, given.length ? given : [now], new.target);
  };
  SessionDate.prototype = RealDate.prototype;
  RealDate.prototype.constructor = SessionDate;
  SessionDate.now = () => now;
  SessionDate.parse = RealDate.parse;
  SessionDate.UTC = RealDate.UTC;
  globalThis.Date = SessionDate;
  for (const name of ['performance', 'Atomics', 'SharedArrayBuffer', 'WeakRef', 'FinalizationRegistry'])
    delete globalThis[name];
  Object.preventExtensions(globalThis);

  // Outermost first: {names, object}. A named scope's object holds itself under its names.
  const scopes = [];
  const innermost = () => scopes[scopes.length - 1];
  const named = (name) => scopes.findLast(({names}) => names.includes(name)).object;

  const {toWellFormed, replaceAll} = String.prototype;
  const wellFormed = (value) => call(replaceAll, call(toWellFormed, value, []), ['\0', '\uFFFD']);
  const tagged = (value) => {
    switch (typeof value) {
      case 'undefined': return 'u';
      case 'boolean': return value ? 'b1' : 'b0';
      case 'number': return 'n' + value;
      case 'string': return wellFormed('s' + value);
      case 'object': return value === null ? 'z' : wellFormed('o' + (stringify(value) ?? 'null'));
      default: return wellFormed('s' + text(value));
    }
  };

  // A function of the scopes that there are, nested around its body.
  const within = (body, ...more) => {
    const levels = scopes.map((_, level) => '__scope' + level);
    return build(...more, ...levels, 'with(' + levels.join(')with(') + ')' + body);
  };
  // By depth, then by source: the parameters are the scopes, so their number is part of the code.
  const compiled = [];
  const compile = (source) => {
    const depth = scopes.length;
    let functions = compiled[depth];
    if (!functions || functions.size >= 256) functions = compiled[depth] = new Map();
    let compiledSource = functions.get(source);
    if (!compiledSource) {
      compiledSource = within('{return (' + source + '\n)}');
      functions.set(source, compiledSource);
    }
    return compiledSource;
  };
  // A string, a number, a constant, and a variable with its properties need no compiler, which takes ten times as
  // long as they do and keeps what it made. In an array, or nothing if the source is something else or of no scope.
  const plainText = /^(?:'[^'\\\r\n]*'|"[^"\\\r\n]*")$/, plainNumber = /^(?:0|[1-9][0-9]{0,8})$/;
  const plainName = /^[A-Za-z_$][\w$]*$/, plainPath = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
  const constants = {object: {__proto__: null, undefined: undefined, true: true, false: false, null: null}};
  const plain = (source) => {
    // To try a pattern takes memory for each character, and the heap is small.
    if (source.length > 256) return undefined;
    if (plainText.test(source)) return [source.slice(1, -1)];
    if (plainNumber.test(source)) return [+source];
    if (!plainPath.test(source)) return undefined;
    const [root, ...members] = source.split('.');
    const scope = scopes.findLast(({object}) => root in object) ?? (source in constants.object && constants);
    return scope ? [members.reduce((value, member) => value[member], scope.object[root])] : undefined;
  };
  const evaluate = (source) => {
    const found = plain(source);
    return found ? found[0] : call(compile(source), undefined, scopes.map((scope) => scope.object));
  };

  const declare = (name, value, again) => {
    const {names, object} = innermost();
    if (names.includes(name)) throw new TypeError(name + ' is the name of a scope');
    // As in ECMAScript, `var x` leaves an x that is there alone.
    if (again || !hasOwn(object, name))
      define(object, name, {value, writable: true, enumerable: true, configurable: true});
  };

  // The nearest scope that a dotted name belongs to; throws if nothing was declared under it, or may not be
  // written.
  const owner = (path) => {
    const [root, member] = path.split(/[.[]/);
    for (let level = scopes.length - 1; level >= 0; level--) {
      const {names, object} = scopes[level];
      const named = names.includes(root);
      if (!named && !hasOwn(object, root)) continue;
      if (level === 0) throw new TypeError(path + ' belongs to the session and cannot be changed');
      if (named && (member === undefined || !hasOwn(object, member))) break;
      return object;
    }
    throw new ReferenceError(path + ' is not declared');
  };

  // 5.1.2: no script changes what is the session's, or adds to it. Frozen objects alone would take it without a word.
  const refuse = (_, name) => {
    const what = typeof name === 'string' ? name : 'this';
    throw new TypeError(what + ' belongs to the session and cannot be changed');
  };
  const guard = freeze({set: refuse, defineProperty: refuse, deleteProperty: refuse, setPrototypeOf: refuse,
    preventExtensions: refuse});
  const guarded = (value, originator) => {
    if (typeof value !== 'object' || value === null) return value;
    for (const name of keys(value)) value[name] = guarded(value[name]);
    // 5.1.4: the originator is one of the two sides, not a copy of it.
    if (originator) value.originator = value[originator];
    return new Guarded(freeze(value), guard);
  };
  // What the session's scope holds, for the host to put there.
  const facts = {__proto__: null};

  // The scopes of the dialogs that wait for a subdialog, and what is handed to it and back.
  const waiting = [];
  let given = {};
  const isDeclared = (name) => scopes.some(({object}) => hasOwn(object, name));

  const operations = {evaluate};
  operations.suspend = () => { waiting.push(scopes.splice(1)); };
  operations.resume = () => { scopes.length = 1; scopes.push(...waiting.pop()); };
  operations.giving = () => { given = {}; };
  operations.give = (name, source) => { given[name] = evaluate(source); };
  operations.giveText = (name, json) => { given[name] = parse(json); };
  operations.take = (name) => { declare(name, given[name], true); };
  operations.takeAll = (name) => { declare(name, given, true); given = {}; };
  // <script> (5.3.12): `var` and `function` belong to the scope in which it stands.
  operations.script = (source, names) => {
    const {object} = innermost();
    const {variables, functions, late, assigned} = parse(names);
    for (const name of variables) if (!hasOwn(object, name)) declare(name, undefined, true);
    for (const name of assigned) if (!isDeclared(name) && !(name in globalThis)) declare(name, undefined, true);
    const exports = (named) => named.map((name) => 'export$(' + stringify(name) + ',' + name + ');').join('');
    const body = '{' + exports(functions) + '\n' + source + '\n;' + exports(late) + '}';
    const put = (name, value) => declare(name, value, true);
    call(within(body, 'export$'), undefined, [put, ...scopes.map((scope) => scope.object)]);
  };
  // Add operations: `source` is the body of a function of these tools, which may add tools as well.
  const tools = {define, freeze, keys, text, build, parse, named, declare, evaluate, scopes, hasOwn};
  operations.extend = (source) => {
    tools.sessionScope = facts;
    Object.assign(operations, evaluateGlobally('(tools) => {' + source + '}')(tools));
  };
  operations.push = (names) => {
    // The first scope is the session's.
    const inside = scopes.length ? {__proto__: null} : facts;
    const scope = {names: names.split(' '), object: scopes.length ? inside : new Guarded(facts, guard)};
    for (const name of scope.names) define(inside, name, {value: scope.object});
    scopes.push(scope);
  };
  operations.text = (source) => text(evaluate(source));
  operations.condition = (source) => flag(evaluate(source));
  // As text for a server: objects have no form of their own there (5.3.8), so they go as JSON.
  operations.wire = (source) => {
    const value = evaluate(source);
    return typeof value === 'object' && value !== null ? stringify(value) : text(value);
  };
  operations.declare = (name, source) => { declare(name, source ? evaluate(source) : undefined, source !== ''); };
  // An input item's shadow variables are those of this visit to the form, not of one around it.
  operations.input = (name, source) => { operations.declare(name, source); declare(name + '$', undefined); };
  operations.assign = (name, source) => {
    const object = owner(name), found = plainName.test(name) && plain(source);
    if (found) object[name] = found[0]; else evaluate(name + ' = (' + source + '\n)');
  };
  operations.clear = (name) => { owner(name); evaluate(name + ' = undefined'); };
  operations.store = (name, json) => { declare(name, parse(json), true); };
  // A session's facts may be replaced by the host, never by a script.
  const putFact = (name, value) => {
    const fact = guarded(value, name === 'connection' && value.originator);
    define(facts, name, {value: fact, enumerable: true, configurable: true});
  };
  operations.facts = (json) => { for (const [name, value] of entries(parse(json))) putFact(name, value); };
  operations.forget = () => {
    const nothing = {value: undefined, writable: true, enumerable: true, configurable: true};
    define(named('application'), 'lastresult$', nothing);
  };
  // The position of the first form item whose variable is not filled; -1 if all are.
  operations.unfilled = (names) => {
    const dialog = named('dialog');
    return names.split(' ').findIndex((name) => dialog[name] === undefined);
  };

  return (operation, first, second, kept, depth) => {
    try {
      // The scopes that were left since the last operation, and the nameless ones that were entered.
      if (scopes.length > kept) scopes.length = kept;
      while (scopes.length < depth) scopes.push({names: [], object: {__proto__: null}});
      return tagged(operations[operation](first, second));
    } catch (thrown) {
      return wellFormed('e' + text(thrown));
    }
  };
}
"""
