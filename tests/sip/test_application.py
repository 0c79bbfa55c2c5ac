"""A VoiceXML application on a real call: keys by RFC 4733 answer its menu, and a recording reaches its server."""

import asyncio
from email.parser import BytesParser
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.test_utils import RawTestServer

from services.dialer.application import Application, ApplicationEnd
from shared.adapters.egress.caching import CachingFetcher
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.interpreter.pool import InterpreterPool
from shared.clock import monotonic_seconds
from shared.contracts.dial_job import DialJob
from shared.contracts.result_body import ResultFormat
from shared.domain.egress import EgressPolicy
from shared.domain.retry import RetryPolicy
from shared.ports.dialing import LeasedAttempt
from shared.telephony.port import Answered, Ended, LiveCall, Ringing
from tests.sip.callee import PATIENCE_SECONDS, callee, need_key_recordings
from tests.sip.caller import call_to, caller, place, trunk
from tests.sip.real_time import in_real_time

LOOPBACK: Final = EgressPolicy(allow=(ip_network("127.0.0.1"),))

#: SIPp presses 1, 5 and #, with time between them.
START: Final = """<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">
<menu><prompt>Press 1 to leave a message, and a key when you are done.<break time="10s"/></prompt>
<choice dtmf="1" next="#message">leave a message</choice></menu>
<form id="message"><record name="message" maxtime="20s" beep="true"><filled>
<submit next="/posted" method="post" enctype="multipart/form-data" namelist="message"/></filled>
</record></form></vxml>"""
POSTED: Final = """<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">
<form><field name="done"><option dtmf="#" value="yes">pound</option>
<filled><prompt>Thank you for your message. Goodbye.</prompt><exit namelist="done"/></filled></field></form></vxml>"""


def leased(url: str) -> LeasedAttempt:
    """Return an attempt whose application is there."""
    return LeasedAttempt(
        job=DialJob(tenant_id=1, campaign_id=2, attempt_id=3), epoch=1, number_id=4, ordinal=1, due=0.0, send_by=1e9,
        took_number=True, e164="+12025550123", ani=None, post_dial=None, message_reference="INV-7", variables={},
        tries=1, start_url=url, start_method="GET", result_url=None, result_format=ResultFormat.FORM,
        caller_id="+12025550199", retry_policy=RetryPolicy(tries=1, intervals_seconds=(60,)),
    )  # fmt: skip


async def converse(live: LiveCall, application: Application) -> ApplicationEnd:
    """Follow a call with its application beside it."""
    running: asyncio.Task[ApplicationEnd] | None = None
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    running = asyncio.create_task(application.run())
                case Ended():
                    application.hang_up_heard()
                case Ringing():
                    pass
                case _:
                    application.hear(event)
        assert running is not None
        return await running


@in_real_time
async def test_keys_answer_a_menu_and_a_recording_is_posted(tmp_path: Path) -> None:
    """1 chooses, 5 ends the recording, which is posted as a WAV file, and # ends the call: SIPp agrees with it all."""
    need_key_recordings()
    posted: list[bytes] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        body = await request.read()
        if request.path == "/start":
            return web.Response(text=START)
        message = BytesParser().parsebytes(
            f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode() + body
        )
        posted.extend(bytes(part.get_payload(decode=True)) for part in list(message.walk())[1:])
        return web.Response(text=POSTED)

    async with (
        RawTestServer(answer) as server,
        guarded_session(LOOPBACK) as http,
        InterpreterPool(processes=1, answer_timeout_s=10) as interpreter,
        callee(tmp_path, "keys") as far,
        caller(trunk(far.port)) as telephony,
    ):
        documents = CachingFetcher(GuardedFetcher(http, LOOPBACK), clock=monotonic_seconds)
        live = await place(telephony, call_to())
        attempt = leased(str(server.make_url("/start")))
        application = Application(attempt, live, interpreter, documents, pace_of_time=1.0)
        ended = await converse(live, application)
        assert await far.verdict() == 0, far.log()
    assert (ended.finished, dict(ended.values)) == (True, {"done": "yes"})
    (sound,) = posted
    assert sound[:4] == b"RIFF"
    # µ-law at 8 kHz: what was heard between two keys, a second and a half at most; a busy machine begins later.
    assert 800 < len(sound) < 16_000
