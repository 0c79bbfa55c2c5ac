"""Header values that the user agent acts on: frozen, parsed from text, printed back without loss (RFC 3261, 20)."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Self

from typing_extensions import override

from shared.sip.errors import BadMessage
from shared.sip.grammar import (
    Parameters,
    end_of_quoted,
    is_token,
    number,
    parameter,
    parse_parameters,
    quoted,
    split_list,
    unquoted,
    write_parameters,
)
from shared.sip.limits import MAX_REMEMBERED
from shared.sip.uri import HOST_PORT, Uri, parse_uri, port_number

MAX_CSEQ: Final = 2**31 - 1  # RFC 3261, 8.1.1.5
_VIA_PROTOCOL: Final = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9\-.!%*_+`'~]+)\s+", re.IGNORECASE
)
_DISPLAY: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\s]*")
_WORDS: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAddr:
    """`"display" <uri>;parameters`: From, To, Contact, Route, P-Asserted-Identity (20.10)."""

    #: What is shown, without quotes; '' where there is none.
    display: str = ""
    uri: Uri
    parameters: Parameters = ()

    @property
    def tag(self) -> str | None:
        """The dialog's tag on this side (19.3)."""
        return parameter(self.parameters, "tag")

    def with_tag(self, tag: str) -> "NameAddr":
        """Return the same address with this tag and no other."""
        kept = tuple(pair for pair in self.parameters if pair[0] != "tag")
        return replace(self, parameters=(*kept, ("tag", tag)))

    @override
    def __str__(self) -> str:
        display = f"{quoted(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{write_parameters(self.parameters)}"

    @staticmethod
    def parse(text: str) -> "NameAddr":
        """Read one address; raises BadMessage."""
        return _name_addr(text)


@lru_cache(maxsize=MAX_REMEMBERED)
def _name_addr(text: str) -> NameAddr:
    """Read one address, once: each response of a call repeats From and To word for word."""
    display, rest = _display(text.strip())
    if not rest.startswith("<"):
        return _bare(display, rest)
    inside, closed, after = rest[1:].partition(">")
    after = after.strip()
    if not closed or (after and not after.startswith(";")):
        raise BadMessage("An address has an angle bracket that is not closed, or text after it.")
    parameters = parse_parameters(split_list(after[1:], ";")) if after else ()
    return NameAddr(display=display, uri=parse_uri(inside), parameters=parameters)


def _bare(display: str, rest: str) -> NameAddr:
    """Read an address without brackets: parameters are the header's, and `,` and `?` may not occur (20)."""
    parts = split_list(rest, ";")
    if display or not parts[0] or "?" in parts[0] or "," in parts[0]:
        raise BadMessage("An address that holds a comma, a question mark or a name needs angle brackets.")
    return NameAddr(uri=parse_uri(parts[0]), parameters=parse_parameters(parts[1:]))


def _display(text: str) -> tuple[str, str]:
    """Split the display name off."""
    if text.startswith('"'):
        end = end_of_quoted(text, 0)
        rest = text[end:].lstrip()
        if not rest.startswith("<"):
            raise BadMessage("After a quoted display name an address must stand in angle brackets.")
        return unquoted(text[:end]), rest
    name, bracket, _ = text.partition("<")
    if not bracket:
        return "", text
    if _DISPLAY.fullmatch(name) is None:
        raise BadMessage("A display name with such characters must be quoted.")
    return " ".join(name.split()), text[len(name) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """Where a response goes (20.42), with the branch that names the transaction."""

    transport: str = "UDP"
    host: str
    port: int | None = None
    parameters: Parameters = ()

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value; '' for a flag, None where it is absent."""
        return parameter(self.parameters, name)

    @property
    def branch(self) -> str:
        """The transaction's id; '' from an element older than RFC 3261."""
        return self.parameter("branch") or ""

    def received_from(self, host: str, port: int) -> "Via":
        """Return the Via with `received` and, where asked for, `rport` (RFC 3261, 18.2.1; RFC 3581, 4)."""
        asked = self.parameter("rport") is not None
        kept = tuple(pair for pair in self.parameters if pair[0] not in {"received", "rport"})
        told: Parameters = (("received", host), ("rport", str(port))) if asked else (("received", host),)
        return replace(self, parameters=(*kept, *told)) if asked or host != self.host else self

    @override
    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{write_parameters(self.parameters)}"

    @staticmethod
    def parse(text: str) -> "Via":
        """Read one Via; raises BadMessage."""
        return _via(text)


@lru_cache(maxsize=MAX_REMEMBERED)
def _via(text: str) -> Via:
    """Read one Via, once: every response to a request repeats it."""
    sent, *parameters = split_list(text, ";")
    protocol = _VIA_PROTOCOL.match(sent)
    by = "".join(sent[protocol.end() :].split()) if protocol else ""
    host = HOST_PORT.fullmatch(by)
    if protocol is None or host is None:
        raise BadMessage("A Via does not say SIP/2.0, a transport and a host.")
    return Via(
        transport=protocol["transport"].upper(),
        host=host["host"],
        port=port_number(host["port"]),
        parameters=parse_parameters(parameters),
    )


@dataclass(frozen=True, slots=True)
class CSeq:
    """The number and method of a request (20.16)."""

    number: int
    method: str

    @override
    def __str__(self) -> str:
        return f"{self.number} {self.method}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `314159 INVITE`; raises BadMessage."""
        words = _WORDS.findall(text)
        if len(words) != 2 or not is_token(words[1]):  # noqa: PLR2004 - a number and a method
            raise BadMessage("CSeq must be a number and a method.")
        return cls(number(words[0].lstrip("0") or "0", most=MAX_CSEQ, what="CSeq"), words[1])


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """How long a session lives without a refresh (RFC 4028, 4)."""

    seconds: int
    #: `uac`, `uas`, or None where the other side shall choose.
    refresher: str | None = None

    @override
    def __str__(self) -> str:
        return str(self.seconds) if self.refresher is None else f"{self.seconds};refresher={self.refresher}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1800;refresher=uas`; raises BadMessage."""
        seconds, *parameters = split_list(text, ";")
        refresher = (parameter(parse_parameters(parameters), "refresher") or "").lower()
        return cls(
            number(seconds, most=MAX_CSEQ, what="Session-Expires"),
            refresher if refresher in {"uac", "uas"} else None,
        )


def q850_cause(values: tuple[str, ...]) -> int | None:
    """Return the Q.850 cause of Reason headers (RFC 3326), None where there is none that can be read."""
    for value in values:
        try:
            for reason in split_list(value, ","):
                protocol, *parameters = split_list(reason, ";")
                cause = parameter(parse_parameters(parameters), "cause")
                if protocol.upper() == "Q.850" and cause is not None:
                    return number(cause, most=127, what="A Q.850 cause")
        except BadMessage:
            continue  # a hint that cannot be read is no hint; the status still speaks
    return None


def asserted_identity(values: tuple[str, ...]) -> NameAddr | None:
    """Return the first P-Asserted-Identity (RFC 3325, 9.1) that can be read."""
    for value in values:
        try:
            return NameAddr.parse(split_list(value, ",")[0])
        except BadMessage:
            continue  # informational: a broken one must not cost the call
    return None
