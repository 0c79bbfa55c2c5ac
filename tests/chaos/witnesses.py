"""The two witnesses: what the telephone network saw, and what the customer's own addresses received.

Neither asks the platform anything. The network's record is a file to which the simulator appends before a call
exists; the receiver is a web server of the run's own.
"""

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from tests.chaos.instants import now

#: Two minutes of speech: whoever answers stays until the longest call is over.
APPLICATION: Final = (
    "<vxml version='2.1'><form><block><prompt>" + "Please listen. " * 120 + "</prompt></block></form></vxml>"
)


@dataclass(slots=True, kw_only=True)
class Call:
    """One INVITE and what became of it; instants are the machine's monotonic clock, in seconds."""

    fence: str
    e164: str
    process: int
    sent_at: float
    #: The same instant as seconds since 1970, to be held against Postgres.
    sent_epoch_seconds: float
    #: None for a call whose dialer died under it.
    ended_at: float | None = None

    def is_live(self, at: float) -> bool:
        """Tell whether the INVITE had left and the call was not over."""
        return self.sent_at <= at and (self.ended_at is None or self.ended_at > at)


class TelephonyWitness:
    """Reads the network's record while it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self.calls: list[Call] = []
        self._open: dict[str, Call] = {}

    def look(self) -> list[Call]:
        """Read on; returns every call so far, in order."""
        if self._path.exists():
            with self._path.open("rb") as record:
                record.seek(self._read_bytes)
                whole, _, _ = record.read().rpartition(b"\n")
            if whole:
                self._read_bytes += len(whole) + 1
                for line in whole.split(b"\n"):
                    self._note(json.loads(line))
        return self.calls

    def live(self, process: int | None = None) -> list[Call]:
        """Return the calls that are under way, of one dialer or of all."""
        self.look()
        return [call for call in self._open.values() if process is None or call.process == process]

    def _note(self, line: dict[str, str | float]) -> None:
        if line["sight"] == "END":
            call = self._open.pop(str(line["fence"]), None)
            if call is not None:
                call.ended_at = float(line["at"])
            return
        call = Call(
            fence=str(line["fence"]),
            e164=str(line["e164"]),
            process=int(line["process"]),
            sent_at=float(line["at"]),
            sent_epoch_seconds=float(line["epoch_seconds"]),
        )
        self.calls.append(call)
        self._open[call.fence] = call


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One result that arrived."""

    webhook_id: str
    digest: str
    reference: str
    outcome: str
    at: float


@dataclass(kw_only=True)
class WebhookWitness:
    """Serves the application and takes results; now and then it takes one and drops the line before answering."""

    rng: random.Random
    #: The share of results whose first post gets no answer: the platform must send those again.
    dropped_share: float = 0.0
    posts: list[Post] = field(default_factory=list)
    by_reference: dict[str, list[Post]] = field(default_factory=lambda: defaultdict(list))
    dropped: int = 0
    _seen: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve for the block; yields the address."""
        app = web.Application()
        app.router.add_post("/application", self._application)
        app.router.add_post("/result", self._result)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _application(self, _request: web.Request) -> web.Response:
        return web.Response(text=APPLICATION, content_type="text/xml")

    async def _result(self, request: web.Request) -> web.Response:
        body = await request.read()
        fields = parse_qs(body.decode(), keep_blank_values=True)
        post = Post(
            webhook_id=request.headers["webhook-id"],
            digest=hashlib.sha256(body).hexdigest(),
            reference=fields["message_reference"][0],
            outcome=fields["outcome"][0],
            at=now(),
        )
        self.posts.append(post)
        self.by_reference[post.reference].append(post)
        if post.webhook_id not in self._seen:
            self._seen.add(post.webhook_id)
            if self.rng.random() < self.dropped_share and request.transport is not None:
                self.dropped += 1
                request.transport.abort()
        return web.Response(text="ok")
