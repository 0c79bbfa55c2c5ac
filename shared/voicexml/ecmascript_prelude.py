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

What <data> and recognition need of the engine is in modules of their own and is added when a session first
needs it: most sessions never do, and each would pay for it in memory.
"""

#: Called once with the seed (an unsigned 32-bit number) and the time (milliseconds); returns the one function
#: that is called ever after, with an operation and two strings.
PRELUDE = r"""
((seed, now) => {
  const call = Reflect.apply, build = Function, {stringify, parse} = JSON;
  const text = String, flag = Boolean, hasOwn = Object.hasOwn, define = Object.defineProperty;
  const freeze = Object.freeze, keys = Object.keys;

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
      case 'string': return 's' + value;
      case 'object': return value === null ? 'z' : 'o' + (stringify(value) ?? 'null');
      default: return 's' + text(value);
    }
  };

  // By depth, then by source: the parameters are the scopes, so their number is part of the code.
  const compiled = [];
  const compile = (source) => {
    const depth = scopes.length;
    let functions = compiled[depth];
    if (!functions || functions.size >= 256) functions = compiled[depth] = new Map();
    let compiledSource = functions.get(source);
    if (!compiledSource) {
      const parameters = scopes.map((_, level) => '__scope' + level);
      const heads = parameters.map((parameter) => 'with(' + parameter + ')').join('');
      compiledSource = build(...parameters, heads + '{return (' + source + '\n)}');
      functions.set(source, compiledSource);
    }
    return compiledSource;
  };
  const evaluate = (source) => call(compile(source), undefined, scopes.map((scope) => scope.object));

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

  const frozen = (value) => {
    if (typeof value !== 'object' || value === null) return value;
    keys(value).forEach((key) => frozen(value[key]));
    return freeze(value);
  };

  // The scopes of the dialogs that wait for a subdialog, and what is handed to it and back.
  const waiting = [];
  let given = {};
  // The arrays that <foreach> goes through, innermost last.
  const lists = [];
  const isDeclared = (name) => scopes.some(({object}) => hasOwn(object, name));

  const operations = {
    suspend() { waiting.push(scopes.splice(1)); },
    resume() { scopes.length = 1; scopes.push(...waiting.pop()); },
    giving() { given = {}; },
    give(name, source) { given[name] = evaluate(source); },
    giveText(name, json) { given[name] = parse(json); },
    isGiven(name) { return hasOwn(given, name); },
    take(name) { declare(name, given[name], true); },
    takeAll(name) { declare(name, given, true); given = {}; },
    // <script> (5.3.12): `var` and `function` belong to the scope in which it stands.
    script(source, names) {
      const {object} = innermost();
      const {variables, functions, assigned} = parse(names);
      for (const name of variables) if (!hasOwn(object, name)) declare(name, undefined, true);
      for (const name of assigned) if (!isDeclared(name) && !(name in globalThis)) declare(name, undefined, true);
      const exported = functions.map((name) => 'export$(' + stringify(name) + ',' + name + ');').join('');
      const heads = scopes.map((_, level) => 'with(__scope' + level + ')').join('');
      const parameters = scopes.map((_, level) => '__scope' + level);
      const run = build('export$', ...parameters, heads + '{' + exported + '\n' + source + '\n}');
      const put = (name, value) => declare(name, value, true);
      call(run, undefined, [put, ...scopes.map((scope) => scope.object)]);
    },
    list(source) {
      const value = evaluate(source);
      if (!Array.isArray(value)) throw new TypeError(source + ' is not an array');
      lists.push([...value]);
      return value.length;
    },
    each(name, index) {
      const value = lists[lists.length - 1][+index];
      const at = scopes.findLast(({names, object}) => !names.includes(name) && hasOwn(object, name));
      if (at && at !== scopes[0]) at.object[name] = value; else declare(name, value, true);
    },
    unlist() { lists.pop(); },
    // Add operations: `source` is the body of a function of these tools.
    extend(source) {
      const sessionScope = scopes[0].object;
      const tools = {define, freeze, keys, text, build, parse, named, declare, sessionScope};
      Object.assign(operations, build('tools', source)(tools));
    },
    push(names) {
      const scope = {names: names ? names.split(' ') : [], object: {__proto__: null}};
      for (const name of scope.names) define(scope.object, name, {value: scope.object});
      scopes.push(scope);
    },
    unwind(depth) { scopes.length = +depth; },
    evaluate,
    text(source) { return text(evaluate(source)); },
    condition(source) { return flag(evaluate(source)); },
    // As text for a server: objects have no form of their own there (5.3.8), so they go as JSON.
    wire(source) {
      const value = evaluate(source);
      return typeof value === 'object' && value !== null ? stringify(value) : text(value);
    },
    declare(name, source) { declare(name, source ? evaluate(source) : undefined, source !== ''); },
    assign(name, source) { owner(name); evaluate(name + ' = (' + source + '\n)'); },
    clear(name) { owner(name); evaluate(name + ' = undefined'); },
    store(name, json) { declare(name, parse(json), true); },
    // A session's facts may be replaced by the host, never by a script.
    fact(name, json) {
      const value = parse(json);
      // 5.1.4: the originator is one of the two sides, not a copy of it.
      if (name === 'connection') value.originator = value[value.originator];
      define(scopes[0].object, name, {value: frozen(value), enumerable: true, configurable: true});
    },
    forget() {
      const nothing = {value: undefined, writable: true, enumerable: true, configurable: true};
      define(named('application'), 'lastresult$', nothing);
    },
    // Is the variable of a form item filled?
    filled(name) { return named('dialog')[name] !== undefined; },
  };

  return (operation, first, second) => {
    try {
      return wellFormed(tagged(operations[operation](first, second)));
    } catch (thrown) {
      return wellFormed('e' + text(thrown));
    }
  };
})
"""
