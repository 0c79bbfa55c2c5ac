"""Builds the SIP telephony of one process: socket, ports, clock, prompts; and takes it down again."""

import asyncio
import resource
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from shared.adapters.sip_trunk.agent import SipAgent
from shared.adapters.sip_trunk.datagrams import Datagrams, open_socket
from shared.adapters.sip_trunk.espeak import program
from shared.adapters.sip_trunk.places import OwnPlaces
from shared.adapters.sip_trunk.prompts import Prompts
from shared.adapters.sip_trunk.report_line import Quality
from shared.adapters.sip_trunk.rtp_ports import PortRange, RtpPorts
from shared.adapters.sip_trunk.sound_maker import PATIENCE_SECONDS, SoundMaker
from shared.adapters.sip_trunk.telephony import Manners, SipTelephony
from shared.adapters.sip_trunk.ticker import LATE_SHARE
from shared.adapters.sip_trunk.trunk import Trunk, address_towards
from shared.adapters.sip_trunk.watch import WatchTimes
from shared.domain.errors import PacelineError
from shared.ports.fetching import DocumentFetcher
from shared.ports.recordings import Recordings
from shared.ports.trunk_places import TrunkPlaces
from shared.sip.exchanges import Endpoint
from shared.sip.timing import Timings
from shared.sip.uri import uri_host
from shared.sip.user_agent import UserAgent

_log = structlog.get_logger()

#: One for the audio, one for the reports about it.
_SOCKETS_PER_CALL: Final = 2
#: Connections to servers and webhooks, interpreters, logs.
_OTHER_FILES: Final = 1000
#: Of RFC 5737, for examples: the way there is the way to everybody else, as long as no trunk is known.
_ANYWHERE: Final = ("192.0.2.1", 5060)


class CannotListen(PacelineError):
    """The address for SIP cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipSettings:
    """Where this process is on the network, and how its calls run."""

    #: The address to bind, for SIP and for audio.
    host: str = "0.0.0.0"  # noqa: S104 - the far end is a carrier on another network
    #: 0 takes a free one.
    port: int = 5060
    #: How the far end reaches us where that is not the bound address; None: found out by the way to the first trunk.
    advertised_host: str | None = None
    #: The port at which it does, where that is not the bound one.
    advertised_port: int | None = None
    rtp_ports: PortRange
    max_calls: int
    timings: Timings = Timings()  # noqa: RUF009 - frozen
    watch: WatchTimes = WatchTimes()  # noqa: RUF009 - frozen
    patience_seconds: float = 2.0
    #: How long the sound of a prompt may take to be made.
    sound_patience_seconds: float = PATIENCE_SECONDS
    #: More than 1 only in a test.
    pace_of_time: float = 1.0
    late_share: float = LATE_SHARE
    note_lateness: Callable[[float], None] = lambda _: None
    note_quality: Callable[[Quality], None] = lambda _: None


@asynccontextmanager
async def open_sip_telephony(
    settings: SipSettings,
    trunks: Sequence[Trunk],
    *,
    fetcher: DocumentFetcher,
    recordings: Recordings,
    places: TrunkPlaces | None = None,
) -> AsyncIterator[SipTelephony]:
    """Open the telephony; raises CannotListen, and NoSpeech where espeak-ng is missing.

    Without `places` that others share, the trunks' caps are this process's own.
    """
    program()  # said now, and not when the first callee listens to silence
    _allow_sockets(settings.max_calls)
    try:
        bound = open_socket(settings.host, settings.port)
    except OSError as error:
        raise CannotListen(
            f"SIP cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PACELINE_SIP_LISTEN to an "
            "address of this machine and a free port."
        ) from error
    try:
        advertised = settings.advertised_host or await _own_address(settings, trunks)
    except CannotListen:
        bound.close()
        raise
    user_agent = UserAgent(
        endpoint=Endpoint(
            host=uri_host(advertised), port=settings.advertised_port or int(bound.getsockname()[1])
        ),
        dice=secrets.SystemRandom(),
        timings=settings.timings,
        # A call that is over is remembered for half a minute, for stragglers.
        max_calls=50 * settings.max_calls,
    )
    agent = SipAgent(user_agent)
    agent.open(Datagrams(bound, received=agent.received, refused=agent.refused))
    maker = SoundMaker(patience_seconds=settings.sound_patience_seconds)
    prompts = Prompts(maker, fetcher)
    telephony = SipTelephony(
        trunks,
        agent=agent,
        ports=RtpPorts(settings.host, settings.rtp_ports),
        prompts=prompts,
        recordings=recordings,
        places=OwnPlaces() if places is None else places,
        manners=_manners(settings, advertised),
    )
    try:
        yield telephony
    finally:
        await telephony.close()
        await prompts.close()
        await maker.close()


def _manners(settings: SipSettings, advertised: str) -> Manners:
    return Manners(
        advertised_host=advertised,
        patience_seconds=settings.patience_seconds,
        pace_of_time=settings.pace_of_time,
        watch=settings.watch,
        late_share=settings.late_share,
        note_lateness=settings.note_lateness,
        note_quality=settings.note_quality,
    )


def _allow_sockets(calls: int) -> None:
    """Raise the number of files that this process may open, as far as it may; many shells begin at 1024."""
    wanted = _SOCKETS_PER_CALL * calls + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        _log.warning("too_few_files_may_be_open", allowed=allowed, wanted=wanted, calls=calls)


async def _own_address(settings: SipSettings, trunks: Sequence[Trunk]) -> str:
    """Return the address from which trunks are reached; raises CannotListen when there is no way."""
    if settings.host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared
        return settings.host
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for host, port in (*((trunk.host, trunk.port) for trunk in trunks), _ANYWHERE):
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family)
            return address_towards((str(found[0][4][0]), port))
        except (OSError, UnicodeError):
            continue
    raise CannotListen(
        "The address at which trunks reach us is not known: set PACELINE_SIP_ADVERTISED_HOST to it."
    )
