"""What we say of ourselves: the methods, extensions and bodies that we understand."""

from typing import Final

from shared.sip.message import HeaderList

#: In-dialog requests that we answer, and what we send: peers look here for PRACK before they use 100rel.
METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "INFO", "PRACK")
EXTENSIONS: Final = frozenset({"100rel", "timer"})
SDP_TYPE: Final = "application/sdp"
ALLOW: Final = ("Allow", ", ".join(METHODS))
SUPPORTED: Final = ("Supported", ", ".join(sorted(EXTENSIONS)))
ACCEPT: Final = ("Accept", SDP_TYPE)
SDP_BODY: Final = ("Content-Type", SDP_TYPE)
ABOUT_US: Final[HeaderList] = (ALLOW, SUPPORTED)
