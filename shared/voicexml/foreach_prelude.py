"""The part of <foreach> (VoiceXML 2.1, 4) that lives in the engine: the arrays that are gone through, in ECMAScript."""

#: The body of a function of the prelude's `tools`; returns the operations that it adds.
FOREACH = r"""
  const {declare, evaluate, scopes, hasOwn} = tools;
  // Innermost last.
  const lists = [];
  const operations = {};
  operations.list = (source) => {
    const value = evaluate(source);
    if (!Array.isArray(value)) throw new TypeError(source + ' is not an array');
    lists.push([...value]);
    return value.length;
  };
  operations.each = (name, index) => {
    const value = lists[lists.length - 1][+index];
    const at = scopes.findLast(({names, object}) => !names.includes(name) && hasOwn(object, name));
    if (at && at !== scopes[0]) at.object[name] = value; else declare(name, value, true);
  };
  operations.unlist = () => { lists.pop(); };
  return operations;
"""
