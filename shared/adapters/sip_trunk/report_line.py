"""The reports of one call about its audio (RTCP): a socket on the port above the audio's, and an alarm now and then.

Nothing of it happens with a packet of audio but that every eighth is looked at. When those come is known to the turns
of the clock of all audio, 5 ms: jitter below that is not seen.

Reports go to the port above the far end's audio, or to where its own come from (symmetric, as audio is: RFC 4961; a
port that `a=rtcp` names, RFC 3605, is found that way). They are not offered on the port of the audio (RFC 5761), but
understood there from who sends them all the same.
"""

import asyncio
import random
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.adapters.sip_trunk.datagrams import Address
from shared.adapters.sip_trunk.ticker import Ticker
from shared.clock import epoch_seconds, monotonic_seconds
from shared.rtp.outgoing import Outgoing
from shared.rtp.packet import Numbers
from shared.rtp.reporting import HeardThere, Reporting
from shared.rtp.rtcp import MAX_COMPOUND_BYTES

#: Every so many packets one is looked at: some thirty for each report, whose jitter needs sixteen to settle. To look at
#: twice as many costs a seventh more for all of a call's audio.
SAMPLED: Final = 8
#: One byte more than a report may have shows one that is too long.
_READ_BYTES: Final = MAX_COMPOUND_BYTES + 1
_HIGHEST_PORT: Final = 65_535
#: Datagrams that are read at the end: an honest far end has sent one or two.
_MOST_LEFT: Final = 4
#: 96 bits, as RFC 7022 asks of a name that is made anew for each call.
_CNAME_BYTES: Final = 12
_NOWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - a held call's address, not a listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How a call's audio fared."""

    #: Of the callee's packets, the share that did not arrive; None where none did.
    loss_here: float | None
    #: None where the far end reports nothing.
    there: HeardThere | None


class ReportLine:
    """Sends and hears reports from the answer to the end."""

    def __init__(self, bound: socket.socket, ticker: Ticker, *, note: Callable[[Quality], None]) -> None:
        """`note` is told once, at the end of a call that was connected."""
        self._socket = bound
        self._ticker = ticker
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._reporting: Reporting | None = None
        self._out: Outgoing | None = None
        self._audio_at: Callable[[], Address] = lambda: ("", 0)
        #: Where the far end's reports come from.
        self._heard_from: Address | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def begin(self, out: Outgoing, audio_at: Callable[[], Address]) -> None:
        """Report about this stream from now on; `audio_at` says where the far end's audio is."""
        self._out, self._audio_at = out, audio_at
        self._reporting = Reporting(
            out,
            cname=secrets.token_urlsafe(_CNAME_BYTES),
            rng=random.SystemRandom(),
            now=monotonic_seconds(),
            unix_now=epoch_seconds(),
        )
        self._ticker.arrivals.add(self._socket.fileno(), self._readable)
        self._set_alarm(self._reporting)

    def look(self, numbers: Numbers, *, timed: bool) -> None:
        """Look at one packet of SAMPLED."""
        if self._reporting is not None:
            self._reporting.reception.take(numbers, self._ticker.now, count=SAMPLED, timed=timed)

    def hear(self, datagram: bytes, source: Address) -> None:
        """Take a datagram of the far end; from another address than its audio's it counts for nothing."""
        if self._reporting is not None and source[0] == self._audio_at()[0]:
            self._reporting.take(datagram, monotonic_seconds())

    def close(self) -> None:
        """Say good-bye, and send and hear nothing more."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._reporting is not None and self._out is not None:
            for _ in range(_MOST_LEFT):
                self._readable()  # what came since the last turn
            if self._out.packets:
                self._send(self._reporting.goodbye())
            self._ticker.arrivals.remove(self._socket.fileno())
            self._note(_quality(self._reporting))
        self._reporting = None
        self._socket.close()

    def _readable(self) -> None:
        try:
            datagram, source = self._socket.recvfrom(_READ_BYTES)
        except OSError:
            return  # nothing there after all
        address = (str(source[0]), int(source[1]))
        if address[0] == self._audio_at()[0]:
            self._heard_from = address
        self.hear(datagram, address)

    def _set_alarm(self, reporting: Reporting) -> None:
        self._alarm = self._loop.call_later(reporting.pause_seconds(), self._report, reporting)

    def _report(self, reporting: Reporting) -> None:
        self._send(reporting.report(monotonic_seconds()))
        self._set_alarm(reporting)

    def _send(self, report: bytes) -> None:
        host, port = self._audio_at()
        if host in _NOWHERE or not 0 < port < _HIGHEST_PORT:
            return
        symmetric = self._heard_from is not None and self._heard_from[0] == host
        try:
            self._socket.sendto(
                report, self._heard_from if symmetric and self._heard_from else (host, port + 1)
            )
        except OSError:
            return  # the next one says it all again


def _quality(reporting: Reporting) -> Quality:
    expected = reporting.reception.expected
    lost = max(0, reporting.reception.lost) / expected if expected else None
    return Quality(loss_here=lost, there=reporting.heard_there)
