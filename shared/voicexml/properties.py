"""Properties: settings that hold for a document, a form or an input item (VoiceXML 2.0, 6.3).

The innermost element that sets one wins. Values are text until they are used, and a value that makes no sense
throws error.semantic there and then.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from shared.voicexml.attributes import boolean, milliseconds, whole_seconds
from shared.voicexml.errors import Thrown

#: termchar, termtimeout, confidencelevel, bargein, bargeintype and recordutterance as the specification says; the
#: others it leaves to the platform. Five seconds is what callers get elsewhere before they are asked again,
#: three between keys suits reading a number off a card, and fifteen for a document is longer than a caller stays in
#: silence.
DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "bargein": "true",
        "bargeintype": "speech",
        "confidencelevel": "0.5",
        "fetchaudio": "",
        # Whoever wants quick fetches to be silent says so; an application that names neither hears what it asked for.
        "fetchaudiodelay": "0s",
        "fetchaudiominimum": "0s",
        "fetchtimeout": "15s",
        "inputmodes": "dtmf voice",
        "interdigittimeout": "3s",
        "recordutterance": "false",
        "recordutterancetype": "",
        "termchar": "#",
        "termtimeout": "0s",
        "timeout": "5s",
        "universals": "none",
    }
)


_FRACTION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}")


class Properties:
    """The properties in force at one place."""

    def __init__(self, *layers: tuple[tuple[str, str], ...]) -> None:
        """Take the layers from the outside in."""
        self._values: Mapping[str, str] = DEFAULTS
        if any(layers):
            # Made for each visit to an item: most documents set nothing, and share what there is.
            values = dict(DEFAULTS)
            for layer in layers:
                values.update(layer)
            self._values = values

    def duration_ms(self, name: str) -> int:
        """Read a time; raises Thrown."""
        value = milliseconds(self._values[name])
        if value is None:
            raise self._senseless(name, "a time such as 3s or 850ms")
        return value

    def flag(self, name: str) -> bool:
        """Read true or false; raises Thrown."""
        value = boolean(self._values[name])
        if value is None:
            raise self._senseless(name, "true or false")
        return value

    def chosen(self, name: str, *allowed: str) -> str:
        """Read one of some words; raises Thrown."""
        value = self._values[name].strip()
        if value not in allowed:
            raise self._senseless(name, " or ".join(allowed))
        return value

    def key(self, name: str) -> str:
        """Read a key of the telephone or nothing; raises Thrown."""
        value = self._values[name].strip()
        if len(value) > 1 or value not in "0123456789*#ABCD":
            raise self._senseless(name, "one key of the telephone, or empty")
        return value

    def fraction(self, name: str) -> float:
        """Read a number from 0 to 1; raises Thrown."""
        value = self._values[name].strip()
        if not _FRACTION.fullmatch(value) or float(value) > 1:
            raise self._senseless(name, "a number from 0 to 1")
        return float(value)

    def words(self, name: str) -> frozenset[str]:
        """Read words, separated by white space."""
        return frozenset(self._values[name].split())

    def text(self, name: str) -> str:
        """Read any text."""
        return self._values[name].strip()

    def seconds(self, name: str) -> int:
        """Read a whole number of seconds (6.3.5), -1 if it is not set; raises Thrown."""
        return self._whole(name, "a whole number of seconds")

    def count(self, name: str) -> int:
        """Read a whole number, -1 if it is not set; raises Thrown."""
        return self._whole(name, "a whole number")

    def _whole(self, name: str, wanted: str) -> int:
        if name not in self._values:
            return -1
        value = whole_seconds(self._values[name])
        if value is None:
            raise self._senseless(name, wanted)
        return value

    def _senseless(self, name: str, wanted: str) -> Thrown:
        return Thrown("error.semantic", f"The property {name} is {self._values[name]!r} and not {wanted}.")
