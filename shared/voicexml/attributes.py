"""Attributes as the specification types them (VoiceXML 2.0, Appendix O and 6.5).

Each function reads one kind and raises DocumentInvalid with the line, because a document with a malformed
attribute is not valid and its fetch fails as a whole (5.2.6, error.badfetch).
"""

import re

from shared.voicexml.errors import DocumentInvalid
from shared.voicexml.markup import Node

#: 6.5: a non-negative real number and its unit. Nine digits are eleven days: no longer one is meant.
_TIME = re.compile(r"\+?([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ms|s)")
_COUNT = re.compile(r"[0-9]{1,6}")
_SECONDS = re.compile(r"([0-9]{1,9})s?")
_UNIT_MS = {"ms": 1.0, "s": 1_000.0}


def milliseconds(text: str) -> int | None:
    """Read a time designation such as `3s`, `850ms` or `.7s`; None if it is not one."""
    match = _TIME.fullmatch(text.strip())
    return round(float(match[1]) * _UNIT_MS[match[2]]) if match else None


def boolean(text: str) -> bool | None:
    """Read `true` or `false`; None if it is neither."""
    return {"true": True, "false": False}.get(text.strip())


def names(text: str) -> tuple[str, ...]:
    """Split a namelist, each name once, in order."""
    return tuple(dict.fromkeys(text.split()))


def required(node: Node, attribute: str) -> str:
    """Return an attribute that must be there."""
    value = node.attributes.get(attribute)
    if value is None:
        raise DocumentInvalid(f"<{node.name}> needs the attribute {attribute}.", line=node.line)
    return value


def at_most_one(node: Node, *attributes: str) -> None:
    """Refuse two attributes that exclude each other."""
    present = [name for name in attributes if name in node.attributes]
    if len(present) > 1:
        raise DocumentInvalid(
            f"<{node.name}> takes only one of the attributes {' and '.join(present)}.", line=node.line
        )


def exactly_one(node: Node, *attributes: str) -> None:
    """Refuse two of the attributes, and none of them."""
    at_most_one(node, *attributes)
    if not any(name in node.attributes for name in attributes):
        raise DocumentInvalid(
            f"<{node.name}> needs one of the attributes {', '.join(attributes)}.", line=node.line
        )


def duration(node: Node, attribute: str) -> int | None:
    """Read a time in milliseconds; None if the attribute is absent."""
    text = node.attributes.get(attribute)
    if text is None:
        return None
    value = milliseconds(text)
    if value is None:
        raise DocumentInvalid(
            f"{attribute}={text!r} is not a time such as 3s or 850ms.",
            line=node.line,
        )
    return value


def seconds(node: Node, attribute: str) -> int | None:
    """Read a whole number of seconds (6.1.2); None if the attribute is absent."""
    text = node.attributes.get(attribute)
    if text is None:
        return None
    value = whole_seconds(text)
    if value is None:
        raise DocumentInvalid(f"{attribute}={text!r} is not a whole number of seconds.", line=node.line)
    return value


def whole_seconds(text: str) -> int | None:
    """Read a whole number of seconds, with or without its unit; None if it is none."""
    match = _SECONDS.fullmatch(text.strip())
    return int(match[1]) if match else None


def flag(node: Node, attribute: str) -> bool | None:
    """Read true or false; None if the attribute is absent."""
    text = node.attributes.get(attribute)
    if text is None:
        return None
    value = boolean(text)
    if value is None:
        raise DocumentInvalid(f"{attribute}={text!r} is neither true nor false.", line=node.line)
    return value


def count(node: Node) -> int:
    """Read the count of a prompt or catch, which begins at 1."""
    text = node.attributes.get("count", "1").strip()
    if not _COUNT.fullmatch(text) or int(text) < 1:
        raise DocumentInvalid(f"count={text!r} is not a whole number from 1 on.", line=node.line)
    return int(text)


def one_of(node: Node, attribute: str, *allowed: str) -> str:
    """Read one of some words; the first is the default."""
    value = node.attributes.get(attribute, allowed[0]).strip()
    if value not in allowed:
        raise DocumentInvalid(f"{attribute}={value!r} is not {' or '.join(allowed)}.", line=node.line)
    return value
