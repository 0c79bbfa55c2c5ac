"""A small HTTP server that takes results, and documents that a campaign needs beside it."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from services.cli.receiving.result import Proof, ReceivedResult, Verifier, read_fields
from shared.domain.errors import Conflict, Invalid

#: A result is a kilobyte; what is larger is not one.
BODY_BYTES = 256 * 1024
#: Whoever delivers while we end may finish.
SHUTDOWN_SECONDS = 1.0

Hearer = Callable[[ReceivedResult], None]


class CannotListen(Conflict):
    """The receiver cannot listen at its address."""


def receiver(verifier: Verifier, hear: Hearer, documents: Mapping[str, str] | None = None) -> web.Application:
    """Return an application that takes results on any path but those of `documents`, which are VoiceXML."""
    app = web.Application(client_max_size=BODY_BYTES)
    for path, text in (documents or {}).items():
        app.router.add_route("*", path, _document(text))

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            fields = read_fields(body, request.content_type)
        except Invalid as error:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=error.message)
        result = ReceivedResult(fields=fields, proof=verifier.proof(body, request.headers))
        hear(result)
        status = HTTPStatus.UNAUTHORIZED if result.proof is Proof.WRONG else HTTPStatus.OK
        return web.Response(status=status, text=f"{result.proof}\n")

    async def answer(_request: web.Request) -> web.Response:
        # A campaign's start looks whether its addresses answer.
        return web.Response(text="Results are taken here, by POST.\n")

    app.router.add_post("/{path:.*}", take)
    app.router.add_get("/{path:.*}", answer)
    return app


@contextlib.asynccontextmanager
async def served(app: web.Application, host: str, *ports: int) -> AsyncIterator[str]:
    """Serve `app` on the first of the ports that is free while the block lasts; yields its base URL.

    Port 0 is any free one. Raises `CannotListen` when none is to be had.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        port = await _listen(runner, host, ports)
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, ports: Sequence[int]) -> int:
    """Return the port that is listened on."""
    reason = "no port was given"
    for port in ports:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = f"{host}:{port} cannot be listened on ({(error.strerror or 'unknown reason').lower()})"
        else:
            bound: int = runner.addresses[0][1]
            return bound
    raise CannotListen(f"The receiver cannot start, as {reason}: choose another with --port.")


def _document(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/voicexml+xml")

    return answer
