"""Header values of the form `text/csv; charset=utf-8` and `form-data; name="days"` (RFC 9110, 5.6.6).

Quoting is that of browsers and curl: a backslash before a quote or a backslash is an escape, any other is itself,
so that a path of Windows survives.
"""

import re
from typing import NamedTuple

_PARAMETER = re.compile(
    r"""[ \t]*;[ \t]*(?:
        ([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*
        (?:"((?:[^"\\]|\\.)*+)"|([^;"\s]*))
    )?[ \t]*""",
    re.VERBOSE,
)


class HeaderValue(NamedTuple):
    """The value itself, in lower case, and its parameters, their names in lower case."""

    value: str
    parameters: dict[str, str]


def header_value(text: str) -> HeaderValue | None:
    """Read a header value; None where its parameters are not well-formed or one is there twice."""
    value, semicolon, _ = text.partition(";")
    at = len(value) if semicolon else len(text)
    parameters: dict[str, str] = {}
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None or match.end() == at:
            return None
        at = match.end()
        name, quoted, plain = match.groups()
        if name is None:  # a semicolon with nothing after it
            continue
        if name.lower() in parameters:
            return None
        parameters[name.lower()] = plain if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted)
    return HeaderValue(value.strip(" \t").lower(), parameters)
