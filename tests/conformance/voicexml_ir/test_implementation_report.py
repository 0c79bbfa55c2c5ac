"""The VoiceXML 2.0 and 2.1 Implementation Report, run where its documents are present.

Every document must end by itself. Those that have a verdict of their own must say "pass"; those that leave
the verdict to a listener are judged here by what was heard. An assertion that expects an error asserts the
error's name as well, so that it cannot pass for another reason.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

PlaceCall = Callable[[str, str], Any]

_NAMES = ("alpha", "bravo", "charlie", "delta")

#: Assertions whose verdict is a listener's: what must be heard, in this order.
HEARD: Mapping[str, tuple[str, ...]] = {
    "217": tuple(
        word for place, name in enumerate(_NAMES, 1) for word in ("For", name, ", press", str(place))
    ),
    "218": _NAMES,
    "219": _NAMES,
}

#: Assertions that are about an error: its name.
ERRORS: Mapping[str, str] = {
    "7": "error.semantic",
    "8": "error.badfetch",
    "10": "error.badfetch",
    "32": "error.semantic",
    "370": "error.badfetch",
    "378": "error.semantic",
    "515": "error.semantic",
    "516": "error.semantic",
    "531": "error.badfetch.http.404",
    "532": "error.badfetch.http.404",
    "543": "error.badfetch",
    "545": "error.badfetch",
    "560": "error.badfetch.http.404",
    "1008": "error.badfetch",
}

#: What does not pass, and why.
KNOWN: Mapping[str, str] = {}


def test_the_assertion_passes(place_call: PlaceCall, assertion: str, start_document: str) -> None:
    """The report's own verdict, or that of its listener, is a pass."""
    transcript = place_call(assertion, start_document)
    if assertion in KNOWN:
        pytest.xfail(KNOWN[assertion])
    said = transcript.said
    if assertion in HEARD:
        rest = iter(said)
        assert all(wanted in rest for wanted in HEARD[assertion]), said
        assert "fail" not in said
    else:
        assert transcript.verdict == "pass", (said, transcript.errors, transcript.exit)
    # Both ways: an error that nobody expected is a failure too, whatever was said in the end.
    assert transcript.errors == ([ERRORS[assertion]] if assertion in ERRORS else [])
