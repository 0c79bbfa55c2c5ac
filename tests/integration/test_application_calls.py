"""An application on a simulated call: what it records, posts and transfers, in a real interpreter process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from ipaddress import ip_network
from typing import Final
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from services.dialer.application import Application, ApplicationEnd
from shared.adapters.egress.caching import CachingFetcher
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.interpreter.pool import InterpreterPool
from shared.adapters.simulator.telephony import Simulator
from shared.clock import monotonic_seconds
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.egress import EgressPolicy
from shared.domain.retry import RetryPolicy
from shared.ports.dialing import LeasedAttempt
from shared.telephony.port import Answered, Ended, OutboundCall, Ringing

#: A minute of call time passes in a little more than a second.
SPEED: Final = 50.0
_LOOPBACK: Final = EgressPolicy(allow=(ip_network("127.0.0.1"),))


@dataclass
class Website:
    """A customer's application: documents by path, and what was asked."""

    documents: dict[str, str]
    asked: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    #: What cookies came with what was asked.
    cookies: list[str] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer with a document; the first one sets a cookie, as PHP does for a session."""
        body = await request.read()
        self.cookies.append(request.headers.get("Cookie", ""))
        self.asked.append((request.method, request.path_qs, body, request.headers.get("Content-Type", "")))
        content = self.documents.get(request.path)
        if content is None:
            return web.Response(status=404)
        return web.Response(
            text=f'<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">{content}</vxml>',
            content_type="application/voicexml+xml",
            headers={"Set-Cookie": "PHPSESSID=r2t5; path=/"} if request.path == "/start" else {},
        )


@asynccontextmanager
async def _desk(site: Website) -> AsyncIterator[tuple[Simulator, InterpreterPool, CachingFetcher, str]]:
    async with (
        RawTestServer(site.answer) as server,
        guarded_session(_LOOPBACK) as session,
        InterpreterPool(processes=1, answer_timeout_s=10) as interpreter,
    ):
        simulator = Simulator(speed=SPEED, seed=1)
        fetcher = CachingFetcher(GuardedFetcher(session, _LOOPBACK), clock=monotonic_seconds)
        yield simulator, interpreter, fetcher, str(server.make_url("")).removesuffix("/")
        await simulator.close()


async def _call(documents: dict[str, str], *, last_two: str = "00") -> tuple[ApplicationEnd, Website]:
    """Call a callee with the application at /start; returns how it ended, and what its server was asked."""
    site = Website(documents)
    async with asyncio.timeout(60), _desk(site) as (simulator, interpreter, fetcher, base):
        now = asyncio.get_running_loop().time()
        call = OutboundCall(
            e164=f"+120255501{last_two}",
            caller_id="+12025550199",
            post_dial=None,
            fence="fence",
            ring_seconds=30,
            longest_call_seconds=600,
        )
        live = await simulator.place(call, not_before=now, send_by=now + 60)
        application = Application(_leased(base), live, interpreter, fetcher.for_call(), pace_of_time=SPEED)
        running: asyncio.Task[ApplicationEnd] | None = None
        async for event in live.events():
            match event:
                case Answered():
                    running = asyncio.create_task(application.run())
                case Ringing():
                    pass
                case Ended():
                    application.hang_up_heard()
                case _:
                    application.hear(event)
        assert running is not None
        return await running, site


def _leased(base: str) -> LeasedAttempt:
    return LeasedAttempt(
        job=DialJob(tenant_id=1, campaign_id=77, attempt_id=5),
        epoch=1,
        number_id=1234,
        ordinal=1,
        due=0.0,
        send_by=1e9,
        took_number=True,
        e164="+12025550100",
        ani=None,
        post_dial=None,
        message_reference="INV 7",
        variables={"name": "Ann & Bob", "phone_number": "nobody's"},
        tries=1,
        start_url=f"{base}/start",
        start_method="POST",
        result_url=None,
        result_format=ResultFormat.FORM,
        caller_id="+12025550199",
        retry_policy=RetryPolicy(tries=1, intervals_seconds=(60,)),
    )


RECORD: Final = """<form>
  <record name="message" maxtime="{maxtime}"><filled>
    <log expr="message$.duration"/>
    <submit next="/posted" method="post" enctype="multipart/form-data" namelist="message"/>
  </filled></record>
  <catch event="error"><exit expr="_event"/></catch>
</form>"""


@pytest.mark.parametrize(("last_two", "seconds"), [("00", 4.0), ("09", 1.5)])
async def test_a_recording_is_posted_as_a_wav_file(last_two: str, seconds: float) -> None:
    """When the callee has spoken, and when a key ends it: multipart/form-data with the sound in it."""
    end, site = await _call(
        {
            "/start": RECORD.format(maxtime="20s"),
            "/posted": "<form><block><exit expr=\"'kept'\"/></block></form>",
        },
        last_two=last_two,
    )
    assert (end.failed, dict(end.values)) == (False, {"expr": "kept"})
    method, _, body, content_type = site.asked[1]
    assert method == "POST"
    message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    (part,) = list(message.walk())[1:]
    assert (part.get_filename(), part.get_content_type()) == ("message.wav", "audio/x-wav")
    sound = part.get_payload(decode=True)
    assert isinstance(sound, bytes)
    assert sound[:4] == b"RIFF"
    # 16-bit samples at 8 kHz; a busy machine presses the key a little later.
    assert seconds * 16_000 <= len(sound) <= 4.5 * 16_000


async def test_a_recording_that_runs_into_its_longest_time_says_so() -> None:
    """The shadow variable maxtime."""
    end, _ = await _call(
        {
            "/start": "<form><record name='r' maxtime='1s'><filled><exit expr='r$.maxtime'/></filled></record></form>"
        }
    )
    assert dict(end.values) == {"expr": "true"}


@pytest.mark.parametrize(
    ("attributes", "last_two", "outcome"),
    [
        ("bridge='true'", "01", "busy"),
        ("bridge='true'", "02", "noanswer"),
        ("bridge='true'", "05", "error.connection.noroute"),
        ("bridge='true'", "00", "far_end_disconnect"),
        ("bridge='true' maxtime='1s'", "03", "maxtime_disconnect"),
        ("bridge='false'", "00", "connection.disconnect.transfer"),
        ("type='consultation'", "00", "error.unsupported.transfer.consultation"),
    ],
)
async def test_a_transfer_ends_as_the_standard_says(attributes: str, last_two: str, outcome: str) -> None:
    """A second leg to a simulated callee: a value of the item, or an event."""
    end, _ = await _call(
        {
            "/start": f"<form><transfer name='t' dest='tel:+120255501{last_two}' connecttimeout='25s' {attributes}>"
            "<filled><exit expr='t'/></filled></transfer>"
            "<catch event='error connection'><exit expr='_event'/></catch></form>"
        }
    )
    assert dict(end.values) == {"expr": outcome}


@pytest.mark.parametrize(
    ("dest", "outcome"),
    [
        ("sip:+12025550100@somewhere.example", "error.unsupported.uri"),
        ("https://somewhere.example/", "error.unsupported.uri"),
        ("tel:", "error.connection.baddestination"),
        ("tel:+1202555", "error.connection.baddestination"),
        ("tel:+12025550100@somewhere.example", "error.connection.baddestination"),
        ("tel:+12025550100;phone-context=example", "error.connection.baddestination"),
        ("tel:+19005550100", "error.connection.noauthorization"),
        ("tel:+881612345678", "error.connection.noauthorization"),
        ("tel:+1-202-555-0101;postd=1w23", "busy"),
        ("TEL:2025550101", "busy"),
    ],
)
async def test_a_transfer_goes_to_a_telephone_number_and_to_nothing_else(dest: str, outcome: str) -> None:
    """No host of the application's choice is ever asked; what is no number is said to be none."""
    end, _ = await _call(
        {
            "/start": f"<form><transfer name='t' dest='{dest}' bridge='true'><filled><exit expr='t'/></filled>"
            "</transfer><catch event='error connection'><exit expr='_event'/></catch></form>"
        }
    )
    assert dict(end.values) == {"expr": outcome}


async def test_the_first_request_carries_the_calls_facts_and_the_numbers_variables() -> None:
    """A variable of the list does not hide a fact of the call."""
    end, site = await _call({"/start": "<form><block><exit/></block></form>"})
    assert end.finished
    method, path, body, _ = site.asked[0]
    assert (method, path) == ("POST", "/start")
    assert dict(parse_qsl(body.decode())) == {
        "name": "Ann & Bob",
        "phone_number": "+12025550100",
        "message_reference": "INV 7",
        "call_id": "1234",
        "campaign_id": "77",
    }


async def test_a_mark_that_was_reached_is_known_when_a_key_comes() -> None:
    """VoiceXML 2.1, 6.3: its name, and how long ago it was."""
    end, _ = await _call(
        {
            "/start": """<form><field name="f" type="digits?length=1"><prompt>Hello.<mark name="m"/> And now a long
            sentence that the callee will not hear to its end, because there is a key to press.</prompt>
            <filled><exit expr="f$.markname + ' ' + (f$.marktime &gt; 0)"/></filled>
            <noinput><exit expr="'noinput'"/></noinput></field></form>"""
        },
        last_two="09",
    )
    assert dict(end.values) == {"expr": "m true"}


async def test_a_recording_is_played_back_from_its_own_address() -> None:
    """The telephony fetches it like any audio, and no server is asked."""
    end, site = await _call(
        {
            "/start": """<form><record name="r" maxtime="2s"/><block><prompt>You said <audio expr="r">nothing</audio>
            </prompt><exit expr="'played'"/></block></form>"""
        }
    )
    assert dict(end.values) == {"expr": "played"}
    assert len(site.asked) == 1


async def test_a_session_of_the_application_server_is_found_again_by_its_cookie() -> None:
    """VoiceXML 2.0, 6.1.4, and RFC 6265: in whatever a call fetches, from the answer that set it on."""
    end, site = await _call(
        {
            "/start": """<form><block><goto next="/second"/></block></form>""",
            "/second": """<form><block><data name="d" src="/third"/>
            <submit next="/third" method="post" enctype="multipart/form-data"/></block></form>""",
            "/third": """<form><subdialog name="s" src="/fourth"><filled><exit expr="s.a"/></filled></subdialog>
            </form>""",
            "/fourth": """<form><var name="a" expr="'found'"/><block><return namelist="a"/></block></form>""",
        }
    )
    assert dict(end.values) == {"expr": "found"}
    assert [f"{method} {path}" for method, path, _, _ in site.asked] == [
        *["POST /start", "GET /second", "GET /third", "POST /third", "GET /fourth"]
    ]
    assert site.cookies == ["", *["PHPSESSID=r2t5"] * 4]
