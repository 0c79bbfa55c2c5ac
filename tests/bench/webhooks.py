"""Signed deliveries per second, beside the bare HTTP client's."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_network

import aiohttp
from rows import Row
from stage import Stage

from shared.adapters.egress.exchange import GuardedHttp
from shared.adapters.egress.session import guarded_session
from shared.adapters.webhook.sender import WebhookSender
from shared.adapters.webhook.signature import new_secret
from shared.clock import utc_now
from shared.domain.egress import EgressPolicy
from shared.ports.delivering import OutgoingWebhook

POSTS = 3000
AT_ONCE = 32
BODY = (
    b"phone_number=%2B12025550100&message_reference=invoice-1001&call_id=1&result=completed&callee_type=voice"
)


async def measure(stage: Stage) -> list[Row]:
    """Return the bare client's rate and the guarded, signing sender's."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as bare_session:

        async def post_bare(_: int) -> None:
            async with bare_session.post(stage.receiver, data=BODY) as answer:
                await answer.read()

        bare = Row("posts by a bare aiohttp client", await _rate(post_bare))
    policy = EgressPolicy(allow=(ip_network("127.0.0.0/8"),))
    async with guarded_session(policy) as session:
        sender = WebhookSender(GuardedHttp(session, policy), wall_clock=utc_now)
        key = new_secret(bytes(range(32)))

        async def post_signed(number: int) -> None:
            report = await sender.send(
                OutgoingWebhook(
                    webhook_id=f"res_{number}",
                    url=stage.receiver,
                    content_type="application/x-www-form-urlencoded",
                    body=BODY,
                    keys=(key,),
                )
            )
            assert report.status == 200

        signed = Row("signed deliveries through the egress guard", await _rate(post_signed), bare)
    return [bare, signed]


async def _rate(post: Callable[[int], Awaitable[None]]) -> float:
    """Return posts a second, AT_ONCE at a time."""

    async def worker(first: int) -> None:
        for number in range(first, POSTS, AT_ONCE):
            await post(number)

    began = time.perf_counter()
    await asyncio.gather(*(worker(first) for first in range(AT_ONCE)))
    return POSTS / (time.perf_counter() - began)
