"""The part of <data> that lives in the engine: a read-only DOM (VoiceXML 2.1, 5 and Appendix D), in ECMAScript.

Python hands the nodes of a document over as JSON: a text is a string, an element is [name, namespace, attributes,
children] with attributes as [name, namespace, value], a comment is [text] and a processing instruction [target, text];
names have their prefix. Nothing of a tree can be changed: what DOM Level 2 Core has for that throws its
NO_MODIFICATION_ALLOWED_ERR.
"""

#: The body of a function of the prelude's `tools`; returns the operations that it adds.
DOM = r"""
  const {define, freeze, text, parse, declare, sessionScope} = tools;
  class DOMException extends Error {
    constructor(code, message) { super(message); this.name = 'DOMException'; this.code = code; }
  }
  ['INDEX_SIZE', 'DOMSTRING_SIZE', 'HIERARCHY_REQUEST', 'WRONG_DOCUMENT', 'INVALID_CHARACTER', 'NO_DATA_ALLOWED',
    'NO_MODIFICATION_ALLOWED', 'NOT_FOUND', 'NOT_SUPPORTED', 'INUSE_ATTRIBUTE', 'INVALID_STATE', 'SYNTAX',
    'INVALID_MODIFICATION', 'NAMESPACE', 'INVALID_ACCESS'].forEach((name, index) => {
    for (const holder of [DOMException, DOMException.prototype]) define(holder, name + '_ERR', {value: index + 1});
  });
  const unchangeable = () => { throw new DOMException(7, 'The document cannot be modified'); };

  class NodeList {
    constructor(nodes) {
      nodes.forEach((node, index) => { this[index] = node; });
      this.length = nodes.length;
      freeze(this);
    }
    item(index) { return this[index] ?? null; }
    *[Symbol.iterator]() { for (let index = 0; index < this.length; index++) yield this[index]; }
  }
  class NamedNodeMap extends NodeList {
    getNamedItem(name) { return [...this].find((node) => node.nodeName === name) ?? null; }
    getNamedItemNS(uri, name) {
      return [...this].find((node) => node.namespaceURI === uri && node.localName === name) ?? null;
    }
  }
  const noNodes = new NodeList([]);
  const hidden = new WeakMap();
  const own = (node) => hidden.get(node);

  class Node {
    constructor(type, name, value, uri, parent, owner) {
      hidden.set(this, {type, name, value, uri, parent, owner, children: noNodes, attributes: null, position: 0});
    }
    get nodeType() { return own(this).type; }
    get nodeName() { return own(this).name; }
    get nodeValue() { return own(this).value; }
    set nodeValue(_) { unchangeable(); }
    set prefix(_) { unchangeable(); }
    set textContent(_) { unchangeable(); }
    get namespaceURI() { return own(this).uri; }
    get prefix() { const {name} = own(this); return name.includes(':') ? name.split(':')[0] : null; }
    get localName() { return own(this).name.split(':').pop(); }
    get parentNode() { return own(this).parent; }
    get ownerDocument() { return own(this).owner; }
    get childNodes() { return own(this).children; }
    get attributes() { return own(this).attributes; }
    get firstChild() { return own(this).children[0] ?? null; }
    get lastChild() { const {children} = own(this); return children[children.length - 1] ?? null; }
    get previousSibling() { const {parent, position} = own(this); return parent?.childNodes[position - 1] ?? null; }
    get nextSibling() { const {parent, position} = own(this); return parent?.childNodes[position + 1] ?? null; }
    get textContent() {
      const spoken = [...this.childNodes].filter((node) => node.nodeType !== 7 && node.nodeType !== 8);
      return own(this).value ?? spoken.map((node) => node.textContent).join('');
    }
    hasChildNodes() { return own(this).children.length > 0; }
    hasAttributes() { return (own(this).attributes?.length ?? 0) > 0; }
    isSupported(feature, version) { return text(feature).toLowerCase() === 'core' && (!version || version === '2.0'); }
    normalize() {}
    toString() { return this.nodeValue ?? '[object ' + this.constructor.name + ']'; }
    toJSON() { return this.textContent; }
  }
  const refuse = (kind, names) => names.split(' ').forEach((name) =>
    define(kind.prototype, name, {value: unchangeable}));
  refuse(Node, 'appendChild insertBefore removeChild replaceChild cloneNode');
  refuse(NamedNodeMap, 'setNamedItem setNamedItemNS removeNamedItem removeNamedItemNS');
  const kinds = ['ELEMENT', 'ATTRIBUTE', 'TEXT', 'CDATA_SECTION', 'ENTITY_REFERENCE', 'ENTITY',
    'PROCESSING_INSTRUCTION', 'COMMENT', 'DOCUMENT', 'DOCUMENT_TYPE', 'DOCUMENT_FRAGMENT', 'NOTATION'];
  kinds.forEach((kind, index) => {
    for (const holder of [Node, Node.prototype]) define(holder, kind + '_NODE', {value: index + 1});
  });

  const elementsIn = function* (node) {
    for (const child of node.childNodes) if (child.nodeType === 1) { yield child; yield* elementsIn(child); }
  };
  class Attr extends Node {
    get name() { return this.nodeName; }
    get value() { return this.nodeValue; }
    set value(_) { unchangeable(); }
    get specified() { return true; }
    get ownerElement() { return own(this).parent; }
    get parentNode() { return null; }
  }
  class CharacterData extends Node {
    get data() { return this.nodeValue; }
    set data(_) { unchangeable(); }
    get length() { return this.nodeValue.length; }
    substringData(offset, count) {
      if (offset < 0 || count < 0 || offset > this.length) throw new DOMException(1, 'The index is out of range');
      return this.nodeValue.substr(offset, count);
    }
  }
  class Text extends CharacterData {}
  class Comment extends CharacterData {}
  class ProcessingInstruction extends Node {
    get target() { return this.nodeName; }
    get data() { return this.nodeValue; }
    set data(_) { unchangeable(); }
  }
  class Container extends Node {
    getElementsByTagName(name) {
      return new NodeList([...elementsIn(this)].filter((node) => name === '*' || node.nodeName === name));
    }
    getElementsByTagNameNS(uri, name) {
      return new NodeList([...elementsIn(this)].filter((node) =>
        (uri === '*' || node.namespaceURI === uri) && (name === '*' || node.localName === name)));
    }
  }
  class Element extends Container {
    get tagName() { return this.nodeName; }
    getAttributeNode(name) { return this.attributes.getNamedItem(name); }
    getAttributeNodeNS(uri, name) { return this.attributes.getNamedItemNS(uri, name); }
    getAttribute(name) { return this.getAttributeNode(name)?.value ?? ''; }
    getAttributeNS(uri, name) { return this.getAttributeNodeNS(uri, name)?.value ?? ''; }
    hasAttribute(name) { return this.getAttributeNode(name) !== null; }
    hasAttributeNS(uri, name) { return this.getAttributeNodeNS(uri, name) !== null; }
  }
  class Document extends Container {
    get documentElement() { return [...this.childNodes].find((node) => node.nodeType === 1); }
    get doctype() { return null; }
    getElementById(id) { return [...elementsIn(this)].find((node) => node.getAttribute('xml:id') === id) ?? null; }
  }
  refuse(CharacterData, 'appendData insertData deleteData replaceData splitText');
  refuse(Element, 'setAttribute setAttributeNS removeAttribute removeAttributeNS setAttributeNode setAttributeNodeNS ' +
    'removeAttributeNode');
  refuse(Document, 'createElement createElementNS createTextNode createAttribute createAttributeNS createComment ' +
    'createCDATASection createDocumentFragment createEntityReference createProcessingInstruction importNode');
  const place = (node, children) => {
    children.forEach((child, position) => { own(child).position = position; });
    own(node).children = new NodeList(children);
    return node;
  };
  const nodeOf = (tree, parent, owner) => {
    if (typeof tree === 'string') return new Text(3, '#text', tree, null, parent, owner);
    if (tree.length === 1) return new Comment(8, '#comment', tree[0], null, parent, owner);
    if (tree.length === 2) return new ProcessingInstruction(7, tree[0], tree[1], null, parent, owner);
    const [name, uri, attributes, children] = tree;
    const element = new Element(1, name, null, uri, parent, owner);
    own(element).attributes = new NamedNodeMap(attributes.map(([attribute, space, value]) => {
      const node = new Attr(2, attribute, value, space, element, owner);
      return place(node, value ? [new Text(3, '#text', value, null, node, owner)] : []);
    }));
    return place(element, children.map((child) => nodeOf(child, element, owner)));
  };
  const documentOf = (trees) => {
    const owner = new Document(9, '#document', null, null, null, null);
    return place(owner, trees.map((tree) => nodeOf(tree, owner, owner)));
  };
  // Seen from everywhere and changed from nowhere, like the session's own facts.
  for (const seen of [DOMException, Node, NodeList, NamedNodeMap, Attr, CharacterData, Text, Comment,
    ProcessingInstruction, Element, Document])
    define(sessionScope, seen.name, {value: seen});
  return {data(name, json) { declare(name, documentOf(parse(json)), true); }};
"""
