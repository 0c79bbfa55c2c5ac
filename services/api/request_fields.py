"""A request's parameters by name, read as the type that is expected.

Text that came by form or query is read as generously as it is meant: curl takes the quotes of the documented
`--form 'nickname="3wkdays"'` away, other clients send them, and both mean 3wkdays. A JSON value in such a field
(`days`, `profiles`, `phone_numbers`) is JSON text. In a JSON body a value is what it is, but an array that was
written into a string is taken too.

A name that is there twice has its last value, as in PHP, where the original runs. `days[]=mon&days[]=tue` and
`days[0]=mon&days[1]=tue` are the list `days`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.api import strict_json
from services.api.strict_json import MalformedJson
from shared.domain.errors import Invalid

_DIGITS = re.compile(r"[0-9]{1,11}")  # the documented width of every integer
_LISTED = re.compile(r"([^\[\]]+)\[[0-9]{0,4}\]")
MAX_INTEGER: Final = 10**11 - 1


@dataclass(frozen=True, slots=True, repr=False)
class Fields:
    """Read-only; every read raises Invalid with the field's name where the value is not of the type."""

    values: Mapping[str, object]
    #: The names whose values are texts of a form or query, or lists of them.
    written: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The names that were sent, whatever their values."""
        return frozenset(self.values)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def over(self, others: "Fields") -> "Fields":
        """Return both, where these win over the others."""
        return Fields({**others.values, **self.values}, self.written | (others.written - self.names))

    def raw(self, name: str) -> object:
        """Return a value as it was sent: text, a list of texts, or any JSON value."""
        if name not in self.values:
            raise Invalid(name, f"The {name} field is required.")
        return self.values[name]

    def text(self, name: str) -> str:
        """Return a text; a JSON integer is one too, since an id may stand where a name is expected."""
        value = self.raw(name)
        if isinstance(value, str):
            return _unquoted(value) if name in self.written else value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise Invalid(name, f"The {name} must be one text.")

    def integer(self, name: str) -> int:
        """Return a whole number from 0 to 99,999,999,999, which is what 11 digits hold."""
        value = self.raw(name)
        if isinstance(value, str) and name in self.written:
            value = _unquoted(value)
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER:
            return value
        raise Invalid(name, f"The {name} must be a whole number of 1 to 11 digits.")

    def json(self, name: str) -> object:
        """Return a JSON value: from a form, query or string the one that its text holds."""
        value = self.raw(name)
        return _json_in(name, value) if isinstance(value, str) else value

    def array(self, name: str) -> list[object]:
        """Return a JSON array, or the list of `name[]`."""
        value = self.json(name)
        if not isinstance(value, list):
            raise Invalid(name, f"The {name} must be a JSON array.")
        return value


def written_fields(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Return the fields of a form or query, in the order in which they were sent."""
    values: dict[str, object] = {}
    for name, text in pairs:
        listed = _LISTED.fullmatch(name)
        if listed is None:
            values[name] = text
            continue
        before = values.get(listed[1])
        values[listed[1]] = [*before, text] if isinstance(before, list) else [text]
    return Fields(values, frozenset(values))


def _unquoted(text: str) -> str:
    """Return the text without the double quotes around it, which some clients send where curl takes them away."""
    if len(text) < len('""') or not (text.startswith('"') and text.endswith('"')):
        return text
    try:
        inner = strict_json.loads(text)
    except MalformedJson:
        return text[1:-1]
    return inner if isinstance(inner, str) else text[1:-1]


def _json_in(name: str, text: str) -> object:
    """Read JSON text; it may stand in a JSON string, or in quotes around it as it is."""
    refusal = MalformedJson()
    for candidate in (text, text[1:-1]) if text.startswith('"') else (text,):
        try:
            value = strict_json.loads(candidate)
            return strict_json.loads(value) if isinstance(value, str) else value
        except MalformedJson as error:
            refusal = error
    raise Invalid(name, f"The {name} must be JSON. {refusal.message}")
