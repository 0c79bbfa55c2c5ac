"""A small HTTP server that takes results, and documents that a campaign needs beside it."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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

    app.router.add_post("/{path:.*}", take)
    return app


@contextlib.asynccontextmanager
async def served(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app` while the block lasts; yields its base URL. Port 0 is any free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            raise CannotListen(
                f"Nobody can listen on {host}:{port}: {reason}. Choose another with --port."
            ) from error
        bound = runner.addresses[0][1]
        yield f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def _document(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/voicexml+xml")

    return answer
