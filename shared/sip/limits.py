"""How much of anything one SIP peer may make us read or keep.

Each number is far above what carriers send and far below what would hurt: 1,000 calls at every limit at once
still fit in memory. A message beyond a limit is refused before it is parsed.
"""

from typing import Final

#: UDP carries no more; real INVITEs with ten Vias stay under 8 KiB.
MAX_DATAGRAM_BYTES: Final = 16 * 1024
#: A carrier's INVITE has some 40 header lines; RFC 4475's longest message has about 60.
MAX_HEADERS: Final = 128
#: RFC 4475, 3.1.1.7 asks for very long values; the longest there is below 3 KiB.
MAX_HEADER_CHARS: Final = 4 * 1024
#: Entries of one comma-separated list: Via, Record-Route, Supported.
MAX_LIST: Final = 64
#: Parameters of one header value or URI.
MAX_PARAMETERS: Final = 64
MAX_URI_CHARS: Final = 2 * 1024
#: An answer with every codec that a phone knows stays under 2 KiB.
MAX_SDP_BYTES: Final = 8 * 1024
MAX_SDP_LINES: Final = 256
#: Media lines of one description: audio, video, fax, and then some.
MAX_SDP_MEDIA: Final = 16
#: Payload formats of one media line.
MAX_SDP_FORMATS: Final = 64
#: Routes a dialog keeps: more hops than Max-Forwards would let pass in practice.
MAX_ROUTES: Final = 20
#: Early dialogs of one call: each branch of a forking proxy makes one.
MAX_FORKS: Final = 16
#: Requests of the peer remembered per call, so that a retransmission gets the same answer.
MAX_SERVER_TRANSACTIONS: Final = 32
#: Requests of ours under way per call.
MAX_CLIENT_TRANSACTIONS: Final = 32
#: Texts whose reading is remembered, of URIs, of addresses and of Vias each: what one call says again and again, and
#: what all calls through one gateway share. Half a megabyte; some tens, if a stranger sends nothing but the longest.
MAX_REMEMBERED: Final = 1024
#: Key names of the realms of one trunk.
MAX_REALMS: Final = 4
